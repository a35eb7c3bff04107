//! Filing the tests of a run once more: results are made of artifacts, and can be made again.

use std::fs;
use std::io;

use atex_core::{Aggregator, Artifacts, Error, Failure, Record, Result};

use crate::{AttemptReport, ResultsFile, RunReport, RunStore, TestReport};

impl RunStore {
    /// Makes the results of all tests again, as far as this report tells of last words on them, and yields them for the tests that are
    /// still to come. What was there is removed: a controller that died may have left a test in it that was not yet said to be there, or a part
    /// of one. Also tells what could not be filed, of which the artifacts are gone.
    ///
    /// # Errors
    /// [`Error::Io`] when the old results cannot be removed or the new ones not be written.
    pub async fn results_again(&self, report: &RunReport) -> Result<(ResultsFile, Vec<Failure>)> {
        let (results, files) = (self.results_path(), self.files_dir());
        gone(fs::remove_file(&results)).map_err(Error::io("cannot remove", &results))?;
        gone(fs::remove_dir_all(&files)).map_err(Error::io("cannot remove", &files))?;
        let again = self.results()?;
        let failures = self.refile(report, &again).await;
        Ok((again, failures))
    }

    /// Hands every test on which there is a last word to an aggregator. Tells what it did not take in.
    pub async fn refile(&self, report: &RunReport, into: &dyn Aggregator) -> Vec<Failure> {
        let mut failures = Vec::new();
        for record in report.tests().filter_map(|test| self.record(test)) {
            if let Err(error) = into.ingest(record).await {
                failures.push(Failure::from(&error));
            }
        }
        failures
    }

    /// What is filed of a test, once there is a last word on it: its last attempt.
    pub fn record(&self, test: &TestReport) -> Option<Record> {
        test.verdict?;
        self.record_of(test, test.attempts.last()?)
    }

    /// What is filed of one attempt of a test, if it came to an end.
    pub fn record_of(&self, test: &TestReport, attempt: &AttemptReport) -> Option<Record> {
        let platform = attempt.platform.clone().or_else(|| test.platform.clone())?;
        let dir = self.attempt_dir(&platform, &test.name, attempt.number);
        Some(Record {
            platform,
            test: test.name.clone(),
            artifacts: Artifacts::open(dir),
            outcome: attempt.outcome.clone()?,
            when: attempt.ended.map(|ended| attempt.started..ended),
        })
    }
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
