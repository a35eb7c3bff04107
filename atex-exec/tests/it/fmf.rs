//! The FMF executor on this machine: what a test does, and what is in its artifacts afterwards.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use atex_core::{
    Artifacts, CancellationToken, Executor, Outcome, Provisioner, Request, Result, Session, Test,
    TestName, TestSuite,
};
use atex_exec::{FmfExecutor, Limits};
use atex_provision::Local;
use tempfile::TempDir;

/// A remote on this machine with a session for one test, `/t`.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    provisioner: Local,
    session: Box<dyn Session>,
}

impl Bench {
    pub(crate) async fn new(test: Test) -> Self {
        Self::with(test, |executor| executor).await
    }

    pub(crate) async fn with(test: Test, set_up: impl FnOnce(FmfExecutor) -> FmfExecutor) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path().join("tree");
        fs::create_dir_all(tree.join("some/dir")).unwrap();
        fs::write(tree.join("some/dir/data"), "content\n").unwrap();
        let suite = TestSuite::new([(TestName::new("/t").unwrap(), test)]).with_content(tree, "");
        let provisioner = Local::new().base(folder.path());
        let remote = provisioner.provision(&Request::new("bench")).await.unwrap();
        let executor = set_up(FmfExecutor::new(suite));
        let session = executor
            .start(Arc::clone(remote.connection()), &CancellationToken::new())
            .await
            .unwrap();
        Self { folder, provisioner, session }
    }

    pub(crate) async fn run(&mut self, cancel: &CancellationToken) -> Result<Outcome> {
        let out = self.folder.path().join("out");
        fs::remove_dir_all(&out).ok();
        self.session.run(&TestName::new("/t").unwrap(), &Artifacts::at(&out).unwrap(), cancel).await
    }

    /// Everything in the artifacts, as one text.
    pub(crate) fn artifacts(&self) -> String {
        let mut text = String::new();
        show(&self.folder.path().join("out"), "", &mut text);
        text
    }

    /// Ends all, and checks that nothing is left.
    pub(crate) async fn finish(self) {
        self.session.stop().await.unwrap();
        self.provisioner.shutdown().await.unwrap();
        let left: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.iter().all(|name| name == "tree" || name == "out"), "left behind: {left:?}");
    }
}

fn show(dir: &Path, prefix: &str, text: &mut String) {
    let mut entries: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{prefix}{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() {
            show(&path, &format!("{name}/"), text);
        } else {
            text.push_str(&format!(
                "--- {name}\n{}",
                String::from_utf8_lossy(&fs::read(&path).unwrap())
            ));
        }
    }
}

/// Runs a script as a test; how it went, and what is in its artifacts.
pub(crate) async fn run(script: &str) -> String {
    run_test(Test::new(script)).await
}

pub(crate) async fn run_test(test: Test) -> String {
    let mut bench = Bench::new(test).await;
    let outcome = bench.run(&CancellationToken::new()).await;
    let went = match outcome {
        Ok(outcome) => {
            let note = outcome.note.map_or(String::new(), |note| format!(", {note}"));
            format!("{}, exit code {:?}{note}", outcome.verdict, outcome.exit_code)
        }
        Err(error) => format!("error: {error}"),
    };
    let artifacts = bench.artifacts();
    bench.finish().await;
    format!("{went}\n{artifacts}")
}

/// Runs each script as a test of its own; one transcript of all.
async fn run_all(cases: &[(&str, &str)]) -> String {
    let mut transcript = String::new();
    for (name, script) in cases {
        let done = run(&format!("{REPORT}{script}")).await;
        transcript.push_str(&format!("=== {name}\n{script}\n=> {done}\n"));
    }
    transcript
}

/// A bash function that reports a result, followed by the data of its files.
const REPORT: &str = r#"report() { local json=$1; shift; printf 'result %d\n%s%s' "${#json}" "$json" "$*" >&$ATEX_TEST_CONTROL; }
"#;

