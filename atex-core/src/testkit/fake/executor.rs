//! [`FakeExecutor`]: runs tests that are not there.

use std::collections::HashMap;
use std::fs;
use std::future::pending;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::fate::{Fate, Script, error_of, lock};
use crate::{
    Artifacts, CancellationToken, Connection, Error, Executor, Failure, Outcome, Result, Session,
    Tally, TestName, Verdict, ascii_json,
};

/// Runs tests that are not there: each does what its script says, or else passes. It knows no suite; any name will do.
///
/// Clones are the same executor. It keeps the whole contract of [`Executor`], as far as its script lets it.
#[derive(Debug, Clone, Default)]
pub struct FakeExecutor(Arc<State>);

#[derive(Debug, Default)]
struct State {
    usual: Mutex<FakeRun>,
    scripts: Mutex<HashMap<String, Vec<FakeRun>>>,
    prepare_time: Mutex<Duration>,
    starts: Script,
    stops: Script,
    counts: Mutex<ExecutorCounts>,
    log: Mutex<Vec<(String, TestName)>>,
}

/// What one run of a fake test does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FakeRun {
    takes: Duration,
    end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Verdict(Verdict),
    RemoteLost,
    Fails(Failure),
    Hangs { for_good: bool },
    Panics,
}

/// What a [`FakeExecutor`] was asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecutorCounts {
    /// Sessions that were started.
    pub started: usize,
    /// Sessions that were asked to stop.
    pub stopped: usize,
    /// Sessions that were dropped without being asked to stop.
    pub dropped: usize,
    /// Tests that were run.
    pub runs: usize,
    /// Tests that run now.
    pub running: usize,
    /// The most that ran at once.
    pub most_running: usize,
}

impl FakeRun {
    /// Ends with this verdict, at once.
    pub fn ends(verdict: Verdict) -> Self {
        Self { takes: Duration::ZERO, end: End::Verdict(verdict) }
    }

    /// Passes, at once.
    pub fn passes() -> Self {
        Self::ends(Verdict::Passed)
    }

    /// Fails, at once.
    pub fn fails() -> Self {
        Self::ends(Verdict::Failed)
    }

    /// Loses its remote: the connection is cut, and the executor says so.
    pub fn loses_remote() -> Self {
        Self { takes: Duration::ZERO, end: End::RemoteLost }
    }

    /// Makes the executor fail, with an error that has the fault and the retry of this.
    pub fn errs(failure: Failure) -> Self {
        Self { takes: Duration::ZERO, end: End::Fails(failure) }
    }

    /// Never ends, until it is cancelled.
    pub fn hangs() -> Self {
        Self { takes: Duration::ZERO, end: End::Hangs { for_good: false } }
    }

    /// Never ends, not even when it is cancelled: it has to be dropped.
    pub fn hangs_for_good() -> Self {
        Self { takes: Duration::ZERO, end: End::Hangs { for_good: true } }
    }

    /// Panics, and leaves half a line of results.
    pub fn panics() -> Self {
        Self { takes: Duration::ZERO, end: End::Panics }
    }

    /// Takes this long first.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.takes = time;
        self
    }
}

impl Default for FakeRun {
    fn default() -> Self {
        Self::passes()
    }
}

impl FakeExecutor {
    /// An executor with which every test passes at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this for tests without a script.
    #[must_use]
    pub fn usually(self, run: FakeRun) -> Self {
        *lock(&self.0.usual) = run;
        self
    }

    /// With these runs of a test, one after the other; the last one again when there are no more.
    #[must_use]
    pub fn test(self, name: impl Into<String>, runs: impl IntoIterator<Item = FakeRun>) -> Self {
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.reverse();
        lock(&self.0.scripts).insert(name.into(), runs);
        self
    }

    /// With this time to prepare a remote.
    #[must_use]
    pub fn prepare_time(self, time: Duration) -> Self {
        *lock(&self.0.prepare_time) = time;
        self
    }

    /// With these fates for the next preparations.
    #[must_use]
    pub fn starts(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.0.starts.extend(fates);
        self
    }

    /// With these fates for the next sessions that are stopped.
    #[must_use]
    pub fn stops(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.0.stops.extend(fates);
        self
    }

    /// What it was asked.
    pub fn counts(&self) -> ExecutorCounts {
        *lock(&self.0.counts)
    }

