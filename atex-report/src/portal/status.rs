//! [`PortalStatus`]: the words of ReportPortal for how something went.

use serde::{Deserialize, Serialize};

/// How an item went, in the words of ReportPortal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
#[expect(missing_docs, reason = "these are the words of somebody else")]
pub enum PortalStatus {
    Passed,
    Failed,
    Stopped,
    Skipped,
    Interrupted,
    Cancelled,
    Info,
    Warn,
}

impl PortalStatus {
    /// What a status of ours is there, as the Python ATEX has it.
    pub fn of(status: &str) -> Self {
        match status {
            "pass" => Self::Passed,
            "fail" | "error" => Self::Failed,
            "warn" => Self::Warn,
            "infra" => Self::Interrupted,
            "skip" => Self::Skipped,
            _ => Self::Info,
        }
    }

    /// As the server writes it in filters.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Stopped => "STOPPED",
            Self::Skipped => "SKIPPED",
            Self::Interrupted => "INTERRUPTED",
            Self::Cancelled => "CANCELLED",
            Self::Info => "INFO",
            Self::Warn => "WARN",
        }
    }
}
