//! [`RunReport`]: what a run looks like, from its events alone.

use std::collections::BTreeMap;
use std::time::Duration;

use atex_core::{
    Attempt, Failure, Lease, Outcome, PlannedPool, RemoteId, RunEvent, Tally, TestName, Verdict,
};
use indexmap::IndexMap;

use crate::Entry;

/// What a run looks like, from its events alone: while it goes on, afterwards, and after a crash.
///
/// Feed it events in order with [`apply`](Self::apply), or all at once with [`of`](Self::of). It takes what it is given: events
/// that do not fit together, as a damaged journal may hold, give an odd report but never a panic.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    tests: IndexMap<TestName, TestReport>,
    remotes: BTreeMap<RemoteId, RemoteReport>,
    pools: Vec<PlannedPool>,
    now: Duration,
    started: bool,
    finished: bool,
    interrupted: bool,
}

/// What is known of a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestReport {
    /// The test.
    pub name: TestName,
    /// The last word on it; `None` while there is none.
    pub verdict: Option<Verdict>,
    /// The platform that it ran on last.
    pub platform: Option<String>,
    /// Why, if somebody said.
    pub note: Option<String>,
    /// Its attempts, in the order in which they began.
    pub attempts: Vec<AttemptReport>,
}

/// What is known of one attempt of a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptReport {
    /// Which attempt.
    pub number: u32,
    /// Where it ran.
    pub remote: RemoteId,
    /// The platform of its pool.
    pub platform: Option<String>,
    /// When it began.
    pub started: Duration,
    /// When it ended, if it did.
    pub ended: Option<Duration>,
    /// How it went, if it ended.
    pub outcome: Option<Outcome>,
    /// What happened to its remote.
    pub failure: Option<Failure>,
    /// Why an aggregator did not take it in. Its artifacts are there.
    pub not_ingested: Option<Failure>,
}

/// What is known of a remote. All times are since the run began.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteReport {
    /// Its number.
    pub id: RemoteId,
    /// Its pool.
    pub pool: String,
    /// Its name, once it was there.
    pub name: Option<String>,
    /// How to find it again.
    pub lease: Option<Lease>,
    /// When it was asked for.
    pub requested: Duration,
    /// When something began to exist that had to be given back.
    pub leased: Option<Duration>,
    /// When it was there.
    pub provisioned: Option<Duration>,
    /// When it was ready for tests.
    pub prepared: Option<Duration>,
    /// When it was gone: given back, withdrawn, or never had.
    pub gone: Option<Duration>,
    /// What went wrong with it last: it could not be had or made ready, or was lost.
    pub failure: Option<Failure>,
    /// When that was.
    pub failed: Option<Duration>,
    /// Whether it could be given back.
    pub release: Release,
}

/// Whether a remote was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// Nobody said anything yet.
    Pending,
    /// Nothing of it is left.
    Done,
    /// Something of it may be left behind.
    Failed(Failure),
}

/// A remote of which something may be left.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LeftBehind<'a> {
    /// The remote.
    pub remote: &'a RemoteReport,
    /// Why it is believed to be there.
    pub why: String,
}

/// Numbers of tests by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each field counts the tests with the verdict of its name")]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub infra: usize,
    pub skipped: usize,
    pub not_run: usize,
    /// Tests without a last word: the run goes on, or its record ends too early.
    pub open: usize,
}

impl Counts {
    /// The number of tests with a verdict.
    pub fn of(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Passed => self.passed,
            Verdict::Failed => self.failed,
            Verdict::Infra => self.infra,
            Verdict::Skipped => self.skipped,
            Verdict::NotRun => self.not_run,
        }
    }

    /// The number of all tests.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.infra + self.skipped + self.not_run + self.open
    }
}

impl TestReport {
    fn new(name: TestName) -> Self {
        Self { name, verdict: None, platform: None, note: None, attempts: Vec::new() }
    }

    /// Whether it passed after an attempt that failed.
    pub fn is_flaky(&self) -> bool {
        self.passed_after(Verdict::Failed)
    }

    /// Whether it passed after an attempt that infrastructure trouble ended, and never failed.
    pub fn survived_trouble(&self) -> bool {
        self.passed_after(Verdict::Infra) && !self.is_flaky()
    }

    fn passed_after(&self, verdict: Verdict) -> bool {
        self.verdict == Some(Verdict::Passed)
            && self.attempts.iter().any(|attempt| attempt.verdict() == Some(verdict))
    }

    /// How long its last attempt ran.
    pub fn took(&self) -> Option<Duration> {
        self.attempts.last()?.outcome.as_ref().map(|outcome| outcome.took)
    }

    /// What its last attempt reported.
    pub fn tally(&self) -> Tally {
        let last = self.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        last.map(|outcome| outcome.tally).unwrap_or_default()
    }
}