    /// Every run of a test in the order in which they began: on which remote, and which.
    pub fn log(&self) -> Vec<(String, TestName)> {
        lock(&self.0.log).clone()
    }
}

impl State {
    fn run_of(&self, test: &TestName) -> FakeRun {
        let mut scripts = lock(&self.scripts);
        match scripts.get_mut(test.as_str()) {
            Some(runs) if runs.len() > 1 => runs.pop(),
            Some(runs) => runs.last().cloned(),
            None => None,
        }
        .unwrap_or_else(|| lock(&self.usual).clone())
    }
}

#[async_trait]
impl Executor for FakeExecutor {
    async fn start(
        &self,
        connection: Arc<dyn Connection>,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        let (fate, time) = (self.0.starts.next(), *lock(&self.0.prepare_time));
        let prepare = async {
            sleep(time).await;
            fate.meet(connection.name()).await?;
            connection.check().await
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Error::Cancelled),
            done = prepare => done?,
        }
        lock(&self.0.counts).started += 1;
        Ok(Box::new(FakeSession { state: self.0.clone(), connection, stopped: false }))
    }
}

#[derive(Debug)]
struct FakeSession {
    state: Arc<State>,
    connection: Arc<dyn Connection>,
    stopped: bool,
}

impl FakeSession {
    async fn do_run(&self, run: FakeRun, cancel: &CancellationToken) -> Result<Verdict> {
        let until_cancelled = run.end != End::Hangs { for_good: true };
        let end = async {
            sleep(run.takes).await;
            match run.end {
                End::Hangs { .. } => pending().await,
                end => end,
            }
        };
        let end = tokio::select! {
            biased;
            () = cancel.cancelled(), if until_cancelled => return Err(Error::Cancelled),
            error = self.connection.closed(), if until_cancelled => return Err(error),
            end = end => end,
        };
        match end {
            End::Verdict(verdict) => Ok(verdict),
            End::RemoteLost => {
                // Closing is the only way to cut a connection that may be any.
                self.connection.close().await?;
                Err(self.connection.closed().await)
            }
            End::Fails(failure) => Err(error_of(self.connection.name(), failure)),
            End::Hangs { .. } => pending().await,
            End::Panics => panic!("a test panics, as it was told to"),
        }
    }
}

#[async_trait]
impl Session for FakeSession {
    async fn run(
        &mut self,
        test: &TestName,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let begin = Instant::now();
        lock(&self.state.log).push((self.connection.name().to_owned(), test.clone()));
        let run = self.state.run_of(test);
        if run.end == End::Panics {
            write(artifacts, "{\"status\": \"pa")?;
        }
        let running = Running::new(&self.state);
        let done = self.do_run(run, cancel).await;
        drop(running);
        let (status, note) = match &done {
            Ok(Verdict::Passed) => ("pass", None),
            Ok(Verdict::Failed) => ("fail", None),
            Ok(Verdict::Skipped) => ("skip", None),
            Ok(Verdict::Infra | Verdict::NotRun) => ("infra", None),
            Err(error) => ("infra", Some(Failure::from(error).message)),
        };
        let mut line = Vec::new();
        ascii_json::write(&mut line, &json!({"status": status, "note": note}))
            .map_err(Error::io("cannot write", artifacts.results_file()))?;
        line.push(b'\n');
        write(artifacts, &String::from_utf8_lossy(&line))?;
        let mut tally = Tally::default();
        tally.count(Some(status));
        done.map(|verdict| Outcome::new(verdict, begin.elapsed()).tally(tally))
    }

    async fn stop(mut self: Box<Self>) -> Result<()> {
        self.stopped = true;
        lock(&self.state.counts).stopped += 1;
        self.state.stops.next().meet(self.connection.name()).await
    }
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        if !self.stopped {
            lock(&self.state.counts).dropped += 1;
        }
    }
}

fn write(artifacts: &Artifacts, text: &str) -> Result<()> {
    let path = artifacts.results_file();
    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::io("cannot write", path))
}

/// A test that runs, for the counts, whatever becomes of its future.
struct Running<'a>(&'a State);

impl<'a> Running<'a> {
    fn new(state: &'a State) -> Self {
        let mut counts = lock(&state.counts);
        counts.runs += 1;
        counts.running += 1;
        counts.most_running = counts.most_running.max(counts.running);
        Self(state)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.0.counts).running -= 1;
    }
}
