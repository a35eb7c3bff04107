//! [`RecordingSink`]: keeps every event of a run.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::fate::lock;
use crate::{EventSink, RunEvent};

/// Keeps every event of a run, with its time. Clones are the same sink.
#[derive(Debug, Clone, Default)]
pub struct RecordingSink(Arc<Mutex<Vec<(Duration, RunEvent)>>>);

impl RecordingSink {
    /// Without any event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The events so far, in order.
    pub fn events(&self) -> Vec<(Duration, RunEvent)> {
        lock(&self.0).clone()
    }

    /// The number of events so far for which this holds.
    pub fn count(&self, mut of: impl FnMut(&RunEvent) -> bool) -> usize {
        lock(&self.0).iter().filter(|(_, event)| of(event)).count()
    }
}

impl EventSink for RecordingSink {
    fn emit(&self, at: Duration, event: &RunEvent) {
        lock(&self.0).push((at, event.clone()));
    }
}