#[tokio::test]
async fn the_exit_code_decides_when_nothing_is_reported() {
    let cases = [
        ("it prints and is well", "echo out; echo err >&2; echo more >/dev/stderr"),
        ("its last command fails", "echo before\nfalse\necho after"),
        ("a part of a pipe fails", "false | true"),
        ("it dies of a signal", "kill -KILL $$"),
        ("255 is an exit code like others", "exit 255"),
    ];
    insta::assert_snapshot!(run_all(&cases).await);
}

#[tokio::test]
async fn what_a_test_reports() {
    let cases = [
        ("a result of its own beats the exit code", r#"report '{"status": "pass"}'; exit 1"#),
        (
            "subtests, and nothing of its own",
            r#"report '{"name": "a b", "status": "fail", "note": "no"}'; report '{"name": "c", "status": "pass"}'"#,
        ),
        (
            "files, appended",
            r#"report '{"status": "pass", "files": [{"name": "log/x", "length": 3}, {"name": "log/x", "length": 2}]}' $'ab\ncd'"#,
        ),
        (
            "its output, before it is complete",
            r#"echo one; report '{"name": "s", "status": "pass", "testout": "log"}'; echo two"#,
        ),
        (
            "a partial one of its own is completed",
            r#"report '{"partial": true, "note": "n"}'; report '{"partial": true, "name": "open"}'; exit 3"#,
        ),
        (
            "names that climb stay inside",
            r#"report '{"name": "../../x", "status": "pass", "files": [{"name": "/../etc/y", "length": 1}]}' z"#,
        ),
        ("skipped", r#"report '{"status": "skip", "note": "not here"}'"#),
    ];
    insta::assert_snapshot!(run_all(&cases).await);
}

#[tokio::test]
async fn a_broken_protocol_is_no_verdict_on_the_test() {
    let cases = [
        ("an unknown word", "echo hello >&$ATEX_TEST_CONTROL; sleep 100"),
        (
            "a wrong length",
            r#"report '{"name": "kept", "status": "pass"}'; echo 'result 5' >&$ATEX_TEST_CONTROL; echo '{}{}' >&$ATEX_TEST_CONTROL; sleep 100"#,
        ),
        (
            "an end inside a file",
            r#"report '{"status": "pass", "files": [{"name": "x", "length": 300}]}' abc"#,
        ),
        (
            "two files in one place",
            r#"report '{"status": "pass", "files": [{"name": "a", "length": 0}, {"name": "a/b", "length": 0}]}'; sleep 100"#,
        ),
        (
            "its output, twice under one name",
            r#"report '{"name": "s", "testout": "x"}'; report '{"name": "s", "testout": "x"}'; sleep 100"#,
        ),
        ("a reboot that does not come", "echo disconnect >&$ATEX_TEST_CONTROL; sleep 0.1; exit 3"),
        (
            "one that is not even reached",
            "echo disconnect >&$ATEX_TEST_CONTROL; while echo noop >&$ATEX_TEST_CONTROL; do sleep 0.02; done; reboot",
        ),
    ];
    insta::assert_snapshot!(run_all(&cases).await);
}

#[tokio::test]
async fn a_test_finds_its_surroundings() {
    let mut test = Test::new(
        r#"cat data; pwd -P | sed "s,$(cd $TMT_TREE && pwd -P),TREE,"; readlink /proc/self/fd/0
echo "$TMT_TEST_NAME $TMT_REBOOT_COUNT $A $B $C"; cat "$TMT_TEST_METADATA"
echo "D=from the plan's file" >>"$TMT_PLAN_ENVIRONMENT_FILE"
ps -o pgid= -p $$ | grep -qx " *$$" && echo leads its process group"#,
    );
    test.dir = "some/dir".into();
    test.environment =
        [("A".to_owned(), "test".to_owned()), ("B".into(), "te st".into())].into_iter().collect();
    test.metadata =
        serde_json::json!({"summary": "x", "duration": "1m"}).as_object().unwrap().clone();
    let mut bench =
        Bench::with(test, |executor| executor.env("B", "exe\ncutor").env("C", "'")).await;
    bench.run(&CancellationToken::new()).await.unwrap();
    insta::assert_snapshot!(bench.artifacts());
    bench.finish().await;
}

#[tokio::test]
async fn the_time_limit_ends_a_test_with_all_that_it_started() {
    let mut test = Test::new(
        "trap '' TERM; (trap '' TERM HUP; echo child >&2; while :; do sleep 1; done) & echo \"duration 1\" >&$ATEX_TEST_CONTROL; while :; do sleep 1; done",
    );
    test.duration = Some(std::time::Duration::from_secs(3600));
    insta::assert_snapshot!(run_test(test).await);
}

#[tokio::test]
async fn a_daemon_that_holds_everything_open_does_not_keep_the_run_from_ending() {
    let began = std::time::Instant::now();
    insta::assert_snapshot!(run("setsid sleep 1000 & echo done").await);
    assert!(began.elapsed().as_secs() < 100);
}

#[tokio::test]
async fn a_cancelled_test_keeps_what_it_reported() {
    let script = format!(
        r#"{REPORT} report '{{"name": "early", "status": "pass"}}'; echo started; sleep 1000"#
    );
    let mut bench = Bench::new(Test::new(script)).await;
    let cancel = CancellationToken::new();
    let results = bench.folder.path().join("out/results");
    let canceller = cancel.clone();
    let watcher = tokio::spawn(async move {
        while fs::read_to_string(&results).unwrap_or_default().is_empty() {
            tokio::task::yield_now().await;
        }
        canceller.cancel();
    });
    let error = bench.run(&cancel).await.unwrap_err();
    watcher.await.unwrap();
    assert!(matches!(error, atex_core::Error::Cancelled), "{error:?}");
    insta::assert_snapshot!(bench.artifacts());
    bench.finish().await;
}

#[tokio::test]
async fn a_session_runs_one_test_after_the_other() {
    let mut bench = Bench::new(Test::new("echo $TMT_TEST_METADATA; cat $TMT_PLAN_ENVIRONMENT_FILE; echo X=$X.more >>$TMT_PLAN_ENVIRONMENT_FILE")).await;
    for _ in 0..3 {
        assert_eq!(bench.run(&CancellationToken::new()).await.unwrap().exit_code, Some(0));
    }
    let output = fs::read_to_string(bench.folder.path().join("out/files/output.txt")).unwrap();
    assert!(output.ends_with("/run-1/metadata.yaml\nX=.more\nX=.more.more\n"), "{output}");
    bench.finish().await;
}

#[tokio::test]
async fn a_gigabyte_of_output_passes_by_our_memory() {
    let mut bench = Bench::new(Test::new("head -c 1G /dev/zero")).await;
    let outcome = bench.run(&CancellationToken::new()).await.unwrap();
    let size = fs::metadata(bench.folder.path().join("out/files/output.txt")).unwrap().len();
    assert_eq!((outcome.exit_code, size), (Some(0), 1 << 30));
    // Nor does it fill the disk of its remote: what is here is removed there, and no more than 256 MiB wait.
    fs::remove_dir_all(bench.folder.path().join("out")).unwrap();
    let left = size_of(bench.folder.path());
    assert!(left < 300 << 20, "{left}");
    bench.finish().await;
}

/// The size of all files below a folder.
fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.file_type().unwrap() {
            kind if kind.is_dir() => size_of(&entry.path()),
            _ => entry.metadata().unwrap().len(),
        })
        .sum()
}

#[tokio::test]
async fn a_test_that_is_silent_for_too_long_is_ended() {
    let mut limits = Limits::default();
    limits.silence = Some(std::time::Duration::from_secs(2));
    // Whatever it prints or says counts.
    let script = "for i in {1..4}; do sleep 0.7; echo $i; sleep 0.7; echo noop >&$ATEX_TEST_CONTROL; done; sleep 1000";
    let mut bench = Bench::with(Test::new(script), |executor| executor.limits(limits)).await;
    let outcome = bench.run(&CancellationToken::new()).await.unwrap();
    assert_eq!(outcome.note.as_deref(), Some("the test said and printed nothing for 2s"));
    let output = fs::read_to_string(bench.folder.path().join("out/files/output.txt")).unwrap();
    assert_eq!(output, "1\n2\n3\n4\n");
    bench.finish().await;
}
