//! [`WaiverError`]: what is wrong with a file of waivers, and where.

use std::io;
use std::path::{Path, PathBuf};

use atex_core::display::Harmless;

/// What is wrong with a file of waivers. Its text begins with `file:line:column: `.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaiverError {
    /// The file cannot be read.
    #[error("cannot read the waivers {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is a mistake in it.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Line, counted from 1.
        line: usize,
        /// Column in characters, counted from 1.
        column: usize,
        /// What is wrong.
        message: String,
        /// What to do about it.
        hint: Option<String>,
        /// The line itself.
        text: String,
    },
}

impl WaiverError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Mistake { hint, .. } => hint.as_deref(),
            Self::Io { .. } => None,
        }
    }

    /// The line with the mistake, and a caret below it.
    pub fn snippet(&self) -> Option<String> {
        let Self::Mistake { line, column, text, .. } = self else { return None };
        let before: String = text.chars().take(column - 1).collect();
        let shown = Harmless(text.trim_end()).to_string();
        let indent = unicode_width::UnicodeWidthStr::width(Harmless(&before).to_string().as_str());
        let (number, blank) = (line.to_string(), " ".repeat(line.to_string().len()));
        Some(format!("{blank} |\n{number} | {shown}\n{blank} | {}^", " ".repeat(indent)))
    }
}

/// A mistake at a place, before it is known in which file.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) at: Place,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// A place in a file: line and column, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Mistake {
    pub(super) fn new(at: Place, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn of(self, path: &Path, text: &str) -> WaiverError {
        let Place { line, column } = self.at;
        let text = text.lines().nth(line - 1).unwrap_or_default().chars().take(200).collect();
        let (path, message, hint) = (path.to_owned(), self.message, self.hint);
        WaiverError::Mistake { path, line, column, message, hint, text }
    }
}
