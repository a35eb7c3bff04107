//! [`Attempts`]: connecting, which many may ask for at once, and which then happens once.

use std::sync::atomic::{AtomicU64, Ordering};

/// Attempts to connect. `R` says why one failed, to everybody who waited for it.
#[derive(Debug)]
pub(super) struct Attempts<R> {
    /// Held while connecting; why the last attempt failed, if it did.
    last: tokio::sync::Mutex<Option<R>>,
    /// How many attempts have come to an end.
    ended: AtomicU64,
}

impl<R: Clone> Attempts<R> {
    pub(super) fn new() -> Self {
        Self { last: tokio::sync::Mutex::new(None), ended: AtomicU64::new(0) }
    }

    /// Makes an attempt, unless one comes to its end while this one waits for it: then its result is the result.
    pub(super) async fn share(
        &self,
        attempt: impl Future<Output = Result<(), R>>,
    ) -> Result<(), R> {
        let seen = self.ended.load(Ordering::Acquire);
        let mut last = self.last.lock().await;
        if self.ended.load(Ordering::Acquire) == seen {
            let refused = attempt.await.err();
            self.ended.fetch_add(1, Ordering::Release);
            *last = refused;
        }
        last.clone().map_or(Ok(()), Err)
    }
}
