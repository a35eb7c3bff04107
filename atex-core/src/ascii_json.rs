//! JSON on one line in ASCII, spaced as the Python ATEX writes it: `{"status": "pass", "files": ["a", "b"]}`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Writes a value as one line of JSON: printable ASCII only (other characters as `\uXXXX`), `", "` and `": "` between things, no
/// newline at the end. Line for line what Python's `json.dumps` writes by default, which tools that compare such files rely on.
///
/// # Errors
/// Those of the writer, and of a value that JSON cannot hold.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, Ascii)).map_err(io::Error::from)
}

struct Ascii;

impl Formatter for Ascii {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.begin_array_value(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c: char| !(' '..='~').contains(&c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(c) = chars.next() {
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .try_for_each(|unit| write!(out, "\\u{unit:04x}"))?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let text: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(out, "\\u{byte:04x}"),
        };
        out.write_all(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_as_python_writes_it() {
        let value: serde_json::Value =
            serde_json::from_str("{\"b\":[1,2.5,\"\u{17e}\u{1f600}\\u007f\\u0001\\n\\\"\"],\"a\":{},\"c\":[],\"d\":null}").unwrap();
        let mut line = Vec::new();
        write(&mut line, &value).unwrap();
        let expected = "{\"b\": [1, 2.5, \"\\u017e\\ud83d\\ude00\\u007f\\u0001\\n\\\"\"], \"a\": {}, \"c\": [], \"d\": null}";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
