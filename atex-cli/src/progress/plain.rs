//! A line for each test that ends, and for each thing that goes wrong: for logs and pipes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, RunEvent};

use super::state::State;
use crate::message;

#[derive(Debug, Default)]
pub(super) struct Plain(Mutex<State>);

impl EventSink for Plain {
    fn emit(&self, at: Duration, event: &RunEvent) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = state.take(at, event) {
            // The conclusion of a test follows its end; the number is that of tests which will be concluded by then.
            let done = state.concluded + usize::from(matches!(event, RunEvent::TestEnded { .. }));
            let width = state.total.to_string().len();
            let count = match event {
                RunEvent::RunStarted { .. } => String::new(),
                _ => format!("{:>width$}/{} ", done.min(state.total), state.total),
            };
            message::note(&format!("{count}{line}"));
        }
    }
}
