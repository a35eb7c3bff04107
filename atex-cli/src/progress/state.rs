//! What every display has to keep of the events: names of remotes, and how far the run is.

use std::collections::HashMap;

use atex_core::millis::Shown;
use atex_core::{Attempt, Failure, Outcome, RemoteId, RunEvent, TestKey, Verdict};

use super::board::painted;

/// How far a run is.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) total: usize,
    pub(super) concluded: usize,
    remotes: HashMap<RemoteId, String>,
    /// How the last attempt of a test went, until it is known whether it was the final one.
    ended: HashMap<TestKey, String>,
}

impl State {
    /// Takes an event; a line to show for it, if it is worth one.
    pub(super) fn take(&mut self, event: &RunEvent) -> Option<String> {
        match event {
            RunEvent::RunStarted { tests, pools } => {
                self.total = tests.len();
                let pools: Vec<String> = pools
                    .iter()
                    .map(|pool| format!("{} (up to {})", pool.name, pool.max))
                    .collect();
                let s = if tests.len() == 1 { "" } else { "s" };
                Some(format!("{} test{s} on {}", tests.len(), pools.join(", ")))
            }
            RunEvent::Restarted => {
                Some(format!("going on: {} of {} tests are done", self.concluded, self.total))
            }
            RunEvent::RemoteProvisioned { remote, name, .. } => {
                self.remotes.insert(*remote, name.clone());
                None
            }
            // It was not the final one: there is another.
            RunEvent::TestStarted { attempt, .. } => self.ended.remove(&attempt.key()),
            RunEvent::TestEnded { remote, attempt, outcome, failure } => {
                let line = self.ended(*remote, attempt, outcome, failure.as_ref());
                self.ended.insert(attempt.key(), line);
                None
            }
            RunEvent::TestConcluded { test, wanted, verdict, note, .. } => {
                self.concluded += 1;
                let key = TestKey { test: test.clone(), wanted: wanted.clone() };
                Some(self.ended.remove(&key).unwrap_or_else(|| {
                    let why =
                        note.as_ref().map_or(String::new(), |note| format!(": {}", one_line(note)));
                    format!("{}  {}{why}", word(*verdict), one_line(&key.to_string()))
                }))
            }
            RunEvent::ProvisionFailed { failure, .. } => {
                Some(format!("no remote: {}", one_line(&failure.message)))
            }
            RunEvent::PrepareFailed { remote, failure }
            | RunEvent::RemoteLost { remote, failure } => {
                Some(format!("{}: {}", self.name(*remote), one_line(&failure.message)))
            }
            RunEvent::ReleaseFailed { remote, failure } => Some(format!(
                "{} may be left behind: {}",
                self.name(*remote),
                one_line(&failure.message)
            )),
            RunEvent::IngestFailed { attempt, failure } => Some(format!(
                "results of {} were not taken in: {}",
                one_line(&attempt.to_string()),
                one_line(&failure.message)
            )),
            RunEvent::RemoteQuarantined { remote, reason } => {
                Some(format!("{} gets no more tests: {}", self.name(*remote), one_line(reason)))
            }
            RunEvent::RemoteRequested { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::BarrierReached { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::Leased { .. }
            | RunEvent::ProvisionWithdrawn { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::RemoteReleased { .. }
            | RunEvent::Interrupted
            | RunEvent::TimePassed
            | RunEvent::RunFinished => None,
        }
    }

    /// A remote as people call it.
    pub(super) fn name(&self, remote: RemoteId) -> String {
        self.remotes.get(&remote).map_or_else(|| remote.to_string(), |name| one_line(name))
    }

    fn ended(
        &self,
        remote: RemoteId,
        attempt: &Attempt,
        outcome: &Outcome,
        failure: Option<&Failure>,
    ) -> String {
        let note = outcome.note.as_deref().or(failure.map(|failure| failure.message.as_str()));
        let note = note.map_or(String::new(), |note| format!(": {}", one_line(note)));
        let took = Shown(outcome.took);
        let (word, attempt) = (word(outcome.verdict), one_line(&attempt.to_string()));
        format!("{word}  {attempt}  {took} on {}{note}", self.name(remote))
    }
}

/// A verdict as a word of one width, in its colour.
fn word(verdict: Verdict) -> String {
    painted(verdict, &format!("{verdict:>7}"))
}

/// What a test or a remote said: on one line, without what could confuse a terminal, and not too long.
fn one_line(text: &str) -> String {
    atex_core::display::one_line(text, 300)
}
