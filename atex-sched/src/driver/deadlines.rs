//! [`Deadlines`]: how long each phase may take; [`bounded`]: backends that hang or panic become errors.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use atex_core::{CancellationToken, Error, Result};
use futures::FutureExt;
use tokio::time::timeout;

/// How long each phase of a run may take before it counts as failed. A test's own time is limited by its executor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// To get a remote, waiting for a free one included: no limit, because a busy pool is no failure.
    pub provision: Option<Duration>,
    /// To take a remote over from a controller that died, or to give back what is left of it: 5 min.
    pub adopt: Duration,
    /// To make a remote ready for its first test: 30 min.
    pub prepare: Duration,
    /// For a test, or a preparation, to end after it was told to stop: 1 min. Then it is dropped.
    pub cancel: Duration,
    /// To end the session on a remote before it is released, with all that a plan wants done then: 15 min. What is left there is
    /// logged, and no failure.
    pub stop: Duration,
    /// To release a remote: 5 min. Its provisioner goes on in the background, and its shutdown waits for that.
    pub release: Duration,
    /// For an aggregator to take in one test, or to end its output: 5 min.
    pub ingest: Duration,
    /// For a provisioner to shut down after the run: 10 min.
    pub shutdown: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            provision: None,
            adopt: minutes(5),
            prepare: minutes(30),
            cancel: minutes(1),
            stop: minutes(15),
            release: minutes(5),
            ingest: minutes(5),
            shutdown: minutes(10),
        }
    }
}

/// Does the work of a backend; its panic, or taking longer than the limit, is an infrastructure error. Work that took too
/// long is dropped.
pub(super) async fn bounded<T>(
    what: &str,
    limit: impl Into<Option<Duration>>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let work = AssertUnwindSafe(work).catch_unwind();
    let done = match limit.into() {
        None => work.await,
        Some(limit) => match timeout(limit, work).await {
            Ok(done) => done,
            Err(_) => return Err(Error::Timeout { what: what.to_owned(), limit }),
        },
    };
    done.unwrap_or_else(|panic| Err(panicked(what, &*panic)))
}

/// Like [`bounded`], for work that ends by itself soon after the token was cancelled. Work that does not is dropped.
pub(super) async fn stoppable<T>(
    what: &str,
    limit: impl Into<Option<Duration>>,
    (cancel, grace): (&CancellationToken, Duration),
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let work = std::pin::pin!(bounded(what, limit, work));
    let mut work = work.fuse();
    tokio::select! {
        biased;
        done = &mut work => return done,
        () = cancel.cancelled() => {}
    }
    match timeout(grace, work).await {
        Ok(done) => done,
        Err(_) => Err(Error::Timeout { what: format!("stopping {what}"), limit: grace }),
    }
}

fn panicked(what: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::infra(what, format!("panicked: {}", text.unwrap_or("for an unknown reason")))
}
