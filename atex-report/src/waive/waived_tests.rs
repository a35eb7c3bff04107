//! [`WaivedTests`]: which tests of a run report are waived as a whole.

use std::collections::HashMap;

use atex_core::Verdict;

use super::Waived;
use crate::{Dataset, DatasetRun, TestReport};

/// Which tests of a [`RunReport`](crate::RunReport) are waived as a whole, so that they do not count for the word on the run.
///
/// By default, none.
#[derive(Debug, Clone, Default)]
pub struct WaivedTests {
    /// By test and platform: the number of the waiver.
    by: HashMap<(String, Option<String>), usize>,
}

impl WaivedTests {
    /// Those that these results make waived.
    pub fn of(dataset: &Dataset, run: &DatasetRun, waived: &Waived) -> Self {
        let by = run.outcomes().iter().enumerate().filter_map(|(place, outcome)| {
            let test = dataset.tests().text(outcome.test).to_owned();
            let platform = outcome.platform.map(|key| dataset.platforms().text(key).to_owned());
            Some(((test, platform), waived.of_outcome(place)?))
        });
        Self { by: by.collect() }
    }

    /// The number of the waiver of a test.
    pub fn by(&self, test: &TestReport) -> Option<usize> {
        if self.by.is_empty() {
            return None;
        }
        self.by.get(&(test.name.as_str().to_owned(), test.platform.clone())).copied()
    }

    /// How many of these tests have a verdict and are waived.
    pub fn count<'t>(
        &self,
        verdict: Verdict,
        tests: impl IntoIterator<Item = &'t TestReport>,
    ) -> usize {
        let of_it = |test: &&TestReport| test.verdict == Some(verdict) && self.by(test).is_some();
        tests.into_iter().filter(of_it).count()
    }
}
