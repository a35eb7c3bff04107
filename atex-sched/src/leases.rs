//! [`OpenLeases`]: what would be left behind if the run ended now.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, Lease, RemoteId, RunEvent};

/// A sink that keeps the leases of remotes that were not given back yet: what is left behind when a run is dropped.
#[derive(Debug, Default)]
pub struct OpenLeases(Mutex<BTreeMap<RemoteId, Lease>>);

impl OpenLeases {
    /// Without any lease.
    pub fn new() -> Self {
        Self::default()
    }

    /// The leases that are open now, in the order in which their remotes were asked for.
    pub fn all(&self) -> Vec<Lease> {
        let leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        leases.values().cloned().collect()
    }
}

impl EventSink for OpenLeases {
    fn emit(&self, _: Duration, event: &RunEvent) {
        let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::Leased { remote, lease } => {
                // What the one before stood for is gone: see `Request::record`.
                leases.insert(*remote, lease.clone());
            }
            RunEvent::RemoteReleased { remote }
            | RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote } => drop(leases.remove(remote)),
            RunEvent::RunStarted { .. }
            | RunEvent::RemoteRequested { .. }
            | RunEvent::RemoteProvisioned { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::TestEnded { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TestConcluded { .. }
            | RunEvent::ReleaseFailed { .. }
            | RunEvent::Interrupted
            | RunEvent::TimePassed
            | RunEvent::RunFinished => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use atex_core::testkit::conformance::event_sink;

    use super::*;

    #[test]
    fn takes_every_event_and_keeps_what_was_not_given_back() {
        event_sink::all(&OpenLeases::new());
        let leases = OpenLeases::new();
        for event in event_sink::samples().unwrap() {
            leases.emit(Duration::ZERO, &event);
            let leased = matches!(event, RunEvent::Leased { .. });
            assert!(!leased || !leases.all().is_empty(), "{event:?}");
        }
        leases.emit(Duration::ZERO, &RunEvent::RemoteReleased { remote: RemoteId(1) });
        assert_eq!(leases.all(), []);
    }

    #[test]
    fn a_host_that_was_only_tried_is_not_left_behind() {
        let leases = OpenLeases::new();
        for host in ["down", "up"] {
            let lease = Lease::new("ssh", host, serde_json::Value::Null);
            leases.emit(Duration::ZERO, &RunEvent::Leased { remote: RemoteId(1), lease });
        }
        let left: Vec<_> = leases.all().iter().map(ToString::to_string).collect();
        assert_eq!(left, ["ssh up"]);
    }
}
