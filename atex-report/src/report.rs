//! [`RunReport`]: what a run looks like, from its events alone.

use std::collections::BTreeMap;
use std::time::Duration;

use atex_core::{Attempt, Failure, PlannedPool, RemoteId, RunEvent, Tally, TestKey, Verdict};
use indexmap::IndexMap;

use crate::{AttemptReport, Counts, Entry, LeftBehind, Release, RemoteReport, TestReport};

/// What a run looks like, from its events alone: while it goes on, afterwards, and after a crash.
///
/// Feed it events in order with [`apply`](Self::apply), or all at once with [`of`](Self::of). It takes what it is given: events
/// that do not fit together, as a damaged journal may hold, give an odd report but never a panic.
#[derive(Debug, Clone, Default)]
pub struct RunReport {
    tests: IndexMap<TestKey, TestReport>,
    remotes: BTreeMap<RemoteId, RemoteReport>,
    pools: Vec<PlannedPool>,
    now: Duration,
    started: bool,
    finished: bool,
    interrupted: bool,
    restarts: Vec<Duration>,
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
                    self.test(&test.key());
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
            RunEvent::TestConcluded { test, wanted, verdict, platform, attempts: _, note } => {
                let test = self.test(&TestKey { test: test.clone(), wanted: wanted.clone() });
                test.verdict = Some(*verdict);
                test.platform.clone_from(platform);
                test.note.clone_from(note);
            }
            RunEvent::Restarted => self.restarted(at),
            RunEvent::Interrupted => self.interrupted = true,
            RunEvent::BarrierReached { .. } | RunEvent::TimePassed => {}
            RunEvent::RunFinished => self.finished = true,
            RunEvent::RemoteRequested { .. }
            | RunEvent::Leased { .. }
            | RunEvent::RemoteProvisioned { .. }
            | RunEvent::ProvisionFailed { .. }
            | RunEvent::ProvisionWithdrawn { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::RemoteQuarantined { .. }
            | RunEvent::RemoteReleased { .. }
            | RunEvent::ReleaseFailed { .. } => self.apply_to_remote(at, event),
        }
    }

    fn restarted(&mut self, at: Duration) {
        self.restarts.push(at);
        // Nothing of a request without a lease outlives the controller.
        let asked = |remote: &&mut RemoteReport| {
            remote.held().is_none() && remote.release == Release::Pending
        };
        for remote in self.remotes.values_mut().filter(asked) {
            remote.end(at, Release::Done);
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
            RunEvent::RemoteQuarantined { remote, reason } => {
                self.remote(at, *remote).quarantined = Some(reason.clone());
            }
            RunEvent::ProvisionWithdrawn { remote } | RunEvent::RemoteReleased { remote } => {
                self.remote(at, *remote).end(at, Release::Done);
            }
            RunEvent::ReleaseFailed { remote, failure } => {
                self.remote(at, *remote).end(at, Release::Failed(failure.clone()));
            }
            RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::RunStarted { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::BarrierReached { .. }
            | RunEvent::TestEnded { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TestConcluded { .. }
            | RunEvent::Restarted
            | RunEvent::Interrupted
            | RunEvent::TimePassed
            | RunEvent::RunFinished => {}
        }
    }

    fn test(&mut self, key: &TestKey) -> &mut TestReport {
        self.tests.entry(key.clone()).or_insert_with(|| TestReport::new(key.clone()))
    }

    fn remote(&mut self, at: Duration, id: RemoteId) -> &mut RemoteReport {
        self.remotes.entry(id).or_insert_with(|| RemoteReport::new(id, "", at))
    }

    fn attempt_began(&mut self, at: Duration, remote: RemoteId, attempt: &Attempt) {
        let platform = self.platform_of(remote);
        self.test(&attempt.key()).attempts.push(AttemptReport {
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
        let index = match self.test(&which.key()).attempts.iter().rposition(begun) {
            Some(index) => index,
            None => {
                self.attempt_began(at, remote, which);
                self.test(&which.key()).attempts.len() - 1
            }
        };
        &mut self.test(&which.key()).attempts[index]
    }

    fn not_ingested(&mut self, which: &Attempt, failure: &Failure) {
        let begun = |attempt: &&mut AttemptReport| attempt.number == which.number;
        if let Some(attempt) = self.test(&which.key()).attempts.iter_mut().rev().find(begun) {
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
        self.tests().map(|test| test.verdict).collect()
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

    /// When another controller went on with the run, each time that it had died.
    pub fn restarts(&self) -> &[Duration] {
        &self.restarts
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
