//! [`Barriers`]: where tests that run together wait for each other.

use std::fmt;
use std::pin::Pin;

/// Waits until all have come, or until it is certain that some never will: then it is said who, and why.
pub type Waiting = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Where tests that run together wait for each other: what a [`Session`](crate::Session) is given for the run of such a test.
///
/// A barrier is a name that the tests agree on. It opens when all of them have come to it, in this attempt, and stays open.
/// When one of them ends without having come to it, it is broken for those that have, and that still may.
pub trait Barriers: fmt::Debug + Send + Sync {
    /// The test has come to the barrier of this name. That is so from now on, also if the future is dropped. Coming again is as good
    /// as coming once, also after another controller went on with the run.
    fn reach(&self, barrier: &str) -> Waiting;
}
