//! [`Recorder`]: the clock of a run, and the way of every event to the sinks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atex_core::{CancellationToken, Error, EventSink, Lease, LeaseLog, RemoteId, Result, RunEvent};
use tokio::time::Instant;

/// The clock of a run, and the way of every event to the sinks: one at a time, in order, from whichever task.
///
/// Leases come from the tasks that provision, in the middle of a backend's work, and must be durable before the backend
/// goes on. So they cannot wait for the main loop: they take the same lock as everybody else, and go straight to the
/// sinks. The lock is never held over an await. The scheduler does not need leases, so it misses nothing.
pub(super) struct Recorder {
    start: Instant,
    /// How long the run had lasted then.
    before: Duration,
    sinks: Mutex<Vec<Arc<dyn EventSink>>>,
}

impl Recorder {
    pub(super) fn new(sinks: Vec<Arc<dyn EventSink>>, before: Duration) -> Self {
        Self { start: Instant::now(), before, sinks: Mutex::new(sinks) }
    }

    /// Tells all sinks, and says when it happened.
    pub(super) fn emit(&self, event: &RunEvent) -> Duration {
        let sinks = self.sinks.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock, so that the times of events never go back.
        let at = self.now();
        for sink in sinks.iter() {
            sink.emit(at, event);
        }
        at
    }

    /// The time since the run began in whole milliseconds, which is what a journal stores: a replay sees the same times.
    pub(super) fn now(&self) -> Duration {
        let now = self.before.saturating_add(self.start.elapsed());
        now - Duration::from_nanos(u64::from(now.subsec_nanos() % 1_000_000))
    }

    /// The moment that a time of the run stands for.
    pub(super) fn moment(&self, at: Duration) -> Option<Instant> {
        self.start.checked_add(at.saturating_sub(self.before))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("start", &self.start).finish_non_exhaustive()
    }
}

/// Writes down what a remote leases, as an event.
#[derive(Debug)]
pub(super) struct RemoteLeases {
    pub(super) remote: RemoteId,
    pub(super) recorder: Arc<Recorder>,
    /// Cancelled when the run stops, which a journal that cannot write any more sees to.
    pub(super) stop: CancellationToken,
}

impl LeaseLog for RemoteLeases {
    fn record(&self, lease: &Lease) -> Result<()> {
        self.recorder.emit(&RunEvent::Leased { remote: self.remote, lease: lease.clone() });
        // Nothing new is made for a run that stops, least of all when it stops because this very lease could not be
        // written down.
        if self.stop.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal on a disk that is full.
    struct Full(CancellationToken);

    impl EventSink for Full {
        fn emit(&self, _: Duration, _: &RunEvent) {
            self.0.cancel();
        }
    }

    #[tokio::test]
    async fn a_lease_that_could_not_be_written_down_stops_the_creation() {
        let stop = CancellationToken::new();
        let recorder = Arc::new(Recorder::new(vec![Arc::new(Full(stop.clone()))], Duration::ZERO));
        let leases = RemoteLeases { remote: RemoteId(1), recorder, stop };
        let lease = Lease::new("local", "local-1", serde_json::Value::Null);
        assert!(matches!(leases.record(&lease), Err(Error::Cancelled)));
    }
}
