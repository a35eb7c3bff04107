//! A long file of a test on this machine comes past the spool; nothing is lost or doubled by that, whatever happens meanwhile.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Executor, Outcome, Test, TestName, TestSuite, Verdict,
};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;

use crate::logged::Logged;
use crate::resume::Runs;

/// What scripts of this file say their files with. A file is long enough for a shortcut, and the test waits until one was asked for.
const WORDS: &str = r#"
run=${TMT_TEST_METADATA%/*} letters=abcdefghijklmnopqrstuvwxyz
report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
blocks() {
    for ((i = $1; i < $2; i++)); do
        { printf %08d "$i"; head -c 1048568 /dev/zero | tr '\0' "${letters:i % 26:1}"; } >&$ATEX_TEST_CONTROL
    done
}
begin() {
    report "{\"name\": \"$1\", \"files\": [{\"name\": \"f\", \"length\": $(($2 << 20))}, {\"name\": \"g\", \"length\": 3}]}"
    blocks 0 1
    for ((tries = 0; tries < 6000; tries++)); do
        [[ ! -L $run/shortcut ]] || return 0
        sleep 0.01
    done
    exit 99
}
gate() { touch "$GATES/at-$1"; until [[ -e $GATES/go-$1 ]]; do sleep 0.01; done; }
"#;

/// What blocks of the script are, in a row.
fn blocks(count: usize) -> Vec<u8> {
    let block = |i: usize| {
        let mut block = format!("{i:08}").into_bytes();
        block.resize(1 << 20, b'a' + u8::try_from(i % 26).unwrap());
        block
    };
    (0..count).flat_map(block).collect()
}

/// Runs a script of [`WORDS`] on this machine: how it went, and how many shortcuts were taken.
async fn run(script: &str, change: impl Fn(Test) -> Test) -> (Outcome, tempfile::TempDir, usize) {
    let (logged, _guard) = Logged::begin();
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("tmp");
    fs::create_dir(&base).unwrap();
    let name = TestName::new("/t").unwrap();
    let test = change(Test::new(format!("{WORDS}{script}")));
    let executor =
        FmfExecutor::new(TestSuite::new([(name.clone(), test)])).work_base(base.to_str().unwrap());
    let connection = Arc::new(LocalConnection::new("system", folder.path()));
    let cancel = CancellationToken::new();
    let mut session = executor.start(connection, &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    let outcome = session.run(&name, &artifacts, &cancel).await.unwrap();
    session.stop().await.unwrap();
    assert_eq!(fs::read_dir(base).unwrap().count(), 0);
    let taken = logged.text().matches("a long file took a shortcut").count();
    (outcome, folder, taken)
}

fn file(folder: &Path, path: &str) -> Vec<u8> {
    fs::read(folder.join("out/files").join(path)).unwrap()
}

#[tokio::test]
async fn long_files_take_it_and_all_comes_in_its_order() {
    let script = r#"
        echo before
        begin one 40; blocks 1 40; printf abc >&$ATEX_TEST_CONTROL
        report '{"name": "between"}'
        begin two 36; blocks 1 36; printf abc >&$ATEX_TEST_CONTROL
        echo after
        report '{"name": "last", "files": [{"name": "small", "length": 2}]}'; printf xy >&$ATEX_TEST_CONTROL"#;
    let (outcome, folder, taken) = run(script, |test| test).await;
    assert_eq!((outcome.verdict, outcome.exit_code, taken), (Verdict::Passed, Some(0), 2));
    let results = fs::read_to_string(folder.path().join("out/results")).unwrap();
    insta::assert_snapshot!(results, @r#"
    {"name": "one", "files": ["f", "g"]}
    {"name": "between"}
    {"name": "two", "files": ["f", "g"]}
    {"name": "last", "files": ["small"]}
    {"status": "pass", "files": ["output.txt"]}
    "#);
    assert!(
        file(folder.path(), "one/f") == blocks(40) && file(folder.path(), "two/f") == blocks(36)
    );
    assert_eq!(
        (file(folder.path(), "one/g"), file(folder.path(), "two/g")),
        (b"abc".into(), b"abc".into())
    );
    assert_eq!(file(folder.path(), "last/small"), b"xy");
    assert_eq!(file(folder.path(), "output.txt"), b"before\nafter\n");
}

#[tokio::test]
async fn where_there_can_be_none_the_file_comes_as_any_other() {
    // Something of the test's is in the way.
    let script = r#"
        begin() { report "{\"name\": \"$1\", \"files\": [{\"name\": \"f\", \"length\": $(($2 << 20))}]}"; }
        mkdir "$run/shortcut.pipe"; ln -s /nowhere "$run/shortcut.to"
        begin one 40; blocks 0 40"#;
    let (outcome, folder, taken) = run(script, |test| test).await;
    assert_eq!((outcome.verdict, taken), (Verdict::Passed, 0));
    assert!(file(folder.path(), "one/f") == blocks(40));
}

#[tokio::test]
async fn a_test_that_ends_before_its_file_is_told_so() {
    let (outcome, folder, _) = run("begin one 40; blocks 1 20; exit 3", |test| test).await;
    assert_eq!(outcome.verdict, Verdict::Infra);
    let note = outcome.note.unwrap();
    assert!(note.contains("the data of a file (20971520 bytes are missing)"), "{note}");
    assert!(file(folder.path(), "one/f") == blocks(20));
}

#[tokio::test]
async fn a_test_that_stalls_on_its_way_is_stopped_in_time() {
    let script = "begin one 40; blocks 1 20; sleep 1000";
    let (outcome, ..) = run(script, |mut test| {
        test.duration = Some(Duration::from_secs(4));
        test
    })
    .await;
    assert_eq!(outcome.verdict, Verdict::Infra);
    let note = outcome.note.unwrap();
    assert!(note.contains("time limit of 4s"), "{note}");
}

/// Kills the controller while the test waits at this gate, and starts another: at once, or when the test waits at a later one.
fn kill_at(gate: &str, next_at: &str) {
    const GATES: [&str; 4] = ["asked", "under-way", "written", "end"];
    let script = r#"
        echo before; report '{"name": "early"}'
        begin one 40; gate asked; blocks 1 20; gate under-way; blocks 20 40; gate written; printf abc >&$ATEX_TEST_CONTROL
        report '{"name": "late"}'; gate end; echo after; exit 7"#;
    let runs = Runs::new("", None);
    let folder = runs.folder.path();
    fs::write(folder.join("script"), format!("GATES={}\n{WORDS}{script}", folder.display()))
        .unwrap();
    let mut controller = Some(runs.start());
    for at in GATES {
        while !folder.join(format!("at-{at}")).exists() {
            std::thread::yield_now();
        }
        if at == gate {
            let mut controller = controller.take().unwrap();
            controller.kill().unwrap();
            controller.wait().unwrap();
        }
        if at == next_at {
            controller = Some(runs.start());
        }
        fs::write(folder.join(format!("go-{at}")), "").unwrap();
    }
    assert!(controller.unwrap().wait().unwrap().success());
    let case = format!("killed at {gate}, the next at {next_at}");
    assert_eq!(fs::read_to_string(folder.join("ended")).unwrap(), "Ok(7)", "{case}");
    let results = "{\"name\": \"early\"}\n{\"name\": \"one\", \"files\": [\"f\", \"g\"]}\n{\"name\": \"late\"}\n\
        {\"status\": \"fail\", \"files\": [\"output.txt\"]}\n";
    assert_eq!(fs::read_to_string(folder.join("out/results")).unwrap(), results, "{case}");
    assert!(file(folder, "one/f") == blocks(40), "{case}");
    assert_eq!(file(folder, "one/g"), b"abc", "{case}");
    assert_eq!(file(folder, "output.txt"), b"before\nafter\n", "{case}");
}

#[test]
fn killed_controllers_lose_nothing_of_a_file_on_its_shortcut() {
    for (gate, next_at) in [
        ("asked", "asked"),
        ("asked", "written"),
        ("under-way", "under-way"),
        ("under-way", "written"),
        ("under-way", "end"),
        ("written", "written"),
        ("end", "end"),
    ] {
        kill_at(gate, next_at);
    }
}
