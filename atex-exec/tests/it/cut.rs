//! A test outlives its connection: nothing of what it says or prints is lost, nothing comes twice.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, Error, Executor, Failure, Outcome, Result, Test,
    TestName, TestSuite,
};
use atex_exec::{FmfExecutor, Limits};
use atex_provision::testkit::Sshd;
use tempfile::TempDir;

/// What a test of this file leaves, and how it went.
struct Done {
    outcome: Result<Outcome>,
    folder: TempDir,
    artifacts: Artifacts,
}

/// Runs a test over ssh; `trouble` happens to the host once the test has made the folder `begun` in its work folder.
async fn run(
    sshd: Sshd,
    test: Test,
    limit: Duration,
    trouble: impl FnOnce(Sshd, Artifacts) -> Sshd + Send + 'static,
) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let connection: Arc<dyn Connection> = Arc::new(sshd.ssh().connect().await.unwrap());
    let name = TestName::new("/t").unwrap();
    let mut limits = Limits::default();
    limits.reconnect = limit;
    let executor = FmfExecutor::new(TestSuite::new([(name.clone(), test)]))
        .work_base(folder.path().to_str().unwrap())
        .limits(limits);
    let cancel = CancellationToken::new();
    let mut session = executor.start(Arc::clone(&connection), &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    let seen = artifacts.clone();
    let trouble = tokio::task::spawn_blocking(move || {
        while fs::metadata(seen.results_file()).map_or(0, |file| file.len()) == 0 {
            std::thread::yield_now();
        }
        trouble(sshd, seen)
    });
    let outcome = session.run(&name, &artifacts, &cancel).await;
    let _sshd = trouble.await.unwrap();
    if outcome.is_ok() {
        // The last of the trouble may have come after the end.
        connection.reconnect().await.unwrap();
        session.stop().await.unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "left behind: {left:?}");
    }
    Done { outcome, folder, artifacts }
}

/// Where the session works, on the same disk.
fn work_folder(artifacts: &Artifacts) -> PathBuf {
    let folder = fs::read_dir(artifacts.dir().parent().unwrap()).unwrap();
    let mut paths = folder.flatten().map(|entry| entry.path());
    paths.find(|path| path.join("guest.sh").exists()).unwrap()
}

/// Waits until the results have this many lines.
fn wait_for_lines(artifacts: &Artifacts, count: usize) {
    while fs::read_to_string(artifacts.results_file()).unwrap().lines().count() < count {
        std::thread::yield_now();
    }
}

/// Reports results with a file each and prints, 300 times; waits now and then, so that it takes a while.
const TALKATIVE: &str = r#"
for i in {1..300}; do
    json="{\"name\": \"r$i\", \"status\": \"pass\", \"files\": [{\"name\": \"f\", \"length\": ${#i}}]}"
    printf 'result %d\n%s%s' "${#json}" "$json" "$i" >&$ATEX_TEST_CONTROL
    echo "line $i"
    ((i % 10)) || sleep 0.05
done
"#;

#[tokio::test]
async fn cuts_lose_nothing_and_double_nothing() {
    let Some(sshd) = Sshd::for_test("cuts lose nothing") else { return };
    let done = run(sshd, Test::new(TALKATIVE), Duration::from_secs(60), |mut sshd, artifacts| {
        for lines in [1, 30, 31, 100, 150, 200, 250, 290] {
            wait_for_lines(&artifacts, lines);
            sshd.cut();
        }
        sshd
    })
    .await;
    assert_eq!(done.outcome.unwrap().exit_code, Some(0));
    let names: Vec<String> = done
        .artifacts
        .results()
        .unwrap()
        .map(|line| line.unwrap().name().unwrap_or("own").to_owned())
        .collect();
    let expected: Vec<String> = (1..=300).map(|i| format!("r{i}")).chain(["own".into()]).collect();
    assert_eq!(names, expected);
    for i in 1..=300 {
        let file = done.artifacts.files_of(Some(&format!("r{i}"))).join("f");
        assert_eq!(fs::read_to_string(file).unwrap(), i.to_string());
    }
    let output = fs::read_to_string(done.artifacts.files_dir().join("output.txt")).unwrap();
    assert_eq!(output, (1..=300).map(|i| format!("line {i}\n")).collect::<String>());
}

