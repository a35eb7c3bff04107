//! [`Mark`]: how a test or a subtest went in one run, in one byte.

use atex_core::Verdict;

/// How a test or a subtest went in one run, for comparing.
///
/// The order is that of severity: what is there several times in one run is as bad as the worst of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// It was not there.
    Absent,
    /// It said that it does not apply.
    Skip,
    /// All was well: `pass`, `info`, `warn`.
    Pass,
    /// It was there, and nobody knows how it went: it was not run, goes on, or has a status of its own.
    Open,
    /// Trouble of infrastructure.
    Infra,
    /// It failed: `fail`, `error`.
    Fail,
}

impl Mark {
    /// The mark of a verdict.
    pub fn of_verdict(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Passed) => Self::Pass,
            Some(Verdict::Skipped) => Self::Skip,
            Some(Verdict::Failed) => Self::Fail,
            Some(Verdict::Infra) => Self::Infra,
            Some(Verdict::NotRun) | None => Self::Open,
        }
    }

    /// The mark of a status.
    pub fn of_status(status: Option<&str>) -> Self {
        match status {
            Some("pass" | "info" | "warn") => Self::Pass,
            Some("skip") => Self::Skip,
            Some("fail" | "error") => Self::Fail,
            Some("infra") => Self::Infra,
            _ => Self::Open,
        }
    }

    /// One character: a space, `-`, `.`, `?`, `!`, `F`, in the order of the marks.
    pub fn sign(self) -> char {
        match self {
            Self::Absent => ' ',
            Self::Skip => '-',
            Self::Pass => '.',
            Self::Open => '?',
            Self::Infra => '!',
            Self::Fail => 'F',
        }
    }

    /// Whether it says that something works, or that it does not.
    pub(super) fn failed(self) -> Option<bool> {
        match self {
            Self::Fail => Some(true),
            Self::Pass | Self::Skip => Some(false),
            Self::Absent | Self::Open | Self::Infra => None,
        }
    }
}
