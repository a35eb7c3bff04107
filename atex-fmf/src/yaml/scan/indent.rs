//! What begins and ends without a sign of its own: keys, which a colon makes of what came before, and collections that are indented.

use super::super::YamlError;
use super::super::mark::{Mark, Span};
use super::super::token::What;
use super::Scanner;

/// A key without a question mark is at most so long, in characters, and in one line.
const MAX_KEY: usize = 1024;

/// Where a key may begin, if a colon follows.
#[derive(Debug, Clone, Copy)]
pub(super) struct PossibleKey {
    /// The number of its first token.
    pub(super) token: usize,
    /// Whether nothing else may be here.
    required: bool,
    pub(super) mark: Mark,
    row: usize,
    index: usize,
}

impl<'t> Scanner<'t> {
    /// What comes next is a key, if a colon follows in time.
    pub(super) fn save_key(&mut self) -> Result<(), YamlError> {
        if self.may_be_key {
            self.forget_key()?;
            let mark = self.cursor.mark();
            self.keys[self.brackets.len()] = Some(PossibleKey {
                token: self.taken + self.tokens.len(),
                required: !self.in_flow() && self.indents.last() == Some(&mark.column),
                mark,
                row: self.cursor.row(),
                index: self.cursor.index(),
            });
        }
        Ok(())
    }

    /// No colon came for what could have been a key on this level.
    pub(super) fn forget_key(&mut self) -> Result<(), YamlError> {
        match self.keys[self.brackets.len()].take() {
            Some(key) if key.required => Err(missing_colon(key.mark)),
            _ => Ok(()),
        }
    }

    /// Drops what is too long for a key, or in another line.
    pub(super) fn forget_stale_keys(&mut self) -> Result<(), YamlError> {
        for slot in &mut self.keys {
            let Some(key) = slot else { continue };
            if key.row != self.cursor.row() || self.cursor.index() - key.index > MAX_KEY {
                if key.required {
                    return Err(missing_colon(key.mark));
                }
                *slot = None;
            }
        }
        Ok(())
    }

    pub(super) fn is_deeper(&self, column: usize) -> bool {
        self.indents.last().is_none_or(|indent| *indent < column)
    }

    /// A block collection begins, if this is indented further.
    pub(super) fn indent(&mut self, mark: Mark, what: What<'t>) {
        if self.is_deeper(mark.column) {
            self.indents.push(mark.column);
            self.push(what, Span::empty(mark));
        }
    }

    /// Ends the block collections that are indented further than this; all, if it is nothing.
    pub(super) fn unwind(&mut self, column: Option<usize>) {
        while !self.in_flow()
            && self
                .indents
                .last()
                .is_some_and(|indent| column.is_none_or(|column| *indent > column))
        {
            self.indents.pop();
            self.push(What::BlockEnd, Span::empty(self.cursor.mark()));
        }
    }
}

fn missing_colon(mark: Mark) -> YamlError {
    YamlError::new("expected a key here, with ':' after it", &Span::empty(mark))
}
