//! One line of the aggregated results: `[platform, status, test, subtest, [files], note]`.

use std::io;

use atex_core::ascii_json;
use serde::Serialize;
use serde_json::Value;

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
    pub(super) fn append_to(&self, out: &mut Vec<u8>) -> io::Result<()> {
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
