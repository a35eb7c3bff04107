//! Where the reading of a text is: characters, lines and columns.

use super::super::YamlError;
use super::super::mark::{Mark, Span};

/// Goes through a text, and counts.
#[derive(Debug)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// Whether every character is one byte.
    ascii: bool,
    at: Mark,
    /// The line by all characters that end one; editors know fewer.
    row: usize,
    /// In characters.
    index: usize,
}

/// Whether a line ends with the character.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_blank_or_end(c: Option<char>) -> bool {
    c.is_none_or(|c| matches!(c, ' ' | '\t') || is_break(c))
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let at = Mark { byte: 0, line: 1, column: 0 };
        Self { text, ascii: text.is_ascii(), at, row: 0, index: 0 }
    }

    pub(super) fn mark(&self) -> Mark {
        self.at
    }

    pub(super) fn column(&self) -> usize {
        self.at.column
    }

    pub(super) fn row(&self) -> usize {
        self.row
    }

    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// What is read already, from `start` on.
    pub(super) fn since(&self, start: Mark) -> &'t str {
        &self.text[start.byte..self.at.byte]
    }

    pub(super) fn span_since(&self, start: Mark) -> Span {
        Span { start, end: self.at }
    }

    /// What is still to be read.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at.byte..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        match self.text.as_bytes().get(self.at.byte) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            Some(_) => self.rest().chars().next(),
            None => None,
        }
    }

    /// The character after the next, which must be ASCII.
    pub(super) fn peek_second(&self) -> Option<char> {
        self.text.get(self.at.byte + 1..)?.chars().next()
    }

    /// Goes on by so many bytes, none of which ends a line.
    pub(super) fn advance(&mut self, bytes: usize) {
        let end = self.at.byte + bytes;
        let chars = if self.ascii { bytes } else { self.text[self.at.byte..end].chars().count() };
        self.at.byte = end;
        self.at.column += chars;
        self.index += chars;
    }

    /// Goes on by one character that does not end a line.
    pub(super) fn step(&mut self) {
        let length = self.peek().map_or(0, char::len_utf8);
        self.advance(length);
    }

    /// Goes on as long as the characters are such; none that ends a line may be.
    pub(super) fn take_while(&mut self, is_such: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|c| !is_such(c)).unwrap_or(rest.len());
        self.advance(length);
        &rest[..length]
    }

    /// The same for spaces.
    pub(super) fn spaces(&mut self) -> &'t str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| byte != b' ').unwrap_or(rest.len());
        self.advance(length);
        &rest[..length]
    }

    /// Goes on to the end of the line.
    pub(super) fn line(&mut self) -> &'t str {
        self.take_while(|c| !is_break(c))
    }

    /// The end of a line, if it is here.
    pub(super) fn line_break(&mut self) -> Option<char> {
        let c = self.peek().filter(|c| is_break(*c))?;
        self.at.byte += c.len_utf8();
        self.at.line += usize::from(c == '\n');
        self.at.column = 0;
        self.row += 1;
        self.index += 1;
        Some(c)
    }

    /// Whether a mark between documents is here, provided that a line begins here.
    pub(super) fn is_document_mark(&self) -> bool {
        let rest = self.rest();
        (rest.starts_with("---") || rest.starts_with("..."))
            && is_blank_or_end(rest[3..].chars().next())
    }

    /// An error about what is here.
    pub(super) fn error(&self, message: impl Into<String>) -> YamlError {
        YamlError::new(message, &Span::empty(self.at))
    }
}