impl AttemptReport {
    /// The verdict on this attempt, if it ended.
    pub fn verdict(&self) -> Option<Verdict> {
        self.outcome.as_ref().map(|outcome| outcome.verdict)
    }
}

impl RemoteReport {
    fn new(id: RemoteId, pool: &str, requested: Duration) -> Self {
        Self {
            id,
            pool: pool.to_owned(),
            name: None,
            lease: None,
            requested,
            leased: None,
            provisioned: None,
            prepared: None,
            gone: None,
            failure: None,
            failed: None,
            release: Release::Pending,
        }
    }

    /// As people call it: its name, else its number.
    pub fn label(&self) -> String {
        let leased = self.lease.as_ref().map(|lease| lease.name.clone());
        self.name.clone().or(leased).unwrap_or_else(|| self.id.to_string())
    }

    /// From when it cost something: there was a lease, or the remote itself.
    pub fn held(&self) -> Option<Duration> {
        self.leased.or(self.provisioned)
    }

    fn fail(&mut self, at: Duration, failure: &Failure) {
        (self.failure, self.failed) = (Some(failure.clone()), Some(at));
    }

    fn end(&mut self, at: Duration, release: Release) {
        (self.gone, self.release) = (Some(at), release);
    }
}

impl RunReport {
    /// The report before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The report on all of these events.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut report = Self::new();
        for entry in entries {
            report.apply(entry.at, &entry.event);
        }
        report
    }

    /// Takes in the next event, which happened `at` this time since the run began.
    pub fn apply(&mut self, at: Duration, event: &RunEvent) {
        self.now = self.now.max(at);
        match event {
            RunEvent::RunStarted { tests, pools } => {
                self.started = true;
                self.pools.clone_from(pools);
                for test in tests {
                    self.test(&test.name);
                }
            }
            RunEvent::TestStarted { remote, attempt } => self.attempt_began(at, *remote, attempt),
            RunEvent::TestEnded { remote, attempt, outcome, failure } => {
                let attempt = self.attempt(at, *remote, attempt);
                attempt.ended = Some(at);
                attempt.outcome = Some(outcome.clone());
                attempt.failure.clone_from(failure);
            }
            RunEvent::IngestFailed { attempt, failure } => self.not_ingested(attempt, failure),
            RunEvent::TestConcluded { test, verdict, platform, attempts: _, note } => {
                let test = self.test(test);
                test.verdict = Some(*verdict);
                test.platform.clone_from(platform);
                test.note.clone_from(note);
            }
            RunEvent::Interrupted => self.interrupted = true,
            RunEvent::TimePassed => {}
            RunEvent::RunFinished => self.finished = true,
            RunEvent::RemoteRequested { .. }
            | RunEvent::Leased { .. }
            | RunEvent::RemoteProvisioned { .. }
            | RunEvent::ProvisionFailed { .. }
            | RunEvent::ProvisionWithdrawn { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::RemoteReleased { .. }
            | RunEvent::ReleaseFailed { .. } => self.apply_to_remote(at, event),
        }
    }

    fn apply_to_remote(&mut self, at: Duration, event: &RunEvent) {
        match event {
            RunEvent::RemoteRequested { remote, pool } => {
                self.remotes.insert(*remote, RemoteReport::new(*remote, pool, at));
            }
            RunEvent::Leased { remote, lease } => {
                let remote = self.remote(at, *remote);
                remote.leased.get_or_insert(at);
                remote.lease = Some(lease.clone());
            }
            RunEvent::RemoteProvisioned { remote, name, facts: _ } => {
                let remote = self.remote(at, *remote);
                remote.provisioned = Some(at);
                remote.name = Some(name.clone());
            }
            RunEvent::RemotePrepared { remote } => self.remote(at, *remote).prepared = Some(at),
            RunEvent::ProvisionFailed { remote, failure } => {
                let remote = self.remote(at, *remote);
                remote.fail(at, failure);
                remote.end(at, Release::Done);
            }
            RunEvent::PrepareFailed { remote, failure }
            | RunEvent::RemoteLost { remote, failure } => {
                self.remote(at, *remote).fail(at, failure);
            }
            RunEvent::ProvisionWithdrawn { remote } | RunEvent::RemoteReleased { remote } => {
                self.remote(at, *remote).end(at, Release::Done);
            }
            RunEvent::ReleaseFailed { remote, failure } => {
                self.remote(at, *remote).end(at, Release::Failed(failure.clone()));
            }
            RunEvent::RunStarted { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::TestEnded { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TestConcluded { .. }
            | RunEvent::Interrupted
            | RunEvent::TimePassed
            | RunEvent::RunFinished => {}
        }
    }

    fn test(&mut self, name: &TestName) -> &mut TestReport {
        self.tests.entry(name.clone()).or_insert_with(|| TestReport::new(name.clone()))
    }

    fn remote(&mut self, at: Duration, id: RemoteId) -> &mut RemoteReport {
        self.remotes.entry(id).or_insert_with(|| RemoteReport::new(id, "", at))
    }

    fn attempt_began(&mut self, at: Duration, remote: RemoteId, attempt: &Attempt) {
        let platform = self.platform_of(remote);
        self.test(&attempt.test).attempts.push(AttemptReport {
            number: attempt.number,
            remote,
            platform,
            started: at,
            ended: None,
            outcome: None,
            failure: None,
            not_ingested: None,
        });
    }

    fn attempt(&mut self, at: Duration, remote: RemoteId, which: &Attempt) -> &mut AttemptReport {
        let begun = |attempt: &AttemptReport| attempt.number == which.number;
        let index = match self.test(&which.test).attempts.iter().rposition(begun) {
            Some(index) => index,
            None => {
                self.attempt_began(at, remote, which);
                self.test(&which.test).attempts.len() - 1
            }
        };
        &mut self.test(&which.test).attempts[index]
    }

    fn not_ingested(&mut self, which: &Attempt, failure: &Failure) {
        let begun = |attempt: &&mut AttemptReport| attempt.number == which.number;
        if let Some(attempt) = self.test(&which.test).attempts.iter_mut().rev().find(begun) {
            attempt.not_ingested = Some(failure.clone());
        }
    }

    fn platform_of(&self, remote: RemoteId) -> Option<String> {
        let pool = &self.remotes.get(&remote)?.pool;
        self.pools.iter().find(|known| known.name == *pool).map(|known| known.platform.clone())
    }

    /// The tests, in the order of the suite.
    pub fn tests(&self) -> impl ExactSizeIterator<Item = &TestReport> {
        self.tests.values()
    }

    /// The remotes that were asked for, in that order.
    pub fn remotes(&self) -> impl ExactSizeIterator<Item = &RemoteReport> {
        self.remotes.values()
    }

    /// Where the tests could run.
    pub fn pools(&self) -> &[PlannedPool] {
        &self.pools
    }

    /// The tests with this verdict, in the order of the suite.
    pub fn with_verdict(&self, verdict: Verdict) -> impl Iterator<Item = &TestReport> {
        self.tests().filter(move |test| test.verdict == Some(verdict))
    }

    /// How many tests there are of each verdict.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for test in self.tests() {
            *match test.verdict {
                Some(Verdict::Passed) => &mut counts.passed,
                Some(Verdict::Failed) => &mut counts.failed,
                Some(Verdict::Infra) => &mut counts.infra,
                Some(Verdict::Skipped) => &mut counts.skipped,
                Some(Verdict::NotRun) => &mut counts.not_run,
                None => &mut counts.open,
            } += 1;
        }
        counts
    }

    /// What all tests reported, subtests included: of each test, its last attempt.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for test in self.tests() {
            tally += test.tally();
        }
        tally
    }

    /// How long the run took, or has taken so far: the time of the last event.
    pub fn wall(&self) -> Duration {
        self.now
    }

    /// How long remotes were held, summed up: from the lease of each until it was gone.
    pub fn machine_time(&self) -> Duration {
        let held = |remote: &RemoteReport| {
            Some(remote.gone.unwrap_or(self.now).saturating_sub(remote.held()?))
        };
        self.remotes().filter_map(held).sum()
    }

    /// How long tests ran on remotes, summed up over all attempts.
    pub fn test_time(&self) -> Duration {
        let attempts = self.tests().flat_map(|test| &test.attempts);
        attempts
            .map(|attempt| attempt.ended.unwrap_or(self.now).saturating_sub(attempt.started))
            .sum()
    }

    /// Whether the run began: it announced its tests.
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether the run came to its end. One that did not goes on, or died.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether somebody asked the run to stop.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Remotes of which something may be left: those that could not be given back, and those of which the events do not say
    /// that they were. While the run goes on, the latter are simply in use.
    pub fn left_behind(&self) -> impl Iterator<Item = LeftBehind<'_>> {
        self.remotes().filter_map(|remote| match &remote.release {
            Release::Failed(failure) => Some(LeftBehind { remote, why: failure.message.clone() }),
            Release::Pending if remote.held().is_some() => {
                Some(LeftBehind { remote, why: "it was never given back".into() })
            }
            Release::Pending | Release::Done => None,
        })
    }

    /// Remotes that could not be had, or were lost or not made ready, with the reason in their `failure`.
    pub fn troubled_remotes(&self) -> impl Iterator<Item = &RemoteReport> {
        self.remotes().filter(|remote| remote.failure.is_some())
    }
}
