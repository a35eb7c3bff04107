//! A bar for the run and a line for each running test, on a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use atex_core::{EventSink, RemoteId, RunEvent};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::state::State;
use crate::message;

/// How often the times on the screen go on.
const TICK: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct Bar {
    screen: MultiProgress,
    run: ProgressBar,
    inner: Mutex<(State, HashMap<RemoteId, ProgressBar>)>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let screen = MultiProgress::new();
        let run = screen.add(
            ProgressBar::new(0)
                .with_style(style("{bar:30.green/dim} {pos}/{len} {elapsed} {wide_msg}")),
        );
        run.enable_steady_tick(TICK);
        Self { screen, run, inner: Mutex::default() }
    }
}

impl EventSink for Bar {
    fn emit(&self, _: Duration, event: &RunEvent) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, lines) = &mut *inner;
        if let Some(line) = state.take(event) {
            // A screen that cannot be written to is no reason to stop.
            self.screen.println(message::for_terminal(&line)).ok();
        }
        self.run.set_length(state.total as u64);
        self.run.set_position(state.concluded as u64);
        match event {
            RunEvent::TestStarted { remote, attempt } => {
                let line = self.screen.insert_before(
                    &self.run,
                    ProgressBar::new_spinner()
                        .with_style(style("{spinner} {elapsed:>4} {wide_msg}")),
                );
                line.set_message(format!("{attempt} on {}", state.name(*remote)));
                line.enable_steady_tick(TICK);
                lines.insert(*remote, line);
            }
            RunEvent::TestEnded { remote, .. } => {
                if let Some(line) = lines.remove(remote) {
                    line.finish_and_clear();
                }
            }
            RunEvent::Interrupted => self.run.set_message("stopping"),
            RunEvent::RunFinished => self.run.finish_and_clear(),
            _ => {}
        }
    }
}

/// A template of this file; one with a mistake would be shown as the default.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
