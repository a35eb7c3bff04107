//! [`Conclusion`]: the one word on a whole run, and its reason.

use std::fmt;

use atex_core::Verdict;
use serde::Serialize;

use crate::{Counts, RunReport, WaivedTests};

/// The one word on a whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunVerdict {
    /// Every test passed, said that it does not apply, or failed as was expected (it is waived).
    Passed,
    /// Some test failed.
    Failed,
    /// No test failed, but something could not be run, or its results were not taken in.
    Infra,
    /// The run was told to stop, or its record ends before it did.
    Interrupted,
}

impl RunVerdict {
    /// As one word: `passed`, `failed`, `infra`, `interrupted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Infra => "infra",
            Self::Interrupted => "interrupted",
        }
    }
}

impl RunVerdict {
    /// The word on both runs: the one that comes first in what [`Conclusion::of`] says of one run. So a failed test
    /// of one run is not hidden by trouble of infrastructure in another.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let order = [Self::Interrupted, Self::Failed, Self::Infra];
        order.into_iter().find(|one| [self, other].contains(one)).unwrap_or(Self::Passed)
    }
}

impl fmt::Display for RunVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What to say of a whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Conclusion {
    /// The word.
    pub verdict: RunVerdict,
    /// Why, as a fragment: `3 of 120 tests failed, 1 could not be run`.
    pub reason: String,
}

impl Conclusion {
    /// Concludes from a report.
    ///
    /// An interruption comes first, because nothing can be said of the tests that were not run. Then a failed test comes before
    /// infrastructure trouble: it will still be there when the trouble is over. Something that may be left behind does not
    /// change the word on the tests; it is in [`RunReport::left_behind`].
    pub fn of(report: &RunReport) -> Self {
        Self::waiving(report, &WaivedTests::default())
    }

    /// The same, where some tests are waived: these do not count for the word, and the reason tells how many there are.
    pub fn waiving(report: &RunReport, waived: &WaivedTests) -> Self {
        let (counts, lost) = (report.counts(), not_ingested(report));
        let [failed, infra] =
            [Verdict::Failed, Verdict::Infra].map(|verdict| waived.count(verdict, report.tests()));
        let verdict = if report.is_interrupted() || !report.is_finished() {
            RunVerdict::Interrupted
        } else if counts.failed > failed {
            RunVerdict::Failed
        } else if counts.infra - infra + counts.not_run + counts.open + lost > 0 {
            RunVerdict::Infra
        } else {
            RunVerdict::Passed
        };
        let mut parts = Vec::new();
        if report.is_interrupted() {
            parts.push("stopped on request".to_owned());
        }
        if !report.is_finished() {
            parts.push("the record ends before the run did".to_owned());
        }
        parts.extend(complaints(&counts, lost, [failed, infra]));
        if counts.total() == counts.passed + counts.skipped && lost == 0 && report.is_finished() {
            parts.push(all_well(&counts));
        }
        Self { verdict, reason: parts.join(", ") }
    }
}

fn not_ingested(report: &RunReport) -> usize {
    let lost =
        |test: &&crate::TestReport| test.attempts.iter().any(|one| one.not_ingested.is_some());
    report.tests().filter(lost).count()
}

fn complaints(counts: &Counts, lost: usize, [failed, infra]: [usize; 2]) -> Vec<String> {
    let total = counts.total();
    let of_all = |count: usize| format!("{count} of {}", tests(total));
    let mut parts: Vec<String> = Vec::new();
    let kinds = [
        (counts.failed, "failed", failed),
        (counts.infra, "hit infrastructure trouble", infra),
        (counts.not_run, if counts.not_run == 1 { "was not run" } else { "were not run" }, 0),
        (counts.open, if counts.open == 1 { "has no verdict" } else { "have no verdict" }, 0),
    ];
    for (count, what, waived) in kinds {
        if count > 0 {
            let subject = if parts.is_empty() { of_all(count) } else { count.to_string() };
            let waived = match waived {
                0 => String::new(),
                1 if count == 1 => " (waived)".to_owned(),
                all if all == count => " (all waived)".to_owned(),
                some => format!(" ({some} waived)"),
            };
            parts.push(format!("{subject} {what}{waived}"));
        }
    }
    if lost > 0 {
        parts.push(format!("the results of {} could not be stored", tests(lost)));
    }
    parts
}

fn all_well(counts: &Counts) -> String {
    match (counts.total(), counts.skipped) {
        (0, _) => "there were no tests".into(),
        (total, 0) => format!("{} passed", tests(total)),
        (total, skipped) => {
            format!("{} of {} passed, {skipped} skipped", counts.passed, tests(total))
        }
    }
}

fn tests(count: usize) -> String {
    if count == 1 { "1 test".into() } else { format!("{count} tests") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_not_hidden_by_another_run() {
        use RunVerdict::{Failed, Infra, Interrupted, Passed};
        let order = [Passed, Infra, Failed, Interrupted];
        for (number, better) in order.into_iter().enumerate() {
            for worse in &order[number..] {
                assert_eq!(better.worse(*worse), *worse);
                assert_eq!(worse.worse(better), *worse);
            }
        }
    }
}
