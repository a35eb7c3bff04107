//! [`Recorder`]: the clock of a run, and the way of every event to the sinks.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, Lease, LeaseLog, RemoteId, Result, RunEvent};
use tokio::time::Instant;

/// The clock of a run, and the way of every event to the sinks: one at a time, in order, from whichever task.
///
/// Leases come from the tasks that provision, in the middle of a backend's work, and must be durable before the backend
/// goes on. So they cannot wait for the main loop: they take the same lock as everybody else, and go straight to the
/// sinks. The lock is never held over an await. The scheduler does not need leases, so it misses nothing.
pub(super) struct Recorder {
    start: Instant,
    sinks: Mutex<Vec<Arc<dyn EventSink>>>,
}

impl Recorder {
    pub(super) fn new(sinks: Vec<Arc<dyn EventSink>>) -> Self {
        Self { start: Instant::now(), sinks: Mutex::new(sinks) }
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
        let now = self.start.elapsed();
        now - Duration::from_nanos(u64::from(now.subsec_nanos() % 1_000_000))
    }

    /// The moment that a time of the run stands for.
    pub(super) fn moment(&self, at: Duration) -> Option<Instant> {
        self.start.checked_add(at)
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
}

impl LeaseLog for RemoteLeases {
    fn record(&self, lease: &Lease) -> Result<()> {
        self.recorder.emit(&RunEvent::Leased { remote: self.remote, lease: lease.clone() });
        Ok(())
    }
}
