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

#[cfg(test)]
mod tests {
    use atex_core::testkit::conformance::event_sink;

    use super::*;

    #[test]
    fn every_display_takes_every_event() {
        for how in [ProgressHow::Bar, ProgressHow::Plain, ProgressHow::Json, ProgressHow::None] {
            for sink in sinks(how) {
                event_sink::all(&*sink);
            }
        }
    }
}
