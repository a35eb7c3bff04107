//! YAML as the format reads it: one document, to values that know where they were written.
//!
//! From characters to tokens (`scan`), to what the document consists of (`parser`), to values (`compose`: types, merge keys,
//! duplicate keys). Own code, as the dialect is that of one implementation, which no parser of YAML has.

mod compose;
mod mark;
mod parser;
mod pool;
mod scalar;
mod scan;
mod tag;
#[cfg(test)]
mod tests;
mod token;

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::value::Value;
use compose::Composer;
pub(crate) use mark::Span;
pub(crate) use parser::{Done, Form, Marks, Receiver, parse};
pub(crate) use pool::Pool;
pub(crate) use token::ScalarStyle;

/// Collections nested deeper than this are refused.
const MAX_NESTING: usize = 255;

/// What is wrong with a document, and where.
#[derive(Debug)]
pub(crate) struct YamlError {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
}

impl YamlError {
    fn new(message: impl Into<String>, span: &Span) -> Self {
        Self {
            kind: ErrorKind::File,
            message: message.into(),
            line: span.start.line,
            column: span.start.column + 1,
        }
    }

    fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The error as seen by users: it names the file and shows the line.
    pub(crate) fn in_file(self, path: &std::path::Path, text: &str) -> Error {
        let place = Location::in_text(path, text, self.line, self.column);
        Error::new(self.kind, self.message).at(Some(place))
    }
}

impl Value {
    /// Reads one YAML document, by the rules that hold for files of a tree.
    ///
    /// # Errors
    /// The text is not valid YAML, has duplicate keys, unknown tags, several documents, or is nested too deeply.
    pub fn from_yaml(text: &str) -> Result<Self> {
        load(&normalize(text), 0).map_err(|error| error.in_file("<text>".as_ref(), text))
    }
}

/// Line breaks as the parser is to see them: LF alone. What cannot be seen at the start is dropped: a byte-order mark, and
/// separators of lines and paragraphs.
pub(crate) fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_start_matches(['\u{2028}', '\u{2029}']);
    if text.contains(['\r', '\u{85}']) {
        text.replace("\r\n", "\n").replace(['\r', '\u{85}'], "\n").into()
    } else {
        text.into()
    }
}

/// Whether a text, written without quotes, is read as the string that it is.
pub(crate) fn is_plain_string(text: &str) -> bool {
    match scalar::resolve(text) {
        Err(_) | Ok(scalar::Plain::Merge | scalar::Plain::Default) => false,
        Ok(plain) => !matches!(plain, scalar::Plain::Value(value) if value.as_str().is_none()),
    }
}

/// Reads one document; `document` is the index of the file, kept in the origin of each entry.
pub(crate) fn load(text: &str, document: usize) -> Result<Value, YamlError> {
    load_with(&mut Pool::default(), text, document)
}

/// As [`load`], sharing texts with what was read before with the same pool.
pub(crate) fn load_with(pool: &mut Pool, text: &str, document: usize) -> Result<Value, YamlError> {
    check_characters(text)?;
    let mut composer = Composer::new(document, pool);
    match parse(text, &mut composer) {
        Ok(()) => Ok(composer.finish()),
        // The reference makes values once it has seen the whole document: what is no YAML is told first.
        Err(error) if matches!(error.kind, ErrorKind::Value | ErrorKind::Unsupported) => {
            Err(parse(text, &mut Names::default()).err().unwrap_or(error))
        }
        Err(error) => Err(error),
    }
}

/// Wants to know whether a text is YAML: every name must be that of an anchor before it.
#[derive(Default)]
struct Names<'t>(HashSet<&'t str>);

impl<'t> Receiver<'t> for Names<'t> {
    fn scalar(&mut self, _: Cow<'t, str>, _: ScalarStyle, marks: Marks<'t>) -> Done {
        self.0.extend(marks.anchor);
        Ok(())
    }

    fn start_list(&mut self, _: Form, marks: Marks<'t>) -> Done {
        self.0.extend(marks.anchor);
        Ok(())
    }

    fn start_map(&mut self, _: Form, marks: Marks<'t>) -> Done {
        self.0.extend(marks.anchor);
        Ok(())
    }

    fn end(&mut self, _: Span) -> Done {
        Ok(())
    }

    fn alias(&mut self, name: &'t str, span: Span) -> Done {
        if self.0.contains(name) { Ok(()) } else { Err(compose::unknown(name, &span)) }
    }
}

/// Control characters and the like are errors wherever they stand, comments included.
fn check_characters(text: &str) -> Result<(), YamlError> {
    // Nearly every file passes this scan of its bytes: C1 starts with 0xc2, U+FFFE and U+FFFF with 0xef.
    let suspicious = |byte: u8| matches!(byte, 0..=8 | 11..=31 | 0x7f | 0xc2 | 0xef);
    if !text.bytes().any(suspicious) {
        return Ok(());
    }
    let forbidden = |c: char| matches!(u32::from(c), 0..=8 | 0xb..=0xc | 0xe..=0x1f | 0x7f..=0x84 | 0x86..=0x9f | 0xfffe | 0xffff);
    let Some((position, c)) = text.char_indices().find(|(_, c)| forbidden(*c)) else {
        return Ok(());
    };
    let before = &text[..position];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Err(YamlError {
        kind: ErrorKind::File,
        message: format!("the character U+{:04X} is not allowed", u32::from(c)),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    })
}
