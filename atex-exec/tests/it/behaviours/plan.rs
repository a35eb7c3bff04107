//! What a plan wants done around its tests, and where tests run (Plan support, and the environment).

use std::fs;
use std::path::Path;

use atex_core::{
    Artifacts, CancellationToken, Error, Executor, Phase, PhaseAction, Result, Session, Test,
    TestName, TestSuite,
};
use atex_exec::{FmfExecutor, Limits};

use super::{listing, on_every_system};
use crate::systems::System;

/// A phase of shell scripts.
fn shell(name: &str, scripts: &[&str]) -> Phase {
    let scripts = scripts.iter().map(|script| (*script).to_owned()).collect();
    Phase { name: name.into(), action: PhaseAction::Shell { scripts } }
}

/// What scripts of plans may be told.
const TOLD: &str =
    "env | grep -E '^(FROM|ALL|PLAN|FILE|TMT_)' | sed \"s,$TMT_TREE,TREE,; s,=/.*/,=…/,\" | sort";

fn suite(root: &Path) -> TestSuite {
    fs::create_dir_all(root.join("some/dir")).unwrap();
    let mut test = Test::new(format!(
        "{TOLD}; ls \"$TMT_PLAN_DATA\"; cat \"$TMT_TREE/made\"; pwd | sed \"s,$TMT_TREE,TREE,\""
    ));
    test.dir = "some/dir".into();
    test.environment.insert("ALL".into(), "test".into());
    let mut suite = TestSuite::new([(TestName::new("/t").unwrap(), test)]).with_content(root, "");
    suite.environment = [("FROM", "plan"), ("ALL", "plan"), ("PLAN", "it's \"the\" plan")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let count = "cat \"$TMT_TREE/made\"; echo $FILE; touch \"$TMT_PLAN_DATA/seen\"";
    suite.prepare = vec![
        shell(
            "first/one",
            &[
                TOLD,
                "pwd | sed \"s,$TMT_TREE,TREE,\"; echo made >made; echo FILE=1 >>\"$TMT_PLAN_ENVIRONMENT_FILE\"",
            ],
        ),
        shell("second", &[count]),
    ];
    suite.finish = vec![
        shell(
            "looks",
            &["cat \"$TMT_TREE/made\"; echo $FILE; tmt-report-result part PASS; exit 3"],
        ),
        shell("all the same", &["echo done; sleep 1000 &"]),
    ];
    suite
}

/// How a whole session goes, and what it leaves.
async fn whole(system: &System) -> String {
    let folder = tempfile::tempdir().unwrap();
    let executor = FmfExecutor::new(suite(&folder.path().join("tree"))).env("FROM", "executor");
    let executor = executor.work_base(system.base()).session_logs(folder.path().join("out/logs"));
    let cancel = CancellationToken::new();
    let mut session = executor.start(system.connection(), &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out/test")).unwrap();
    let name = TestName::new("/t").unwrap();
    assert_eq!(session.run(&name, &artifacts, &cancel).await.unwrap().exit_code, Some(0));
    let error = session.stop().await.unwrap_err();
    assert_eq!(system.left().await, [""; 0]);
    system.normal(&format!("{error}\n{}", listing(&folder.path().join("out"))))
}

#[tokio::test]
async fn on_this_machine() {
    insta::assert_snapshot!("plan", whole(&System::local()).await);
}

#[tokio::test]
async fn over_ssh() {
    let Some(system) = System::ssh("what a plan does around its tests").await else { return };
    insta::assert_snapshot!("plan", whole(&system).await);
}

#[tokio::test]
async fn in_a_container() {
    let Some(system) = System::container("what a plan does around its tests").await else { return };
    insta::assert_snapshot!("plan", whole(&system).await);
}

/// Starts a session on this machine with this plan; gives what came of it, and the logs.
async fn started(
    prepare: Phase,
    cancel: &CancellationToken,
    limits: Limits,
) -> (Result<Box<dyn Session>>, String, Vec<String>) {
    let (system, folder) = (System::local(), tempfile::tempdir().unwrap());
    let mut suite = TestSuite::new([]);
    suite.prepare = vec![prepare, shell("never", &["echo not reached"])];
    suite.finish = vec![shell("always", &["echo finished"])];
    let executor = FmfExecutor::new(suite).limits(limits).work_base(system.base());
    let executor = executor.session_logs(folder.path());
    let started = executor.start(system.connection(), cancel).await;
    let logs = system.normal(&listing(folder.path()));
    (started, logs, system.left().await)
}

#[tokio::test]
async fn a_preparation_that_fails_is_told_and_the_finish_is_done_all_the_same() {
    let script = "echo some words; echo last words >&2; exit 7";
    let cancel = CancellationToken::new();
    let (failed, logs, left) = started(shell("x", &[script]), &cancel, Limits::default()).await;
    let failed = failed.unwrap_err();
    assert_eq!(failed.fault(), atex_core::Fault::Infra);
    insta::assert_snapshot!(format!("{failed}\n{logs}"));
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_preparation_has_a_limit() {
    let mut limits = Limits::default();
    limits.prepare = std::time::Duration::from_secs(1);
    let cancel = CancellationToken::new();
    let (failed, logs, left) = started(shell("slow", &["sleep 1000"]), &cancel, limits).await;
    let failed = failed.unwrap_err().to_string();
    assert!(failed.contains("\"slow\"") && failed.contains("1s"), "{failed}");
    assert!(logs.contains("finished\n") && !logs.contains("not reached"), "{logs}");
    assert_eq!(left, [""; 0]);
}

#[tokio::test]
async fn a_cancelled_preparation_ends_and_the_finish_is_done_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let cancel = CancellationToken::new();
    let script = format!("touch '{}'; sleep 1000", mark.display());
    let waits = async {
        while !mark.exists() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let started = started(shell("slow", &[&script]), &cancel, Limits::default());
    let ((cancelled, logs, left), ()) = tokio::join!(started, waits);
    assert!(matches!(cancelled, Err(Error::Cancelled)), "{cancelled:?}");
    assert!(logs.contains("finished\n") && !logs.contains("not reached"), "{logs}");
    assert_eq!(left, [""; 0]);
}

mod terminal {
    use super::super::Case;
    use super::on_every_system;

    /// The first of these wants a terminal.
    const CASES: &[Case] = &[
        (
            "EX-10: a terminal",
            "tty </dev/tty >/dev/null && echo controlling; for fd in 0 1 2; do [ -t $fd ] && echo $fd; done; stty size </dev/tty; echo $TERM; read -t 1 || echo nothing typed; echo to stderr >&2; tmt-report-result part PASS; exit 7",
        ),
        (
            "EX-11: what is left in it is killed",
            "trap '' HUP; sleep 10000 & echo $! >\"$TMT_TREE/left\"; echo text",
        ),
        ("it was", "gone left"),
        ("a signal", "kill -KILL $$"),
    ];

    on_every_system!("terminal", CASES, |test| test.tty = true);
}
