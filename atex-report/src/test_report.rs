//! [`TestReport`]: what is known of a test and its attempts.

use std::time::Duration;

use atex_core::{Failure, Outcome, RemoteId, Tally, TestKey, TestName, Verdict};

/// What is known of a test.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestReport {
    /// The test.
    pub name: TestName,
    /// The platform that it is wanted on; `None` when any will do. Name and platform together are unique in the run.
    pub wanted: Option<String>,
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
    pub(crate) fn new(key: TestKey) -> Self {
        let TestKey { test: name, wanted } = key;
        Self { name, wanted, verdict: None, platform: None, note: None, attempts: Vec::new() }
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

impl FromIterator<Option<Verdict>> for Counts {
    /// Counts verdicts; a test without one is still open.
    fn from_iter<I: IntoIterator<Item = Option<Verdict>>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        for verdict in verdicts {
            *match verdict {
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
}
