//! The error of this crate: what kind of mistake, where it is, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// What kind of mistake an [`Error`] reports.
///
/// The kinds follow the error classes that users of FMF know; [`ErrorKind::class`] gives the name of the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A mistake that has no kind of its own.
    General,
    /// The structure of the metadata is wrong: version, directives, keys, adjust rules, substitutions.
    Format,
    /// A file or directory cannot be read, or is not valid YAML.
    File,
    /// No metadata tree contains the given path.
    Root,
    /// A merge suffix was used on values that do not fit together.
    Merge,
    /// A filter names an unknown dimension, or cannot be used on this data.
    Filter,
    /// An identifier of a node leads nowhere.
    Reference,
    /// A remote repository cannot be fetched.
    Fetch,
    /// A schema is not valid.
    Schema,
    /// A context rule cannot be decided with the dimensions at hand.
    CannotDecide,
    /// A context rule cannot be parsed.
    InvalidRule,
    /// A context cannot be made from the given text.
    InvalidContext,
    /// A regular expression or a substitution template is malformed.
    Pattern,
    /// A value has a type that cannot be used here.
    Type,
    /// A value has the right type, but an impossible content (the 30th of February).
    Value,
    /// A key or an index does not exist.
    Lookup,
    /// A condition cannot be parsed.
    Syntax,
    /// A condition names something that is not defined.
    Name,
    /// A condition, or a feature of the format, that this crate does not support.
    Unsupported,
    /// A limit that protects against hostile input was exceeded.
    Limit,
}

impl ErrorKind {
    /// The name of the error class that FMF users know for this kind.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::General => "GeneralError",
            Self::Format => "FormatError",
            Self::File => "FileError",
            Self::Root => "RootError",
            Self::Merge => "MergeError",
            Self::Filter => "FilterError",
            Self::Reference => "ReferenceError",
            Self::Fetch => "FetchError",
            Self::Schema => "JsonSchemaError",
            Self::CannotDecide => "CannotDecide",
            Self::InvalidRule => "InvalidRule",
            Self::InvalidContext => "InvalidContext",
            Self::Pattern => "PatternError",
            Self::Type => "TypeError",
            Self::Value => "ValueError",
            Self::Lookup => "LookupError",
            Self::Syntax => "SyntaxError",
            Self::Name => "NameError",
            Self::Unsupported => "NotImplementedError",
            Self::Limit => "RecursionError",
        }
    }
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub path: PathBuf,
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// The line itself, without its line break, where it could be read.
    pub text: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// A mistake in metadata, or in what was asked about them.
///
/// `Display` gives one line, which starts with `file:line:column: ` where there is a place to point at;
/// [`Error::snippet`] shows that line of the file with a caret.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.one_line())]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    location: Option<Box<Location>>,
    history: Vec<Written>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// An entry that was merged into the data of a node before.
///
/// `Display` gives one line: the key, the node, and the place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// The key, with its suffix.
    pub key: String,
    /// The node that it is written in.
    pub node: String,
    /// Where; none for data that came from no file.
    pub location: Option<Location>,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("'{}' in {}", self.key, self.node);
        match &self.location {
            Some(location) => f.write_str(&printable(&format!("{text}, {location}"))),
            None => f.write_str(&printable(&text)),
        }
    }
}

/// What functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (hint, location, history, source) = (None, None, Vec::new(), None);
        Self { kind, message: message.into(), hint, location, history, source }
    }

    pub(crate) fn io(message: impl Into<String>, source: std::io::Error) -> Self {
        Self { source: Some(Box::new(source)), ..Self::new(ErrorKind::File, message) }
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_history(mut self, history: Vec<Written>) -> Self {
        self.history = history;
        self
    }

    /// Adds the place, unless a more precise one is known already.
    pub(crate) fn at(mut self, location: Option<Location>) -> Self {
        if self.location.is_none() {
            self.location = location.map(Box::new);
        }
        self
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message alone, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Something to try, where there is an idea.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Where the mistake is, if it is in a file.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_deref()
    }

    /// What had been written about the same key before, if merging it is the mistake: first in the node that the others inherit
    /// from.
    #[must_use]
    pub fn history(&self) -> &[Written] {
        &self.history
    }

    /// The line of the file with a caret below the place, ready to be printed; none without a place.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        self.location.as_deref()?.snippet()
    }

    fn one_line(&self) -> String {
        match &self.location {
            Some(location) => printable(&format!("{location}: {}", self.message)),
            None => printable(&self.message),
        }
    }
}

impl Location {
    /// The line with a caret below the place, ready to be printed; none if the line could not be read.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        let text = self.text.as_deref()?;
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs are repeated below the line, so that the caret stays under its character.
        let indent: String = text
            .chars()
            .take(self.column.saturating_sub(1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        Some(format!("{margin} |\n{number} | {text}\n{margin} | {indent}^"))
    }

    /// A place in a file; its line is read from the file again, so that trees need not keep their text.
    pub(crate) fn read(path: &Path, line: usize, column: usize) -> Self {
        let text = read_line(path, line);
        Self { path: path.to_owned(), line, column, text }
    }

    /// A place in a text that is at hand.
    pub(crate) fn in_text(path: &Path, source: &str, line: usize, column: usize) -> Self {
        let text = source.split('\n').nth(line.saturating_sub(1)).map(shorten);
        Self { path: path.to_owned(), line, column, text }
    }
}

fn read_line(path: &Path, line: usize) -> Option<String> {
    use std::io::BufRead;
    let file = std::fs::File::open(path).ok()?;
    let mut lines = std::io::BufReader::new(file).lines();
    lines.nth(line.checked_sub(1)?)?.ok().map(|text| shorten(&text))
}

/// Lines of a megabyte help nobody: what is shown ends after 200 characters.
fn shorten(text: &str) -> String {
    let text = text.trim_end_matches('\r');
    match text.char_indices().nth(200) {
        Some((end, _)) => printable(&format!("{}…", &text[..end])),
        None => printable(text),
    }
}

/// Control characters could do anything to a terminal: each is shown as a placeholder of the same width.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}
