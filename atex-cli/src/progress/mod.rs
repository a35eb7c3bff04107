//! What is shown while a run goes on: sinks of its events.

mod bar;
mod json;
mod plain;
mod state;

use std::sync::Arc;

use atex_core::EventSink;

use crate::args::ProgressHow;

/// The sinks for what was asked for.
pub(crate) fn sinks(how: ProgressHow) -> Vec<Arc<dyn EventSink>> {
    match how {
        ProgressHow::None => Vec::new(),
        ProgressHow::Bar => vec![Arc::new(bar::Bar::new())],
        ProgressHow::Json => vec![Arc::new(json::Json)],
        // `auto` was resolved by who knows where the output goes.
        ProgressHow::Plain | ProgressHow::Auto => vec![Arc::new(plain::Plain::default())],
    }
}
