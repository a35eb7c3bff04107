//! What a session lays on a system, and what its tests find there (EX, and the environment).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use atex_core::{
    Artifacts, CancellationToken, Error, Executor, Session, Test, TestName, TestSuite,
};
use atex_exec::FmfExecutor;
use serde_json::json;

use super::listing;
use crate::systems::System;

/// A tree with everything that could get lost on the way.
fn tree(root: &Path) {
    for folder in [".git/objects", "some/dir", "empty", "nested/.git"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    for file in
        [".git/config", ".hidden", "some/dir/data", "nested/.git/config", "a 'name'\nof two"]
    {
        fs::write(root.join(file), format!("{file}\n")).unwrap();
    }
    let modes = [(".hidden", 0o600), ("some/dir/data", 0o755), ("empty", 0o700)];
    for (name, mode) in modes {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    symlink("some/dir", root.join("link")).unwrap();
    symlink("/nowhere/at/all", root.join("dangling")).unwrap();
}

/// The tests of these cases: what each shows, where it runs, its script.
fn suite(root: &Path) -> TestSuite {
    let mut surroundings = Test::new(
        r#"env | grep -E '^(FROM|ALL|PLAN|TEST|TMT_REBOOT_COUNT|TMT_TEST_RESTART_COUNT|TMT_TEST_NAME)' | sort
echo "FILE='written by a test'" >>"$TMT_PLAN_ENVIRONMENT_FILE"; echo "ALL=file" >>"$TMT_PLAN_ENVIRONMENT_FILE"
cat "$TMT_TEST_METADATA""#,
    );
    let set = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    surroundings.environment = set(&[
        ("FROM", "test"),
        ("ALL", "test"),
        ("TEST", "a 'b' \"c\"\n$d `e` \\f ž\t!"),
        ("TMT_REBOOT_COUNT", "7"),
        ("TMT_TEST_NAME", "another"),
    ]);
    surroundings.metadata =
        json!({"test": "./x", "summary": "ž: \"b\"", "require": ["a"], "order": 50})
            .as_object()
            .unwrap()
            .clone();
    let later = Test::new("echo \"$FILE, $ALL\"; env | grep ^FILE=");
    let mut here = Test::new("pwd -P | sed \"s,$(cd \"$TMT_TREE\" && pwd -P),TREE,\"; cat data");
    here.dir = "some/dir".into();
    let uploaded = Test::new("cd \"$TMT_TREE\"; find . -mindepth 1 -printf '%M %p %l\\n' | sort");
    let named = |name: &str, test: Test| (TestName::new(name).unwrap(), test);
    let mut suite = TestSuite::new([
        named("/surroundings", surroundings),
        named("/later", later),
        named("/here", here),
        named("/uploaded", uploaded),
    ])
    .with_content(root, "");
    suite.environment = set(&[("FROM", "plan"), ("ALL", "plan"), ("PLAN", "plan")]);
    suite
}

/// Runs all of it, and describes what was seen.
async fn seen(system: &System) -> String {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("tree");
    tree(&root);
    let suite = suite(&root);
    let names: Vec<TestName> = suite.tests.keys().cloned().collect();
    let executor = FmfExecutor::new(suite).env("ALL", "executor").env("FROM_EXECUTOR", "");
    let executor = executor.work_base(system.base()).without_packages();
    let cancel = CancellationToken::new();
    let mut session = executor.start(system.connection(), &cancel).await.unwrap();
    let mut text = String::new();
    for name in &names {
        let out = folder.path().join("out").join(name.as_str().trim_start_matches('/'));
        let outcome = session.run(name, &Artifacts::at(&out).unwrap(), &cancel).await.unwrap();
        text.push_str(&format!("=== {name}: {}\n{}", outcome.verdict, listing(&out)));
    }
    refused(&mut *session, folder.path()).await;
    let work = system.left().await;
    assert!(work.len() == 1 && work[0].starts_with("700 atex-"), "nobody else's: {work:?}");
    session.stop().await.unwrap();
    assert_eq!(system.left().await, [""; 0]);
    system.normal(&text)
}

/// EX-04: what is not run at all.
async fn refused(session: &mut dyn Session, folder: &Path) {
    let cancel = CancellationToken::new();
    let artifacts = Artifacts::at(folder.join("unknown")).unwrap();
    let name = TestName::new("/unknown").unwrap();
    let error = session.run(&name, &artifacts, &cancel).await.unwrap_err();
    assert!(matches!(&error, Error::Usage(what) if what.contains("/unknown")), "{error}");
    for taken in ["results", "testout.temp", "files/x"] {
        let out = folder.join("taken").join(taken.replace('/', "-"));
        let artifacts = Artifacts::at(&out).unwrap();
        fs::create_dir_all(artifacts.files_dir()).unwrap();
        fs::write(out.join(taken), "dear\n").unwrap();
        let name = TestName::new("/later").unwrap();
        let error = session.run(&name, &artifacts, &cancel).await.unwrap_err();
        assert!(error.to_string().contains(taken.trim_end_matches("/x")), "{error}");
        assert_eq!(fs::read_to_string(out.join(taken)).unwrap(), "dear\n");
    }
}

#[tokio::test]
async fn on_this_machine() {
    insta::assert_snapshot!("session", seen(&System::local()).await);
}

#[tokio::test]
async fn over_ssh() {
    let Some(system) = System::ssh("what a session lays on a system").await else { return };
    insta::assert_snapshot!("session", seen(&system).await);
}

#[tokio::test]
async fn in_a_container() {
    let Some(system) = System::container("what a session lays on a system").await else { return };
    insta::assert_snapshot!("session", seen(&system).await);
}

/// EX-02: what one session sets is not seen by the tests of another with the same executor.
#[tokio::test]
async fn sessions_of_one_executor_share_nothing() {
    let (one, other) = (System::local(), System::local());
    let name = TestName::new("/t").unwrap();
    let test = Test::new(
        "cat \"$TMT_PLAN_ENVIRONMENT_FILE\"; echo X=1 >\"$TMT_PLAN_ENVIRONMENT_FILE\"; echo \"$TMT_TREE\"",
    );
    let executor = FmfExecutor::new(TestSuite::new([(name.clone(), test)]));
    let (cancel, folder) = (CancellationToken::new(), tempfile::tempdir().unwrap());
    let mut outputs = Vec::new();
    for (number, system) in [one, other].into_iter().enumerate() {
        let mut session = executor.start(system.connection(), &cancel).await.unwrap();
        let artifacts = Artifacts::at(folder.path().join(number.to_string())).unwrap();
        session.run(&name, &artifacts, &cancel).await.unwrap();
        session.stop().await.unwrap();
        outputs.push(fs::read_to_string(artifacts.files_dir().join("output.txt")).unwrap());
    }
    assert!(outputs.iter().all(|output| output.lines().count() == 1), "{outputs:?}");
    assert_ne!(outputs[0], outputs[1]);
}
