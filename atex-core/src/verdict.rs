//! [`Verdict`]: the one word on a test.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The one word on a test when all is done.
///
/// The order is that of severity: the verdict on several things is the greatest of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It ran, and says that it does not apply here.
    Skipped,
    /// It ran, and all is well.
    Passed,
    /// It ran, and something is broken.
    Failed,
    /// It did not come to its own end: trouble of a remote, of the network, a time limit, a broken protocol.
    Infra,
    /// It was never run: the run was interrupted, or no pool could serve it.
    NotRun,
}

impl Verdict {
    /// All verdicts, in the order in which summaries list them.
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Failed, Self::Infra, Self::Skipped, Self::NotRun];

    /// The verdict that the status of a test's own result stands for. A status that nobody defined, or none, is judged by the
    /// exit code.
    pub fn from_status(status: Option<&str>, exit_code: Option<i32>) -> Self {
        match status {
            Some("pass" | "info" | "warn") => Self::Passed,
            Some("skip") => Self::Skipped,
            Some("fail" | "error") => Self::Failed,
            Some("infra") => Self::Infra,
            _ => match exit_code {
                Some(0) => Self::Passed,
                Some(_) => Self::Failed,
                None => Self::Infra,
            },
        }
    }

    /// Whether nothing is wrong.
    pub fn is_ok(self) -> bool {
        matches!(self, Self::Passed | Self::Skipped)
    }

    /// As one word: `passed`, `failed`, `infra`, `skipped`, `not run`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Infra => "infra",
            Self::Skipped => "skipped",
            Self::NotRun => "not run",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
