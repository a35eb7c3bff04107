//! Where an entry was written, in eight bytes.

use std::fmt;

/// Where an entry was written: a file of the tree, a line and a column.
///
/// [`Tree::locate`](crate::Tree::locate) turns it into a path. Packed into eight bytes, because every entry has one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Origin(u64);

impl Origin {
    pub(crate) const NONE: Self = Self(0);
    const LINE_BITS: u32 = 26;
    const COLUMN_BITS: u32 = 14;

    /// `document` counts from 0, `line` and `column` from 1. Too large numbers saturate.
    pub(crate) fn new(document: usize, line: usize, column: usize) -> Self {
        let clamp = |number: usize, bits: u32| (number as u64).min((1 << bits) - 1);
        let document = clamp(document + 1, 64 - Self::LINE_BITS - Self::COLUMN_BITS);
        let line = clamp(line, Self::LINE_BITS);
        Self(
            document << (Self::LINE_BITS + Self::COLUMN_BITS)
                | line << Self::COLUMN_BITS
                | clamp(column, Self::COLUMN_BITS),
        )
    }

    /// The index of the file among those of the tree, none for data that came from no file.
    pub(crate) fn document(self) -> Option<usize> {
        usize::try_from(self.0 >> (Self::LINE_BITS + Self::COLUMN_BITS)).ok()?.checked_sub(1)
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(self) -> usize {
        ((self.0 >> Self::COLUMN_BITS) & ((1 << Self::LINE_BITS) - 1)) as usize
    }

    /// The column, counted from 1.
    #[must_use]
    pub fn column(self) -> usize {
        (self.0 & ((1 << Self::COLUMN_BITS) - 1)) as usize
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line(), self.column())
    }
}
