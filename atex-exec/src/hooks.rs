//! [`Hooks`]: what the caller of an executor is told, and asked, about tests; [`Ended`], [`Judgement`].

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use atex_core::TestName;

/// A test that came to its end by itself, before it is judged.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// Which.
    pub test: &'a TestName,
    /// With which exit code: 128 and the number of the signal, if one ended it.
    pub exit_code: i32,
    /// The file with all that it printed.
    pub output: &'a Path,
}

/// What a test that came to its end counts as, unless it reported a result of its own, which stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// As if it had ended with this exit code: 0 passes, everything else fails.
    ExitCode(i32),
    /// It has this status.
    Status(String),
}

type Judge = dyn Fn(&Ended<'_>) -> Judgement + Send + Sync;
type Follow = dyn Fn(&TestName, &Path) + Send + Sync;

/// What the caller of an executor is told, and asked.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) judge: Option<Arc<Judge>>,
    pub(crate) follow: Option<Arc<Follow>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("judge", &self.judge.is_some())
            .field("follow", &self.follow.is_some())
            .finish()
    }
}
