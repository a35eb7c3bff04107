//! [`Summary`]: what came of a run.

use std::time::Duration;

use atex_core::{Failure, Verdict};

use crate::action::Conclusion;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The last word on every test, in the order in which they were filed.
    pub conclusions: Vec<Conclusion>,
    /// Remotes and pools that could not be given back in order.
    pub left_behind: Vec<LeftBehind>,
    /// Tests that an aggregator did not take in, and aggregators that could not end their output. The artifacts are there.
    pub report_failures: Vec<Failure>,
    /// How long the run took.
    pub wall: Duration,
    /// Whether somebody asked the run to stop before it was over.
    pub interrupted: bool,
}

/// Something that could not be given back in order, and may still be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftBehind {
    /// The remote as people call it, or the pool.
    pub name: String,
    /// What happened.
    pub failure: Failure,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            conclusions: Vec::new(),
            left_behind: Vec::new(),
            report_failures: Vec::new(),
            wall: Duration::ZERO,
            interrupted: false,
        }
    }

    /// The number of tests with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.conclusions.iter().filter(|conclusion| conclusion.verdict == verdict).count()
    }

    /// The number of tests by verdict, in the order of [`Verdict::ALL`].
    pub fn counts(&self) -> [(Verdict, usize); 5] {
        Verdict::ALL.map(|verdict| (verdict, self.count(verdict)))
    }

    /// The most severe verdict of all tests; `None` when there were none.
    pub fn worst(&self) -> Option<Verdict> {
        self.conclusions.iter().map(|conclusion| conclusion.verdict).max()
    }

    /// Whether every test was run and nothing is wrong.
    pub fn is_ok(&self) -> bool {
        !self.interrupted && self.worst().is_none_or(Verdict::is_ok)
    }
}
