//! [`LaunchPlan`]: what a launch is to look like.

use jiff::Timestamp;

use super::Patience;

/// What a launch is to look like.
#[derive(Debug, Clone)]
#[must_use]
pub struct LaunchPlan {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) attributes: Vec<(Option<String>, String)>,
    pub(super) rerun_of: Option<String>,
    pub(super) join: Option<String>,
    pub(super) subtests: Subtests,
    pub(super) started: Option<Timestamp>,
    pub(super) ended: Option<Timestamp>,
    pub(super) in_flight: usize,
    pub(super) file_max: u64,
    pub(super) patience: Patience,
}

/// Which subtests become items of their own. Each is three requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Subtests {
    /// All of them.
    #[default]
    All,
    /// Those that did not pass; the test says how many others there were.
    NotPassed,
}

impl LaunchPlan {
    /// A launch of this name (at most 256 characters are kept), with subtests as steps inside their tests.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
            attributes: Vec::new(),
            rerun_of: None,
            join: None,
            subtests: Subtests::All,
            started: None,
            ended: None,
            in_flight: 8,
            file_max: 32 << 20,
            patience: Patience::default(),
        }
    }

    /// What is said of the launch.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// An attribute of the launch, with a key or without.
    pub fn attribute(mut self, key: Option<&str>, value: impl Into<String>) -> Self {
        self.attributes.push((key.map(str::to_owned), value.into()));
        self
    }

    /// Adds to a launch that is there, by its UUID; tests that are in it already become retries.
    pub fn rerun_of(mut self, launch: impl Into<String>) -> Self {
        self.rerun_of = Some(launch.into());
        self
    }

    /// Subtests lie beside their tests, called `TEST`, this, `SUBTEST`; so they are counted and analysed like tests.
    pub fn flat(mut self, separator: impl Into<String>) -> Self {
        self.join = Some(separator.into());
        self
    }

    /// Which subtests become items.
    pub fn subtests(mut self, which: Subtests) -> Self {
        self.subtests = which;
        self
    }

    /// When the run began, if not now: what the times of its tests are counted from.
    pub fn started(mut self, at: Timestamp) -> Self {
        self.started = Some(at);
        self
    }

    /// When the run ended, if not when the launch is finished: for one that is told of afterwards.
    pub fn ended(mut self, at: Timestamp) -> Self {
        self.ended = Some(at);
        self
    }

    /// How many requests may be under way at once: 8, unless it is said.
    pub fn in_flight(mut self, most: usize) -> Self {
        self.in_flight = most.max(1);
        self
    }

    /// The longest file that is sent, in bytes: 32 MiB, unless it is said. Of a longer one the end is sent, where failures are.
    pub fn file_max(mut self, bytes: u64) -> Self {
        self.file_max = bytes;
        self
    }

    /// How often and how long requests are tried.
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }
}
