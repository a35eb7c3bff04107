//! Places in a text.

use std::ops::Range;

/// A place in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// In bytes.
    pub(crate) byte: usize,
    /// As editors count lines, from 1.
    pub(crate) line: usize,
    /// In characters, from 0.
    pub(crate) column: usize,
}

/// From one place to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

impl Span {
    /// A place that nothing stands in.
    pub(crate) fn empty(at: Mark) -> Self {
        Self { start: at, end: at }
    }

    /// The bytes that it covers.
    pub(crate) fn bytes(&self) -> Range<usize> {
        self.start.byte..self.end.byte
    }
}
