//! Many tests at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use atex_core::Connection;

use crate::bed::Bed;
use crate::ours::{self, Over, Session};
use crate::{Arguments, Failure, Table, peers};

const TESTS: usize = 192;
const CONNECTIONS: usize = 64;

/// 192 trivial tests over 64 connections that are ready, beside GNU parallel over masters that are.
pub(crate) async fn parallel(arguments: &Arguments, bed: &Bed) -> Result<(), Failure> {
    let masters = match peers::has_parallel() {
        true => (0..CONNECTIONS).map(|n| peers::Master::start(bed, n)).collect::<Result<_, _>>()?,
        false => Vec::new(),
    };
    let began = Instant::now();
    let connections = connect(bed, Over::Ssh, CONNECTIONS).await?;
    println!("{CONNECTIONS} connections made in {:.2?}", began.elapsed());
    let mut table = Table::new(format!("{TESTS} tests, {CONNECTIONS} ssh"), "s", false);
    let (mut first, mut whole) = (Duration::MAX, Duration::MAX);
    for _ in 0..arguments.rounds {
        let round = round(bed, &connections).await?;
        let took = round.tests;
        (first, whole) = (first.min(round.first), whole.min(round.whole));
        let peer = match masters.is_empty() {
            true => None,
            false => Some(peers::parallel(bed, &masters, TESTS)?.as_secs_f64()),
        };
        table.add(took.as_secs_f64(), peer);
    }
    table.print();
    println!(
        "with sessions to be started and the tree to be uploaded first: {whole:.2?}, the first test done after {first:.2?}"
    );
    Ok(())
}

/// How long tests took.
struct Round {
    /// All of them, in sessions that were ready.
    tests: Duration,
    /// Until the first one was done, in sessions that had to be started.
    first: Duration,
    /// All of them, likewise.
    whole: Duration,
}

/// A session on each connection, which takes the next test until there is none; then all of that once more.
async fn round(bed: &Bed, connections: &[Arc<dyn Connection>]) -> Result<Round, Failure> {
    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    let work = connections.iter().enumerate().map(|(number, connection)| {
        let next = &next;
        async move {
            let mut session = Session::over(bed, Arc::clone(connection), number).await?;
            let first = take(&mut session, next, began).await?;
            Ok::<_, Failure>((session, first))
        }
    });
    let done = futures::future::try_join_all(work).await?;
    let whole = began.elapsed();
    let first = done.iter().map(|(_, first)| *first).min().unwrap_or_default();
    let mut sessions: Vec<_> = done.into_iter().map(|(session, _)| session).collect();

    let (began, next) = (Instant::now(), AtomicUsize::new(0));
    let work = sessions.iter_mut().map(|session| take(session, &next, began));
    futures::future::try_join_all(work).await?;
    let tests = began.elapsed();
    futures::future::try_join_all(sessions.into_iter().map(Session::stop)).await?;
    Ok(Round { tests, first, whole })
}

/// Runs the next test until there is none; when its first was done.
async fn take(
    session: &mut Session,
    next: &AtomicUsize,
    began: Instant,
) -> Result<Duration, Failure> {
    let mut first = Duration::MAX;
    while next.fetch_add(1, Ordering::Relaxed) < TESTS {
        session.run("/trivial").await?;
        first = first.min(began.elapsed());
    }
    Ok(first)
}

async fn connect(bed: &Bed, over: Over, count: usize) -> Result<Vec<Arc<dyn Connection>>, Failure> {
    futures::future::try_join_all((0..count).map(|number| ours::connect(bed, over, number))).await
}

/// So many tests that run at the same time, under whatever limit of descriptors there is.
pub(crate) async fn at_once(bed: &Bed, over: Over, count: usize) -> Result<(), Failure> {
    let began = Instant::now();
    let connections = connect(bed, over, count).await?;
    let connected = began.elapsed();
    let runs = connections.iter().enumerate().map(|(number, connection)| async move {
        let mut session = Session::over(bed, Arc::clone(connection), number).await?;
        session.run("/sleep").await?;
        session.stop().await
    });
    futures::future::try_join_all(runs).await?;
    let open = std::fs::read_dir("/proc/self/fd")?.count();
    let limit = std::fs::read_to_string("/proc/self/limits")?;
    let limit = limit.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    println!(
        "{count} tests of 30 s at once, {over}: connected after {connected:.1?}, all done after {:.1?}; {open} descriptors left; {}",
        began.elapsed(),
        limit.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    Ok(())
}
