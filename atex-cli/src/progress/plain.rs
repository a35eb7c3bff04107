//! A line for each test that is done, and for each thing that goes wrong: for logs and pipes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, RunEvent};

use atex_report::Entry;

use super::state::State;
use crate::message;

#[derive(Debug)]
pub(super) struct Plain(Mutex<State>);

impl Plain {
    pub(super) fn new(before: &[Entry]) -> Self {
        let mut state = State::default();
        for entry in before {
            state.take(&entry.event);
        }
        Self(Mutex::new(state))
    }
}

impl EventSink for Plain {
    fn emit(&self, _: Duration, event: &RunEvent) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = state.take(event) {
            let (width, total) = (state.total.to_string().len(), state.total);
            let count = match event {
                RunEvent::TestConcluded { .. } => format!("{:>width$}/{total} ", state.concluded),
                RunEvent::RunStarted { .. } | RunEvent::Restarted => String::new(),
                _ => " ".repeat(2 * width + 2),
            };
            message::note(&format!("{count}{line}"));
        }
    }
}
