//! Ctrl-C: once stops politely, twice leaves at once.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use atex_core::CancellationToken;
use atex_sched::OpenLeases;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{exit_code, message, screen};

/// SIGINT, SIGTERM and SIGHUP, caught from the moment this is made: make it before anything that would be left behind.
#[derive(Debug)]
pub(crate) struct Interrupts([Signal; 3]);

impl Interrupts {
    /// Catches the signals.
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for the first signal and cancels the token; the second ends the program, after saying what may be left behind.
    /// Never returns.
    pub(crate) async fn watch(
        mut self,
        cancel: CancellationToken,
        leases: Arc<OpenLeases>,
        out: String,
    ) -> Infallible {
        self.next().await;
        message::note(
            "\nstopping: tests are ended and systems given back; once more to leave at once",
        );
        cancel.cancel();
        self.next().await;
        message::note("\nleaving at once");
        for lease in leases.all() {
            message::note(&format!("  left behind: {} {}", lease, lease.data));
        }
        message::note(&format!("what was collected is in {out}"));
        screen::end();
        leave();
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[expect(clippy::exit, reason = "leaving at once is what was asked for")]
fn leave() -> ! {
    std::process::exit(exit_code::INTERRUPTED.into())
}
