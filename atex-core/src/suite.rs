//! [`TestSuite`]: the tests of a run, with the content that has to be on a remote before they can run.

use std::path::PathBuf;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::TestName;

/// Tests in the order in which they were discovered, what they need around them, and the folders that hold them.
///
/// Plain data: whoever discovers tests fills it in, an [`Executor`](crate::Executor) reads it. Wrap it in an `Arc`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TestSuite {
    /// The tests by name, in order.
    pub tests: IndexMap<TestName, Test>,
    /// Folders of this machine that are laid on every remote before its first test.
    pub content: Vec<Content>,
    /// Variables that a plan sets for its tests; a test's own win over these.
    pub environment: IndexMap<String, String>,
    /// What is done on every remote before its first test, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prepare: Vec<Phase>,
    /// What is done on every remote after its last test, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finish: Vec<Phase>,
}

/// Something that a plan wants done on every remote, besides its tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// What it is called: in messages, and in the names of its logs.
    pub name: String,
    /// What is done.
    #[serde(flatten)]
    pub action: PhaseAction,
}

/// What a [`Phase`] does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
#[non_exhaustive]
pub enum PhaseAction {
    /// Runs shell scripts, one after the other, in the root of the uploaded tree.
    Shell {
        /// The scripts, given to `bash`.
        scripts: Vec<String>,
    },
    /// Installs packages.
    Install {
        /// The packages.
        packages: Vec<String>,
        /// Packages that are not to be installed with them.
        exclude: Vec<String>,
    },
    /// Something that nobody here knows how to do: it is left out.
    Unknown {
        /// How the plan wants it done.
        how: String,
    },
}

/// A folder of this machine, and where its content lies below the root of the uploaded tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The folder here.
    pub from: PathBuf,
    /// Where it goes, relative to the root of the uploaded tree; empty for the root itself.
    pub to: String,
}

/// One test, as its metadata describe it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Test {
    /// What to run: a shell script, given to `bash`.
    pub script: String,
    /// The folder to run it in, relative to the root of the uploaded tree; empty for the root itself.
    pub dir: String,
    /// Its own variables, in the order of the metadata.
    pub environment: IndexMap<String, String>,
    /// How long it may run, if the metadata say so.
    #[serde(rename = "duration_ms", with = "crate::millis::option")]
    pub duration: Option<Duration>,
    /// Its tags, in the order of the metadata.
    pub tags: Vec<String>,
    /// Whether it wants a terminal.
    pub tty: bool,
    /// All of its metadata, for whatever the fields above do not cover.
    pub metadata: Map<String, Value>,
}

impl TestSuite {
    /// How long a test may run when its metadata do not say (as in `tmt` and the Python ATEX).
    pub const DEFAULT_DURATION: Duration = Duration::from_secs(5 * 60);

    /// A suite of these tests, without content or environment.
    pub fn new(tests: impl IntoIterator<Item = (TestName, Test)>) -> Self {
        Self { tests: tests.into_iter().collect(), ..Self::default() }
    }

    /// Adds a folder that is laid on every remote, at `to` below the root of the uploaded tree (empty: as the root).
    #[must_use]
    pub fn with_content(mut self, from: impl Into<PathBuf>, to: impl Into<String>) -> Self {
        self.content.push(Content { from: from.into(), to: to.into() });
        self
    }
}

impl Test {
    /// A test that runs this script in the root of the uploaded tree.
    pub fn new(script: impl Into<String>) -> Self {
        Self { script: script.into(), ..Self::default() }
    }

    /// The longest [`time_limit`](Self::time_limit): 100 years, which can be added to any time of a clock.
    pub const TIME_LIMIT_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

    /// How long it may run: what the metadata say, else [`TestSuite::DEFAULT_DURATION`]; never more than
    /// [`TIME_LIMIT_MAX`](Self::TIME_LIMIT_MAX).
    pub fn time_limit(&self) -> Duration {
        self.duration.unwrap_or(TestSuite::DEFAULT_DURATION).min(Self::TIME_LIMIT_MAX)
    }

    /// Whether it has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_time_limits_are_cut() {
        let limit = |duration| Test { duration, ..Test::default() }.time_limit();
        assert_eq!(limit(None), TestSuite::DEFAULT_DURATION);
        assert_eq!(limit(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(limit(Some(Duration::MAX)), Test::TIME_LIMIT_MAX);
        std::time::SystemTime::now().checked_add(limit(Some(Duration::MAX))).unwrap();
    }
}
