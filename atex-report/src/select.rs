//! [`Select`]: which results of a run are wanted.

use crate::{AttemptId, Dataset, DatasetRun, KeySet, Row};

/// Which results of a run are wanted: those of the last attempt of each test, narrowed down by what is said of them.
///
/// Every different text is asked about once, however many results have it.
#[derive(Debug, Clone, Default)]
pub struct Select {
    statuses: Option<KeySet>,
    platforms: Option<KeySet>,
    tests: Option<KeySet>,
    subtests: bool,
}

impl Select {
    /// The results of tests themselves.
    pub fn tests() -> Self {
        Self::default()
    }

    /// Those of subtests as well.
    #[must_use]
    pub fn and_subtests(mut self) -> Self {
        self.subtests = true;
        self
    }

    /// Only those with such a status.
    #[must_use]
    pub fn status(mut self, dataset: &Dataset, holds: impl FnMut(&str) -> bool) -> Self {
        self.statuses = Some(dataset.statuses().matching(holds));
        self
    }

    /// Only those of such platforms.
    #[must_use]
    pub fn platform(mut self, dataset: &Dataset, holds: impl FnMut(&str) -> bool) -> Self {
        self.platforms = Some(dataset.platforms().matching(holds));
        self
    }

    /// Only those of such tests.
    #[must_use]
    pub fn test(mut self, dataset: &Dataset, holds: impl FnMut(&str) -> bool) -> Self {
        self.tests = Some(dataset.tests().matching(holds));
        self
    }

    /// The results, with the numbers of their rows.
    pub fn rows<'a>(&'a self, run: &'a DatasetRun) -> impl Iterator<Item = (usize, Row)> + 'a {
        let wanted = |id: AttemptId| {
            let attempt = run.attempt(id);
            attempt.last
                && self.platforms.as_ref().is_none_or(|set| set.contains(attempt.platform))
                && self.tests.as_ref().is_none_or(|set| set.contains(attempt.test))
        };
        let attempts = run.attempts_by_id().filter(move |(id, _)| wanted(*id));
        attempts
            .flat_map(move |(id, attempt)| attempt.rows().zip(run.rows_of(id)))
            .filter(|(_, row)| self.subtests || row.subtest.is_none())
            .filter(|(_, row)| match (&self.statuses, row.status) {
                (None, _) => true,
                (Some(set), Some(status)) => set.contains(status),
                (Some(_), None) => false,
            })
    }
}