/// The test is over by the time that the host is back: its end is found in the spools.
#[tokio::test]
async fn a_test_may_end_while_its_host_cannot_be_reached() {
    let Some(sshd) = Sshd::for_test("an end while the host is down") else { return };
    let script = r#"
json='{"name": "early"}'; printf 'result %d\n%s' "${#json}" "$json" >&$ATEX_TEST_CONTROL
until [ -e "$TMT_TREE/../go" ]; do sleep 0.02; done
echo late; exit 7"#;
    let done = run(sshd, Test::new(script), Duration::from_secs(60), |mut sshd, artifacts| {
        sshd.go_down();
        let work = work_folder(&artifacts);
        fs::write(work.join("go"), "").unwrap();
        while fs::metadata(work.join("run-1/done")).map_or(0, |done| done.len()) == 0 {
            std::thread::yield_now();
        }
        sshd.go_up().unwrap();
        sshd
    })
    .await;
    assert_eq!(done.outcome.unwrap().exit_code, Some(7));
    let output = done.artifacts.files_dir().join("output.txt");
    assert_eq!(fs::read_to_string(output).unwrap(), "late\n");
}

#[tokio::test]
async fn a_host_that_does_not_come_back_is_to_blame() {
    let Some(sshd) = Sshd::for_test("a host that does not come back") else { return };
    let script = r#"
json='{"name": "kept"}'; printf 'result %d\n%s' "${#json}" "$json" >&$ATEX_TEST_CONTROL
until ! [ -e "$TMT_TREE" ]; do sleep 0.02; done"#;
    let done = run(sshd, Test::new(script), Duration::ZERO, |mut sshd, _| {
        sshd.go_down();
        sshd
    })
    .await;
    let error = done.outcome.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    let results: Vec<_> = done.artifacts.results().unwrap().map(Result::unwrap).collect();
    assert_eq!((results[0].name(), results[1].status()), (Some("kept"), Some("infra")));
    assert_eq!(results[1].note(), Some(Failure::from(&error).message.as_str()));
    // The test ends when its folder goes.
    drop(done.folder);
}

/// Nobody is there to take what it prints: the test waits, as behind any full pipe, and no more than that is on its host.
#[tokio::test]
async fn a_test_that_prints_much_while_nobody_is_there_waits() {
    let Some(sshd) = Sshd::for_test("much output while the host is down") else { return };
    const LENGTH: u64 = 400 << 20;
    let script = format!(
        r#"
json='{{"name": "early"}}'; printf 'result %d\n%s' "${{#json}}" "$json" >&$ATEX_TEST_CONTROL
until [ -e "$TMT_TREE/../go" ]; do sleep 0.02; done
head -c {LENGTH} /dev/zero
touch "$TMT_TREE/../printed""#
    );
    let done = run(sshd, Test::new(script), Duration::from_secs(60), |mut sshd, artifacts| {
        sshd.go_down();
        let work = work_folder(&artifacts);
        fs::write(work.join("go"), "").unwrap();
        let run = work.join("run-1");
        while fs::metadata(run.join("output.waits")).map_or(0, |file| file.len()) == 0 {
            std::thread::yield_now();
        }
        let files = fs::read_dir(run).unwrap().flatten();
        let kept: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
        assert!((256 << 20..=336 << 20).contains(&kept), "{kept}");
        assert!(!work.join("printed").exists());
        sshd.go_up().unwrap();
        sshd
    })
    .await;
    assert_eq!(done.outcome.unwrap().exit_code, Some(0));
    let output = done.artifacts.files_dir().join("output.txt");
    assert_eq!(fs::metadata(output).unwrap().len(), LENGTH);
}
