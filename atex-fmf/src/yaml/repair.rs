//! Syntax that the parser refuses, but FMF users write: rewritten byte for byte, so that every position stays.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{ErrorKind, ScanError, Span};

use super::{YamlError, flow};

/// A document with more of it is refused: each one means to parse again from the start.
const MAX_REPAIRS: usize = 64;

/// A document, as it is and as the parser is to see it.
#[derive(Debug)]
pub(super) struct Repaired<'t> {
    original: &'t str,
    text: Cow<'t, str>,
    repairs: usize,
    /// Where flow collections begin that the parser does not see.
    hidden: Vec<usize>,
}

impl<'t> Repaired<'t> {
    pub(super) fn new(original: &'t str) -> Self {
        Self { original, text: original.into(), repairs: 0, hidden: Vec::new() }
    }

    /// The document as it was written.
    pub(super) fn original(&self) -> &'t str {
        self.original
    }

    /// The document for the parser.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Removes the cause of an error; whether it could, so that parsing again makes sense.
    pub(super) fn repair(&mut self, error: &ScanError) -> bool {
        let Some(at) = error.marker().byte_offset() else { return false };
        let Some(rest) = self.text.get(at..) else { return false };
        // A comment right after a quote, a bracket or a comma.
        if *error.kind() != ErrorKind::CommentNotSeparated || !rest.starts_with('#') {
            return false;
        }
        let length = rest.find('\n').unwrap_or(rest.len());
        self.replace(at..at + length, &" ".repeat(length)).is_ok()
    }

    /// Hides a flow collection from the parser.
    ///
    /// # Errors
    /// It was done too often.
    pub(super) fn hide(&mut self, range: Range<usize>) -> Result<(), YamlError> {
        self.hidden.push(range.start);
        let stand_in = flow::stand_in(&self.original[range.clone()]);
        self.replace(range, &stand_in)
    }

    fn replace(&mut self, range: Range<usize>, replacement: &str) -> Result<(), YamlError> {
        self.repairs += 1;
        if self.repairs > MAX_REPAIRS {
            let before = &self.original[..range.start];
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            return Err(YamlError {
                kind: crate::ErrorKind::Limit,
                message: format!("more than {MAX_REPAIRS} places are not written as YAML wants it"),
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
            });
        }
        self.text.to_mut().replace_range(range, replacement);
        Ok(())
    }

    /// Whether a scalar stands for a collection that is hidden.
    pub(super) fn is_hidden(&self, span: &Span) -> bool {
        span.start.byte_offset().is_some_and(|at| self.hidden.contains(&at))
    }
}
