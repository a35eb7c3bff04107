//! The fakes keep the contracts of their traits.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::{
    Aggregator, Artifacts, CancellationToken, Command, Connection, ConnectionExt, Error, Executor,
    Failure, Lease, Outcome, Provisioner, Record, Request, TestName, Verdict,
};

const SECOND: Duration = Duration::from_secs(1);

fn request() -> Request {
    Request::new("test")
}

fn name() -> TestName {
    TestName::new("/a").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_provisioner_waits_for_a_slot_and_counts() {
    let pool = FakeProvisioner::new("lab").max(1).provision_time(10 * SECOND).release_time(SECOND);
    let first = pool.provision(&request()).await.unwrap();
    timeout(99 * SECOND, pool.provision(&request())).await.unwrap_err();
    let (begin, request) = (Instant::now(), request());
    // Many may release it at once; it happens once, and all wait.
    let (one, two, second) =
        tokio::join!(first.release(), first.release(), pool.provision(&request));
    assert_eq!((one.is_ok(), two.is_ok(), begin.elapsed()), (true, true, 11 * SECOND));
    assert_eq!(second.unwrap().name(), "lab-2");
    let counts = pool.counts();
    assert_eq!((counts.requested, counts.provisioned, counts.withdrawn), (3, 2, 1));
    assert_eq!((counts.released, counts.out, counts.most_out), (1, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_release_goes_on_when_its_future_is_dropped() {
    let pool = FakeProvisioner::new("lab").release_time(10 * SECOND);
    let remote = pool.provision(&request()).await.unwrap();
    timeout(SECOND, remote.release()).await.unwrap_err();
    assert_eq!(pool.counts().out, 1);
    sleep(10 * SECOND).await;
    assert_eq!(pool.counts().out, 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_releases_everything_and_lets_waiting_requests_fail() {
    let pool =
        FakeProvisioner::new("lab").max(1).releases([Fate::Fails(Failure::infra("disk is busy"))]);
    let remote = pool.provision(&request()).await.unwrap();
    let request = request();
    let (waiting, left) = tokio::join!(pool.provision(&request), pool.shutdown());
    waiting.unwrap_err();
    assert_eq!(left.unwrap_err().to_string(), "lab-1: lab-1: disk is busy");
    remote.connection().check().await.unwrap_err();
    pool.provision(&request).await.unwrap_err();
    assert_eq!((pool.counts().out, pool.counts().failed), (0, 2));
    pool.shutdown().await.unwrap();
}

#[tokio::test]
async fn leases_are_found_again_while_their_remotes_are_out() {
    let pool = FakeProvisioner::new("lab");
    let remote = pool.provision(&request()).await.unwrap();
    let lease = remote.lease().clone();
    let found = pool.adopt(&lease).await.unwrap().unwrap();
    found.release().await.unwrap();
    assert!(pool.adopt(&lease).await.unwrap().is_none());
    let other = Lease::new("ssh", "host", 7.into());
    assert!(matches!(pool.adopt(&other).await.unwrap_err(), Error::Usage(_)));
}

#[tokio::test]
async fn a_connection_can_be_cut_and_opened_again() {
    let connection = FakeConnection::new("h1");
    assert_eq!(connection.output(Command::new("true")).await.unwrap().stdout, b"");
    connection.cut("cable");
    assert!(connection.closed().await.to_string().contains("h1"));
    assert!(matches!(
        connection.spawn(Command::new("true")).await,
        Err(Error::NotConnected { .. })
    ));
    connection.reconnect().await.unwrap();
    connection.check().await.unwrap();
    assert_eq!(connection.spawned(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_executor_leaves_results_whatever_happens() {
    let executor = FakeExecutor::new().test(
        "/a",
        [
            FakeRun::passes().after(SECOND),
            FakeRun::fails(),
            FakeRun::hangs(),
            FakeRun::loses_remote(),
        ],
    );
    let cancel = CancellationToken::new();
    let connection = Arc::new(FakeConnection::new("h1"));
    let mut session = executor.start(connection.clone(), &cancel).await.unwrap();
    let root = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for number in 1..=4 {
        let artifacts = Artifacts::create(root.path(), "p", "/a", number).unwrap();
        let cancel = CancellationToken::new();
        let (name, stop) = (name(), async {
            sleep(9 * SECOND).await;
            cancel.cancel();
        });
        let (done, ()) = tokio::join!(session.run(&name, &artifacts, &cancel), stop);
        let results: Vec<_> = artifacts.results().unwrap().map(Result::unwrap).collect();
        let verdict = done.map_or_else(|error| error.to_string(), |done| done.verdict.to_string());
        told.push(format!("{verdict}: {}", results[0].status().unwrap()));
    }
    assert_eq!(
        told,
        ["passed: pass", "failed: fail", "cancelled: infra", "connection to h1 was lost: infra"]
    );
    session.stop().await.unwrap();
    let counts = executor.counts();
    assert_eq!((counts.started, counts.stopped, counts.dropped), (1, 1, 0));
    assert_eq!((counts.runs, counts.running, counts.most_running), (4, 0, 1));
}

#[tokio::test]
async fn an_aggregator_takes_each_test_once_until_it_ends() {
    let root = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::at(root.path().join("x")).unwrap();
    let outcome = Outcome::new(Verdict::Passed, SECOND);
    let record = Record {
        platform: "p".into(),
        test: name(),
        artifacts: artifacts.clone(),
        outcome,
        when: None,
    };
    let aggregator = FakeAggregator::new("memory");
    aggregator.ingest(record.clone()).await.unwrap_err();
    std::fs::write(artifacts.results_file(), "{\"status\": \"pass\"}\n").unwrap();
    aggregator.ingest(record.clone()).await.unwrap();
    aggregator.ingest(record.clone()).await.unwrap_err();
    aggregator.finish().await.unwrap();
    let other = Record { platform: "q".into(), ..record };
    aggregator.ingest(other).await.unwrap_err();
    assert_eq!((aggregator.taken().len(), aggregator.finished()), (1, 1));
}
