//! Syntax that the parser refuses, but FMF users write: rewritten byte for byte, so that every position stays.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError, Span};

/// A document with more of it is refused: each one means to parse again from the start.
const MAX_REPAIRS: usize = 64;

/// What takes the place of a lone dash until its scalar is read.
const STAND_IN: &str = "_";

/// A document, as the parser is to see it.
#[derive(Debug)]
pub(super) struct Repaired<'t> {
    text: Cow<'t, str>,
    repairs: usize,
    /// Where scalars begin that are a dash and nothing else.
    dashes: Vec<usize>,
}

impl<'t> Repaired<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text: text.into(), repairs: 0, dashes: Vec::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Removes the cause of an error; whether it could, so that parsing again makes sense.
    pub(super) fn repair(&mut self, error: &ScanError) -> bool {
        let Some(at) = error.marker().byte_offset() else { return false };
        let Some(rest) = self.text.get(at..) else { return false };
        let (range, replacement) = match error.kind() {
            // A comment right after a quote, a bracket or a comma.
            ErrorKind::CommentNotSeparated if rest.starts_with('#') => {
                let length = rest.find('\n').unwrap_or(rest.len());
                (at..at + length, " ".repeat(length))
            }
            // `[-]` is a list with a string in it.
            ErrorKind::PlainScalarStartsWithDashFlowIndicator if rest.starts_with('-') => {
                self.dashes.push(at);
                (at..at + 1, STAND_IN.to_owned())
            }
            _ => return false,
        };
        self.text.to_mut().replace_range(range, &replacement);
        self.repairs += 1;
        self.repairs <= MAX_REPAIRS
    }

    /// Whether a scalar is a dash, whatever the parser took it for.
    pub(super) fn is_dash(&self, text: &str, span: &Span) -> bool {
        text == STAND_IN && span.start.byte_offset().is_some_and(|at| self.dashes.contains(&at))
    }
}
