//! What a stored run has to give to aggregators.

use atex_core::Record;

use crate::{Earlier, RunStore, StoreError};

/// A test of a stored run, as it would be handed to an aggregator.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The attempt that counts: the last one.
    pub record: Record,
    /// Those before it.
    pub earlier: Vec<Earlier>,
    /// What there is of those before it, for aggregators that take in each: ReportPortal.
    pub retried: Vec<Record>,
}

/// The tests of a stored run on which there is a last word.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct FinishedTests {
    /// Those whose artifacts are there, in the order of the suite.
    pub tests: Vec<Finished>,
    /// How many have none any more.
    pub gone: usize,
}

impl RunStore {
    /// The tests on which there is a last word, to be handed to an aggregator: so a run is exported.
    ///
    /// # Errors
    /// What is wrong with the journal.
    pub fn finished(&self) -> Result<FinishedTests, StoreError> {
        let (report, _torn) = self.report()?;
        let mut finished = FinishedTests::default();
        for test in report.tests() {
            let Some(record) = self.record(test) else { continue };
            if !record.artifacts.results_file().exists() {
                finished.gone += 1;
                continue;
            }
            let before = test.attempts.split_last().map_or(&[][..], |(_, before)| before);
            let earlier = before.iter().filter_map(|attempt| {
                Some(Earlier { number: attempt.number, outcome: attempt.outcome.clone()? })
            });
            let earlier = earlier.collect();
            let retried = before.iter().filter_map(|attempt| self.record_of(test, attempt));
            let retried = retried.filter(|record| record.artifacts.results_file().exists());
            let retried = retried.collect();
            finished.tests.push(Finished { record, earlier, retried });
        }
        Ok(finished)
    }
}
