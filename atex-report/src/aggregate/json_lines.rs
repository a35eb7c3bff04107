//! [`JsonLines`]: `[platform, status, test, subtest, [files], note]`, one a line.

use std::io::{self, Write};

use atex_core::ascii_json;
use serde::Serialize;

use super::shape::{Shape, Told};
use super::source::{Said, Stop};

/// The parts of a line, in their order. Status, subtest and note are what the test reported, whatever that was.
#[derive(Serialize)]
struct Line<'a>(
    &'a str,
    &'a Option<Said<'a>>,
    &'a str,
    &'a Option<Said<'a>>,
    Vec<Said<'a>>,
    &'a Option<Said<'a>>,
);

#[derive(Debug)]
pub(super) struct JsonLines;

impl Shape for JsonLines {
    fn name(&self) -> &'static str {
        "JSON lines"
    }

    fn write(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Stop> {
        let mut text = Vec::new();
        told.source.each(|one| {
            let files = told.files(one);
            text.clear();
            Line(&told.record.platform, &one.status, told.name, &one.name, files, &one.note)
                .append_to(&mut text)?;
            Ok(out.write_all(&text)?)
        })
    }
}

impl Line<'_> {
    /// Appends the line, with its end.
    fn append_to(&self, out: &mut Vec<u8>) -> io::Result<()> {
        ascii_json::write(out, self)?;
        out.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn is_written_as_the_python_one_does() {
        let (status, name) = (
            Some(Said::Text("f\u{e4}il\u{7f}\u{1}\u{8}\u{c}\n\r\t\"\\/".into())),
            Some(Said::Other(json!({"a": [1, null], "b": "\u{1f600}"}))),
        );
        let files = vec![Said::Text("x".into()), Said::Text("y".into())];
        let mut out = Vec::new();
        Line("p", &status, "/t", &name, files, &None).append_to(&mut out).unwrap();
        // What `json.dumps` gives for the same values.
        let expected = r#"["p", "f\u00e4il\u007f\u0001\b\f\n\r\t\"\\/", "/t", {"a": [1, null], "b": "\ud83d\ude00"}, ["x", "y"], null]"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }
}
