//! JSON lines: `[platform, status, test, subtest, [files], note]`.

use std::io::BufRead;

use atex_core::Artifacts;
use atex_core::bounded_lines::{BoundedLines, Next};

use super::Stop;
use super::store_writer::{Found, StoreWriter};
use crate::aggregate::{FiledLine, Reported};

pub(super) fn read(reader: impl BufRead, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut lines = BoundedLines::new(reader, Artifacts::RESULT_MAX);
    loop {
        let number = lines.number() + 1;
        let (text, whole) = match lines.next_line().map_err(|error| Stop::io(number, &error))? {
            Next::End => return Ok(()),
            Next::Whole(text) => (text, true),
            Next::Torn(text) => (text, false),
            Next::TooLong => {
                let what = format!("the line is longer than {} bytes", Artifacts::RESULT_MAX);
                return Err(Stop::mistake(number, what));
            }
        };
        if text.trim_ascii().is_empty() {
            continue;
        }
        match one(text, writer) {
            Err(Problem::Json(_)) if !whole => return Err(Stop::Torn(number)),
            Err(Problem::Json(error)) => {
                return Err(Stop::mistake(number, format!("not a line of results: {error}")));
            }
            Err(Problem::Stop(stop)) => return Err(stop),
            Ok(()) => {}
        }
    }
}

enum Problem {
    Json(serde_json::Error),
    Stop(Stop),
}

fn one(text: &[u8], writer: &mut StoreWriter) -> Result<(), Problem> {
    let line: FiledLine<'_> = serde_json::from_slice(text).map_err(Problem::Json)?;
    let (platform, test, reported) = line.into_parts();
    let found =
        Found { platform: Some(&platform.shown()), test: &test.shown(), ..Found::default() };
    writer.add(found, reported).map_err(|error| Problem::Stop(error.into()))
}

/// A line as a text that another format carries.
pub(super) fn of_text(text: &str) -> Result<Reported<'_>, serde_json::Error> {
    serde_json::from_str::<FiledLine<'_>>(text).map(|line| line.into_parts().2)
}
