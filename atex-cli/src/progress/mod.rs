//! What is shown while a run goes on: sinks of its events.

mod bar;
mod board;
mod estimate;
mod json;
mod plain;
mod state;

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{EventSink, TestKey};
use atex_report::Entry;

use crate::args::ProgressHow;

/// How long tests are expected to take, as far as anybody knows.
pub(crate) type Expected = HashMap<TestKey, Duration>;

/// What suits the place that it goes to: a file gets lines, whatever was asked for, because nothing can be drawn there.
pub(crate) fn resolve(how: ProgressHow) -> ProgressHow {
    match (how, std::io::stderr().is_terminal()) {
        (ProgressHow::Auto, true) => ProgressHow::Bar,
        (ProgressHow::Auto | ProgressHow::Bar, false) => ProgressHow::Plain,
        (how, _) => how,
    }
}

/// The sinks for what was asked for. What happened before is known to them, and not shown again.
pub(crate) fn sinks(
    how: ProgressHow,
    expected: Expected,
    before: &[Entry],
) -> Vec<Arc<dyn EventSink>> {
    match how {
        ProgressHow::None => Vec::new(),
        ProgressHow::Bar => vec![Arc::new(bar::Bar::new(expected, before))],
        ProgressHow::Json => vec![Arc::new(json::Json)],
        // `auto` was resolved.
        ProgressHow::Plain | ProgressHow::Auto => vec![Arc::new(plain::Plain::new(before))],
    }
}

#[cfg(test)]
mod tests {
    use atex_core::testkit::conformance::event_sink;

    use super::*;

    #[test]
    fn every_display_takes_every_event() {
        for how in [ProgressHow::Bar, ProgressHow::Plain, ProgressHow::Json, ProgressHow::None] {
            for sink in sinks(how, Expected::new(), &[]) {
                event_sink::all(&*sink);
            }
        }
    }
}
