//! Every event as a line of JSON on standard output: for programs that watch a run.

use std::time::Duration;

use atex_core::{EventSink, RunEvent};
use serde_json::Value;

use crate::message;

#[derive(Debug)]
pub(super) struct Json;

impl EventSink for Json {
    fn emit(&self, at: Duration, event: &RunEvent) {
        let Ok(Value::Object(event)) = serde_json::to_value(event) else { return };
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        let mut line = serde_json::Map::from_iter([("at_ms".to_owned(), at.into())]);
        line.extend(event);
        // Nobody to read it is no reason to stop.
        message::json(&Value::Object(line)).ok();
    }
}
