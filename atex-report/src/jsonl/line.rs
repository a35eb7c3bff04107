//! One line of the aggregated results: `[platform, status, test, subtest, [files], note]`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

/// The parts of a line, in their order. Status, subtest and note are what the test reported, whatever that was.
#[derive(Serialize)]
pub(super) struct Line<'a>(
    pub(super) &'a str,
    pub(super) Option<&'a Value>,
    pub(super) &'a str,
    pub(super) Option<&'a Value>,
    pub(super) Vec<Value>,
    pub(super) Option<&'a Value>,
);

impl Line<'_> {
    /// Appends the line, with its end.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        self.serialize(&mut Serializer::with_formatter(&mut *out, Ascii))?;
        out.push(b'\n');
        Ok(())
    }
}

/// JSON as the Python ATEX writes it: a space after each `,` and `:`, and nothing but printable ASCII.
struct Ascii;

impl Formatter for Ascii {
    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.bytes().position(|byte| !(b' '..=b'~').contains(&byte)) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(char) = chars.next() {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn is_written_as_the_python_one_does() {
        let (status, name) = (
            json!("f\u{e4}il\u{7f}\u{1}\u{8}\u{c}\n\r\t\"\\/"),
            json!({"a": [1, null], "b": "\u{1f600}"}),
        );
        let line = Line("p", Some(&status), "/t", Some(&name), vec![json!("x"), json!("y")], None);
        let mut out = Vec::new();
        line.append_to(&mut out).unwrap();
        // What `json.dumps` gives for the same values.
        let expected = r#"["p", "f\u00e4il\u007f\u0001\b\f\n\r\t\"\\/", "/t", {"a": [1, null], "b": "\ud83d\ude00"}, ["x", "y"], null]"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }
}
