//! [`Csv`]: a table for spreadsheets.

use std::io::Write;

use super::shape::{Shape, Told};
use super::source::{Said, Stop, said};

#[derive(Debug)]
pub(super) struct Csv;

impl Shape for Csv {
    fn name(&self) -> &'static str {
        "CSV"
    }

    fn head(&self) -> &'static str {
        "platform,status,test,subtest,files,note\r\n"
    }

    fn write(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Stop> {
        // The writer buffers: what it is given is whole tests.
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        told.source.each(|one| {
            let files = told.files(one);
            let files = match &files[..] {
                [] => None,
                files => Some(Said::Text(serde_json::json!(files).to_string().into())),
            };
            let platform = Said::Text((&*told.record.platform).into());
            let test = Said::Text(told.name.into());
            let row = [
                Some(&platform),
                said(&one.status),
                Some(&test),
                said(&one.name),
                files.as_ref(),
                said(&one.note),
            ];
            Ok(rows.write_record(row.map(cell)).map_err(std::io::Error::other)?)
        })?;
        Ok(rows.flush()?)
    }
}

/// What stands in a cell. Nothing is an empty cell; the empty text is an apostrophe. A text that a spreadsheet would take for a formula gets
/// an apostrophe before it, and so does one that begins with an apostrophe, so that one can always be taken away.
fn cell(what: Option<&Said<'_>>) -> String {
    let Some(what) = what else { return String::new() };
    let text = what.shown();
    let guarded = |c| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\'');
    match text.chars().next() {
        Some(first) if !guarded(first) => text.into_owned(),
        _ => format!("'{text}"),
    }
}
