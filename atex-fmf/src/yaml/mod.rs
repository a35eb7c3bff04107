//! YAML as the format reads it: one document, to values that know where they were written.
//!
//! The parser is only asked for events; what they mean (types, merge keys, duplicate keys) is decided here.

mod compose;
mod flow;
mod pool;
mod repair;
mod scalar;
mod tabs;
mod tag;
#[cfg(test)]
mod tests;

use granit_parser::{Event, Parser, ScanError, Span, options};

use crate::error::{Error, ErrorKind, Location, Result};
use crate::value::Value;
use compose::{Composer, Marks};
pub(crate) use pool::Pool;
use repair::Repaired;

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
            line: span.start.line(),
            column: span.start.col() + 1,
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

/// Line breaks as the parser is to see them: LF alone. A byte-order mark at the start is dropped.
pub(crate) fn normalize(text: &str) -> std::borrow::Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
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
    let mut repaired = Repaired::new(text);
    loop {
        match compose(pool, &repaired, document) {
            Err(Failure::Syntax(error)) if repaired.repair(&error) => {}
            Err(Failure::Syntax(error)) => return Err(syntax(&error)),
            Err(Failure::Content(error)) => return Err(error),
            Ok(value) => return Ok(value),
        }
    }
}

enum Failure {
    Syntax(ScanError),
    Content(YamlError),
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Self {
        Self::Syntax(error)
    }
}

impl From<YamlError> for Failure {
    fn from(error: YamlError) -> Self {
        Self::Content(error)
    }
}

fn syntax(error: &ScanError) -> YamlError {
    let mark = error.marker();
    let kind = match error.kind() {
        granit_parser::ErrorKind::RecursionLimitExceeded => ErrorKind::Limit,
        _ => ErrorKind::File,
    };
    YamlError { kind, message: error.info(), line: mark.line(), column: mark.col() + 1 }
}

fn compose(pool: &mut Pool, repaired: &Repaired<'_>, document: usize) -> Result<Value, Failure> {
    let text = repaired.text();
    let mut parser = Parser::new_from_str_with_options(text, parser_options());
    let mut composer = Composer::new(document, text, pool);
    let mut tabs = tabs::Tabs::new(text);
    let mut documents = 0;
    while let Some(next) = parser.next_event() {
        let (event, span) = next?;
        tabs.event(&event, &span);
        match event {
            Event::DocumentStart(_, version) => {
                documents += 1;
                if documents > 1 {
                    let message = "expected a single document, but found another one";
                    return Err(YamlError::new(message, &span).into());
                }
                if version.is_some_and(|v| v.major != 1 || v.minor > 2) {
                    let message = "only YAML versions 1.1 and 1.2 are supported";
                    return Err(YamlError::new(message, &span).into());
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = if repaired.is_dash(&text, &span) { "-" } else { &*text };
                flow::scalar(&mut composer, text, style, marks(tag.as_deref(), anchor, span))?;
            }
            Event::SequenceStart(style, anchor, tag) => {
                composer.start_list(style, marks(tag.as_deref(), anchor, span))?;
            }
            Event::MappingStart(style, anchor, tag) => {
                composer.start_map(style, marks(tag.as_deref(), anchor, span))?;
            }
            Event::SequenceEnd | Event::MappingEnd => composer.end()?,
            Event::Alias(anchor) => composer.alias(anchor, span)?,
            // Stream marks, and events that are switched off.
            _ => {}
        }
    }
    if documents == 0
        && let Some(line) = text.lines().position(|line| line.starts_with("..."))
    {
        let (kind, message) = (ErrorKind::File, "expected a document before its end".to_owned());
        return Err(YamlError { kind, message, line: line + 1, column: 1 }.into());
    }
    tabs.check()?;
    Ok(composer.finish())
}

fn marks(tag: Option<&granit_parser::Tag>, anchor: usize, span: Span) -> Marks<'_> {
    Marks { tag, anchor, span }
}

/// How the parser reads documents, here and wherever positions in them are asked for.
pub(crate) fn parser_options() -> granit_parser::Options {
    options! {
        block_scalar_eof_without_line_feed: true,
        bom_inside_document_as_content: true,
        emit_comments: false,
        flow_nesting_limit: MAX_NESTING,
        block_nesting_limit: MAX_NESTING,
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
