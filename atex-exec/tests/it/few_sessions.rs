//! A host that allows few sessions at once on a connection: a test takes one, and a second one when it is told something.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, Error, Executor, Test, TestName, TestSuite,
};
use atex_exec::{FmfExecutor, Limits};
use atex_provision::testkit::Sshd;

/// Says more than can be brought at its end, and does not end.
const TALKS: &str = r#"
printf 'result 33\n{"name": "sub", "status": "pass"}' >&$ATEX_TEST_CONTROL
for i in {1..2000}; do echo "line $i"; done
sleep 10000"#;

#[tokio::test]
async fn a_test_takes_no_more_than_two() {
    let Some(sshd) = Sshd::for_test("a_test_takes_no_more_than_two") else { return };
    sshd.configure_server("MaxSessions 2").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let connection: Arc<dyn Connection> = Arc::new(sshd.ssh().connect().await.unwrap());
    let names = ["/short", "/talks"].map(|name| TestName::new(name).unwrap());
    let [short, talks] = names.clone();
    let tests = [(short.clone(), Test::new("true")), (talks.clone(), Test::new(TALKS))];
    let mut limits = Limits::default();
    // What has to wait for another session waits for ever.
    (limits.attach, limits.stop) = (Duration::from_secs(100_000), Duration::from_secs(100_000));
    let executor = FmfExecutor::new(TestSuite::new(tests))
        .work_base(folder.path().to_str().unwrap())
        .limits(limits);
    let never = CancellationToken::new();
    let mut session = executor.start(connection, &never).await.unwrap();
    let artifacts = |name: &str| Artifacts::at(folder.path().join(name)).unwrap();
    session.run(&short, &artifacts("first"), &never).await.unwrap();
    let (cancel, told) = (CancellationToken::new(), artifacts("second"));
    let (when, said) = (cancel.clone(), told.results_file());
    tokio::task::spawn_blocking(move || {
        while std::fs::metadata(&said).map_or(0, |file| file.len()) == 0 {
            std::thread::yield_now();
        }
        when.cancel();
    });
    let run = session.run(&talks, &told, &cancel);
    let went = tokio::time::timeout(Duration::from_secs(300), run).await.unwrap();
    assert!(matches!(went, Err(Error::Cancelled)), "{went:?}");
    session.run(&short, &artifacts("third"), &never).await.unwrap();
    session.stop().await.unwrap();
}
