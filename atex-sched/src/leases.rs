//! [`OpenLeases`]: what would be left behind if the run ended now.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, Lease, RemoteId, RunEvent};

/// A sink that keeps the leases of remotes that were not given back yet: what is left behind when a run is dropped.
#[derive(Debug, Default)]
pub struct OpenLeases(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    pools: BTreeMap<RemoteId, String>,
    open: BTreeMap<RemoteId, Lease>,
}

impl OpenLeases {
    /// Without any lease.
    pub fn new() -> Self {
        Self::default()
    }

    /// The leases that are open now, in the order in which their remotes were asked for.
    pub fn all(&self) -> Vec<Lease> {
        self.by_pool().into_iter().map(|(_, lease)| lease).collect()
    }

    /// The same, each with the name of the pool that it is of.
    pub fn by_pool(&self) -> Vec<(String, Lease)> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = |remote| state.pools.get(remote).cloned().unwrap_or_default();
        state.open.iter().map(|(remote, lease)| (pool(remote), lease.clone())).collect()
    }
}

impl EventSink for OpenLeases {
    fn emit(&self, _: Duration, event: &RunEvent) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            RunEvent::RemoteRequested { remote, pool } => {
                state.pools.insert(*remote, pool.clone());
            }
            RunEvent::Leased { remote, lease } => {
                // What the one before stood for is gone: see `Request::record`.
                state.open.insert(*remote, lease.clone());
            }
            RunEvent::RemoteReleased { remote }
            | RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote } => {
                state.open.remove(remote);
                state.pools.remove(remote);
            }
            RunEvent::RunStarted { .. }
            | RunEvent::RemoteProvisioned { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::RemoteQuarantined { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::BarrierReached { .. }
            | RunEvent::TestEnded { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TestConcluded { .. }
            | RunEvent::ReleaseFailed { .. }
            | RunEvent::Restarted
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
        let (remote, pool) = (RemoteId(1), "lab".to_owned());
        leases.emit(Duration::ZERO, &RunEvent::RemoteRequested { remote, pool });
        for host in ["down", "up"] {
            let lease = Lease::new("ssh", host, serde_json::Value::Null);
            leases.emit(Duration::ZERO, &RunEvent::Leased { remote: RemoteId(1), lease });
        }
        let left = leases.by_pool();
        let left: Vec<_> = left.iter().map(|(pool, lease)| format!("{pool}: {lease}")).collect();
        assert_eq!(left, ["lab: ssh up"]);
    }
}
