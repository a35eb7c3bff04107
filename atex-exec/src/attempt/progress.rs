//! [`Progress`]: what is known of a run.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::Deadline;

/// How much longer than its limit a test may run on a remote whose controller is gone.
pub(super) const UNATTENDED_GRACE: Duration = Duration::from_secs(30);

/// What is known of a run: enough, with what was collected, for another controller to go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) deadline: Deadline,
    /// When the remote would end the test by itself, as it was last told.
    pub(crate) told: Duration,
    /// Whether the test is known to be over, though not all of what it left is here.
    pub(super) over: bool,
    /// The exit code of a test that announced a reboot, and is over.
    pub(super) exit_code: Option<i32>,
    /// Whether the test announced a reboot that did not come yet.
    pub(crate) announced: bool,
    /// Whether anybody was attached since the test was last started.
    pub(crate) begun: bool,
    /// How many times the test was started again.
    pub(crate) restarts: u32,
    /// The barriers that the test came to and that it was not told of yet; and how often it came to one.
    #[serde(default)]
    pub(crate) barriers: BTreeSet<String>,
    #[serde(default)]
    pub(super) reached: u32,
    /// Since when a test that announced a reboot has been over.
    pub(super) doomed: Option<Duration>,
}

impl Progress {
    /// Of a test with this limit, which begins now.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            deadline: Deadline::new(Duration::ZERO, limit),
            told: limit.saturating_add(UNATTENDED_GRACE),
            over: false,
            exit_code: None,
            announced: false,
            begun: false,
            restarts: 0,
            barriers: BTreeSet::new(),
            reached: 0,
            doomed: None,
        }
    }

    /// The reboot that was announced has come: the test is to be started again.
    pub(super) fn rebooted(&mut self) {
        self.restarts += 1;
        (self.announced, self.begun) = (false, false);
        (self.over, self.exit_code, self.doomed) = (false, None, None);
    }

    /// What is wrong with a test that is over, and announced a reboot that did not come.
    pub(super) fn unrebooted(&self) -> String {
        let end = match self.exit_code {
            // The usual mistake.
            Some(141) => {
                "was killed by writing to the closed channel; use `trap '' PIPE` before `disconnect`, and write `noop` until it fails"
                    .to_owned()
            }
            Some(code) => format!("ended with exit code {code}"),
            None => "was killed".to_owned(),
        };
        format!("the test announced a reboot (`disconnect`), but {end}, and no reboot came")
    }
}
