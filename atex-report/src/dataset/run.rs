//! [`DatasetRun`]: one run of a dataset, with its attempts and tests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use atex_core::Verdict;

use super::rows::Rows;
use super::{Key, Row};
use crate::{RunInfo, RunReport};

/// One attempt of a test within its [`DatasetRun`]: a number, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub(super) u32);

impl AttemptId {
    /// The number: an index into [`DatasetRun::attempts`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One attempt of a test on a platform.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DatasetAttempt {
    /// The platform that its results are filed under.
    pub platform: Key,
    /// The test.
    pub test: Key,
    /// Which attempt, counted from 1.
    pub number: u32,
    /// Whether no later attempt of the same test on the same platform is known: its results are those that count.
    pub last: bool,
    /// The remote that it ran on.
    pub guest: Option<Key>,
    /// The verdict on it: what the run said, else what its own result says, else the worst of its subtests; none while it runs.
    pub verdict: Option<Verdict>,
    /// Why, or what happened to its remote; a key of [`Dataset::notes`](super::Dataset::notes).
    pub note: Option<Key>,
    /// When it began, since the run did.
    pub started: Option<Duration>,
    /// How long it ran.
    pub took: Option<Duration>,
    /// The rows that it reported.
    pub(super) rows: Range<usize>,
}

impl DatasetAttempt {
    /// The rows that it reported, as a range of those of its run.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }
}

/// What became of a test on a platform: the last word of the run, else the verdict on the last attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestOutcome {
    /// The test.
    pub test: Key,
    /// The platform; none if the test never ran, and so had none.
    pub platform: Option<Key>,
    /// The verdict; none while there is none.
    pub verdict: Option<Verdict>,
    /// Why, if somebody said; a key of [`Dataset::notes`](super::Dataset::notes).
    pub note: Option<Key>,
    /// Its attempts, in their order.
    pub attempts: Vec<AttemptId>,
}

/// One run of a [`Dataset`](super::Dataset).
#[derive(Debug, Clone)]
pub struct DatasetRun {
    pub(super) info: RunInfo,
    pub(super) report: Option<RunReport>,
    pub(super) attempts: Vec<DatasetAttempt>,
    pub(super) outcomes: Vec<TestOutcome>,
    pub(super) rows: Rows,
    pub(super) problems: Vec<String>,
    pub(super) tags: BTreeMap<String, Vec<Key>>,
}

impl DatasetRun {
    /// What was asked, by whom, when.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The run as its events tell it, with remotes and their phases, pools, and times; none if only results are known.
    pub fn report(&self) -> Option<&RunReport> {
        self.report.as_ref()
    }

    /// All attempts.
    pub fn attempts(&self) -> &[DatasetAttempt] {
        &self.attempts
    }

    /// All attempts, each with its id.
    pub fn attempts_by_id(&self) -> impl Iterator<Item = (AttemptId, &DatasetAttempt)> {
        (0_u32..).map(AttemptId).zip(&self.attempts)
    }

    /// One attempt.
    ///
    /// # Panics
    /// When the number comes from another run that has more of them.
    pub fn attempt(&self, id: AttemptId) -> &DatasetAttempt {
        &self.attempts[id.index()]
    }

    /// What became of each test on each platform, in the order of the suite where that is known.
    pub fn outcomes(&self) -> &[TestOutcome] {
        &self.outcomes
    }

    /// How many results there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no result.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All results: attempt by attempt, and in the order in which each attempt reported them.
    pub fn rows(&self) -> impl Iterator<Item = Row> {
        (0_u32..).zip(&self.attempts).flat_map(move |(number, attempt)| {
            attempt.rows().map(move |row| self.rows.get(AttemptId(number), row))
        })
    }

    /// The results of one attempt.
    pub fn rows_of(&self, id: AttemptId) -> impl ExactSizeIterator<Item = Row> {
        self.attempt(id).rows().map(move |row| self.rows.get(id, row))
    }

    /// The tags of tests, sorted, each with the tests that have it; a run that was made by others has none.
    pub fn tags(&self) -> impl ExactSizeIterator<Item = (&str, &[Key])> {
        self.tags.iter().map(|(tag, tests)| (tag.as_str(), tests.as_slice()))
    }

    /// What could not be read of the run, if anything: a results file with a broken line, for example. The first of them.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}
