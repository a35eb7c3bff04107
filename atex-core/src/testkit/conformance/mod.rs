//! Conformance suites: what the contract of each trait promises, as checks to run against your own implementation.
//!
//! A suite is a module with one public function per promise, and a function `all` that runs them and panics with the list
//! of those that do not hold. Give it a factory; it makes what it needs as often as it likes, and cleans up behind itself:
//!
//! ```
//! use std::sync::Arc;
//! use atex_core::{Connection, Result, testkit::conformance};
//!
//! /// To be called from a test, with what opens a connection of yours.
//! async fn keeps_its_promises(connect: impl AsyncFn() -> Result<Arc<dyn Connection>>) {
//!     conformance::connection::all(connect).await;
//! }
//! ```
//!
//! Suites run programs, so they need a remote with `bash` and GNU coreutils. They do not sleep: what must happen is waited for, and
//! a promise that is not kept within [`LIMIT`] is broken. Where implementations may rightly differ, a suite takes a
//! description of yours.

use std::future::Future;
use std::time::Duration;

use crate::{BoxError, Failure};

pub mod aggregator;
pub mod connection;
pub mod event_sink;
pub mod executor;
pub mod lifetime;
pub mod program;
pub mod provisioner;
pub mod recovery;
pub mod upload;
pub mod volume;

/// How long a check may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Whether a promise is kept; if not, why not.
pub type Check = Result<(), BoxError>;

/// Ends a [`Check`] with this text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+).into());
        }
    };
}
pub(crate) use ensure;

/// Runs checks, and remembers which of them did not hold.
#[derive(Debug)]
pub struct Suite {
    name: &'static str,
    broken: Vec<String>,
}

impl Suite {
    /// A suite of this name, for messages.
    pub fn new(name: &'static str) -> Self {
        Self { name, broken: Vec::new() }
    }

    /// Runs one check, for at most [`LIMIT`].
    pub async fn check(&mut self, promise: &str, check: impl Future<Output = Check>) {
        self.check_within(LIMIT, promise, check).await;
    }

    /// Runs one check, for at most this long.
    pub async fn check_within(
        &mut self,
        limit: Duration,
        promise: &str,
        check: impl Future<Output = Check>,
    ) {
        let why = match tokio::time::timeout(limit, check).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => match error.downcast_ref::<crate::Error>() {
                Some(error) => Failure::from(error).message,
                None => error.to_string(),
            },
            Err(_) => format!("nothing came of it within {}", crate::millis::Shown(limit)),
        };
        self.broken.push(format!("{promise}: {why}"));
    }

    /// Ends the suite.
    ///
    /// # Panics
    /// When a check did not hold, with all that did not.
    pub fn finish(self) {
        assert!(
            self.broken.is_empty(),
            "{} promises of {} are broken:\n  {}",
            self.broken.len(),
            self.name,
            self.broken.join("\n  ")
        );
    }
}

/// Runs the listed functions of this module as checks of a suite, each with a fresh subject, under their own names.
macro_rules! run_checks {
    ($suite:expr, $fresh:expr, [$($check:ident),+ $(,)?]) => {
        $($suite.check(stringify!($check), async { $check($fresh).await }).await;)+
    };
}
pub(crate) use run_checks;
