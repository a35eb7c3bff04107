//! Ctrl-C: once stops politely, twice leaves at once.

use std::sync::Arc;

use atex_core::CancellationToken;
use atex_sched::OpenLeases;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{exit_code, message};

/// Waits for the first of SIGINT, SIGTERM and SIGHUP and cancels the token; the second ends the program, after saying what
/// may be left behind. Never returns.
pub(crate) async fn watch(cancel: CancellationToken, leases: Arc<OpenLeases>, out: String) {
    let signals =
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = signals else {
        tracing::warn!("signals cannot be watched: Ctrl-C ends the program at once");
        return std::future::pending().await;
    };
    next(&mut interrupt, &mut terminate, &mut hangup).await;
    message::note("\nstopping: tests are ended and systems given back; once more to leave at once");
    cancel.cancel();
    next(&mut interrupt, &mut terminate, &mut hangup).await;
    message::note("\nleaving at once");
    for lease in leases.all() {
        message::note(&format!("  left behind: {} {}", lease, lease.data));
    }
    message::note(&format!("what was collected is in {out}"));
    leave();
}

#[expect(clippy::exit, reason = "leaving at once is what was asked for")]
fn leave() -> ! {
    std::process::exit(exit_code::INTERRUPTED.into())
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal, hangup: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
