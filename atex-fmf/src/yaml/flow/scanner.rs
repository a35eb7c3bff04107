//! From the text of a flow collection to tokens. Nothing is indented in here, and a colon is told by what is around it.

use std::borrow::Cow;

use granit_parser::{Marker, ScalarStyle, Span};

use super::super::{MAX_NESTING, YamlError};
use super::tags;
use super::token::{Bracket, Token, What};
use crate::error::ErrorKind;

/// A key without a question mark is at most so long, in characters, and in one line.
const MAX_KEY: usize = 1024;

/// A place in the text.
#[derive(Debug, Clone, Copy)]
struct Place {
    byte: usize,
    /// In characters.
    index: usize,
    line: usize,
    column: usize,
}

/// Where a key may begin, if a colon follows.
#[derive(Debug, Clone, Copy)]
struct PossibleKey {
    /// The index of its first token.
    token: usize,
    line: usize,
    index: usize,
}

/// Reads one collection.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    place: Place,
    pub(super) tokens: Vec<Token<'t>>,
    open: Vec<(Bracket, Place)>,
    /// One for each level, that of the collection itself first.
    keys: Vec<Option<PossibleKey>>,
    /// Whether a key without a question mark may begin here.
    may_be_key: bool,
}

/// Whether a line ends with the character.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank_or_end(c: Option<char>) -> bool {
    c.is_none_or(|c| matches!(c, ' ' | '\t' | '\0') || is_break(c))
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, start: Marker) -> Self {
        let (byte, index) = (start.byte_offset().unwrap_or_default(), start.index());
        let place = Place { byte, index, line: start.line(), column: start.col() };
        let may_be_key = begins_a_key(text, byte);
        let (tokens, open, keys) = (Vec::new(), Vec::new(), vec![None]);
        Self { text, place, tokens, open, keys, may_be_key }
    }

    /// Where the reading is, in bytes.
    pub(super) fn position(&self) -> usize {
        self.place.byte
    }

    /// Reads up to the end of the collection that begins here.
    pub(super) fn scan(&mut self) -> Result<(), YamlError> {
        loop {
            // Whether the reference knows of the token before this one when it looks at this one.
            let remembers =
                self.keys[..self.open.len()].iter().flatten().any(|key| self.is_alive(*key));
            self.skip_blanks();
            self.token(remembers)?;
            if self.open.is_empty() {
                return Ok(());
            }
        }
    }

    fn token(&mut self, remembers: bool) -> Result<(), YamlError> {
        let Some(c) = self.peek() else { return Err(self.not_closed()) };
        if self.place.column == 0 && (c == '%' || self.is_document_mark()) {
            return Err(self.not_closed());
        }
        match c {
            '[' => self.open(Bracket::Square)?,
            '{' => self.open(Bracket::Curly)?,
            ']' => self.close(Bracket::Square)?,
            '}' => self.close(Bracket::Curly)?,
            ',' => self.indicator(What::Comma, true),
            '-' if is_blank_or_end(self.peek_at(1)) => {
                return Err(self.error("a list of lines cannot begin in a flow collection"));
            }
            '?' => self.indicator(What::Key, false),
            ':' if self.is_value(remembers) => self.value(),
            '*' | '&' => self.anchor(c)?,
            '!' => self.tag()?,
            '\'' | '"' => self.quoted(c)?,
            _ if self.is_plain(c) => self.plain(),
            _ => return Err(self.error(&format!("no value begins with '{c}'"))),
        }
        Ok(())
    }

    pub(super) fn error(&self, message: &str) -> YamlError {
        YamlError::new(message, &Span::empty(self.marker(self.place)))
    }

    fn not_closed(&self) -> YamlError {
        let (bracket, place) = *self.open.last().unwrap_or(&(Bracket::Square, self.place));
        let message = format!("{} is not closed", What::Open(bracket).name());
        YamlError::new(message, &Span::empty(self.marker(place)))
    }

    fn marker(&self, place: Place) -> Marker {
        Marker::new(place.index, place.line, place.column).with_byte_offset(Some(place.byte))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.place.byte..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn peek_at(&self, distance: usize) -> Option<char> {
        self.rest().chars().nth(distance)
    }

    /// Goes on by one character.
    pub(super) fn step(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.place.byte += c.len_utf8();
        self.place.index += 1;
        self.place.column += 1;
        if is_break(c) {
            self.place.column = 0;
        }
        // Lines are counted as editors do.
        self.place.line += usize::from(c == '\n');
        Some(c)
    }

    /// Goes on as long as the characters are such.
    pub(super) fn take_while(&mut self, is_such: impl Fn(char) -> bool) -> &'t str {
        let start = self.place.byte;
        while self.peek().is_some_and(&is_such) {
            self.step();
        }
        &self.text[start..self.place.byte]
    }

    /// The end of a line, if it is here; only LF is made of what means the same.
    pub(super) fn line_break(&mut self) -> Option<char> {
        let c = self.peek().filter(|c| is_break(*c))?;
        self.step();
        Some(if matches!(c, '\u{2028}' | '\u{2029}') { c } else { '\n' })
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t'));
            if self.peek() == Some('#') {
                self.take_while(|c| !is_break(c));
            }
            if self.line_break().is_none() {
                return;
            }
        }
    }

    /// Whether a line here would be a mark between documents.
    pub(super) fn is_document_mark(&self) -> bool {
        let rest = self.rest();
        (rest.starts_with("---") || rest.starts_with("..."))
            && is_blank_or_end(rest[3..].chars().next())
    }

    fn push(&mut self, what: What<'t>, start: Place) {
        let span = Span::new(self.marker(start), self.marker(self.place));
        self.tokens.push(Token { what, span });
    }

    /// A token of one character that ends the key before it.
    fn indicator(&mut self, what: What<'t>, may_be_key: bool) {
        let start = self.place;
        self.may_be_key = may_be_key;
        self.keys[self.open.len()] = None;
        self.step();
        self.push(what, start);
    }

    fn open(&mut self, bracket: Bracket) -> Result<(), YamlError> {
        if self.open.len() >= MAX_NESTING {
            let message = format!("collections are nested deeper than {MAX_NESTING} levels");
            return Err(self.error(&message).of_kind(ErrorKind::Limit));
        }
        self.save_key();
        self.open.push((bracket, self.place));
        self.keys.push(None);
        self.indicator(What::Open(bracket), true);
        Ok(())
    }

    fn close(&mut self, bracket: Bracket) -> Result<(), YamlError> {
        if let Some((open, _)) = self.open.last().filter(|(open, _)| *open != bracket) {
            let (expected, found) = (What::Close(*open).name(), What::Close(bracket).name());
            return Err(self.error(&format!("expected ',' or {expected}, but found {found}")));
        }
        self.indicator(What::Close(bracket), false);
        self.keys.pop();
        self.open.pop();
        Ok(())
    }

    /// What comes next is a key, if a colon follows in time.
    fn save_key(&mut self) {
        if self.may_be_key {
            let Place { line, index, .. } = self.place;
            let key = PossibleKey { token: self.tokens.len(), line, index };
            self.keys[self.open.len()] = Some(key);
        }
        self.may_be_key = false;
    }

    fn is_alive(&self, key: PossibleKey) -> bool {
        key.line == self.place.line && self.place.index - key.index <= MAX_KEY
    }

    /// In a list, a blank must follow; in a map only after another colon, if the reference remembers that.
    fn is_value(&self, remembers: bool) -> bool {
        let colon_before =
            || remembers && self.tokens.last().is_some_and(|token| token.what == What::Value);
        let free = self.open.last().is_some_and(|(bracket, _)| *bracket == Bracket::Curly)
            && !colon_before();
        free || is_blank_or_end(self.peek_at(1))
    }

    fn value(&mut self) {
        let key = self.keys[self.open.len()].take().filter(|key| self.is_alive(*key));
        if let Some(key) = key {
            let span = self.tokens.get(key.token).map(|token| token.span).unwrap_or_default();
            self.tokens.insert(key.token, Token { what: What::Key, span });
        }
        self.indicator(What::Value, false);
    }

    /// An anchor or an alias.
    fn anchor(&mut self, sign: char) -> Result<(), YamlError> {
        self.save_key();
        let start = self.place;
        self.step();
        let name = self.take_while(|c| {
            !matches!(c, '\0'..=' ' | '\u{7f}'..='\u{9f}' | ',' | '[' | ']' | '{' | '}' | '\u{feff}')
                && !is_break(c)
        });
        let end = self.peek();
        if name.is_empty()
            || !(is_blank_or_end(end) || matches!(end, Some(',' | '[' | ']' | '{' | '}')))
        {
            return Err(self.error(&format!("no name follows after '{sign}'")));
        }
        self.push(if sign == '*' { What::Alias(name) } else { What::Anchor(name) }, start);
        Ok(())
    }

    fn tag(&mut self) -> Result<(), YamlError> {
        self.save_key();
        let start = self.place;
        let (tag, length) =
            tags::read(self.text, self.rest()).map_err(|message| self.error(&message))?;
        while self.place.byte < start.byte + length {
            self.step();
        }
        if !matches!(self.peek(), None | Some(' ' | '\0')) && !self.peek().is_some_and(is_break) {
            return Err(self.error("a blank must follow after a tag"));
        }
        self.push(What::Tag(tag), start);
        Ok(())
    }

    fn is_plain(&self, c: char) -> bool {
        let next = self.peek_at(1);
        match c {
            '-' => !is_blank_or_end(next),
            ':' => !matches!(next, Some(' ' | '\t')),
            '\0' | '#' | '|' | '>' | '%' | '@' | '`' => false,
            _ => true,
        }
    }

    fn quoted(&mut self, quote: char) -> Result<(), YamlError> {
        self.save_key();
        let start = self.place;
        let text = super::quoted::read(self, quote)?;
        let style =
            if quote == '"' { ScalarStyle::DoubleQuoted } else { ScalarStyle::SingleQuoted };
        self.push(What::Scalar(text, style), start);
        Ok(())
    }

    /// A text without quotes, which may go over several lines.
    fn plain(&mut self) {
        self.save_key();
        let start = self.place;
        let mut end = start;
        let mut folded: Option<String> = None;
        loop {
            let from = self.place.byte;
            while !self.ends_plain() {
                self.step();
            }
            if self.place.byte == from {
                break;
            }
            self.may_be_key = false;
            if let Some(folded) = &mut folded {
                folded.push_str(&self.text[from..self.place.byte]);
            }
            end = self.place;
            let blanks = self.take_while(|c| c == ' ');
            if self.peek().is_some_and(is_break) {
                let Some(breaks) = self.fold() else { break };
                let known =
                    folded.get_or_insert_with(|| self.text[start.byte..end.byte].to_owned());
                known.push_str(&breaks);
            } else if let Some(folded) = &mut folded {
                folded.push_str(blanks);
            }
            if self.place.byte == end.byte || self.peek() == Some('#') {
                break;
            }
        }
        let text = &self.text[start.byte..end.byte];
        let text = folded.map_or(Cow::Borrowed(text), |folded| {
            // Blanks and line breaks that nothing followed.
            Cow::Owned(folded.trim_end_matches(|c| c == ' ' || is_break(c)).to_owned())
        });
        let span = Span::new(self.marker(start), self.marker(end));
        self.tokens.push(Token { what: What::Scalar(text, ScalarStyle::Plain), span });
    }

    fn ends_plain(&self) -> bool {
        let c = self.peek();
        match c {
            Some(',' | '[' | ']' | '{' | '}') => true,
            Some(':') => is_blank_or_end(self.peek_at(1)),
            c => is_blank_or_end(c),
        }
    }

    /// What line breaks in a text without quotes stand for; none before the end of the document.
    fn fold(&mut self) -> Option<String> {
        let first = self.line_break()?;
        self.may_be_key = true;
        let mut breaks = String::new();
        while !self.is_document_mark() {
            self.take_while(|c| c == ' ');
            match self.line_break() {
                Some(c) => breaks.push(c),
                None if first != '\n' => return Some(format!("{first}{breaks}")),
                None if breaks.is_empty() => return Some(" ".to_owned()),
                None => return Some(breaks),
            }
        }
        None
    }
}

/// Whether a collection may be a key itself, which depends on what is before it in its line.
fn begins_a_key(text: &str, position: usize) -> bool {
    let line_start = text[..position].rfind(is_break).map_or(0, |at| at + 1);
    let before = text.get(line_start..position).unwrap_or_default();
    let mut words = before.split([' ', '\t']).filter(|word| !word.is_empty()).rev();
    let word = words.find(|word| !word.starts_with(['&', '!']));
    word.is_none_or(|word| {
        matches!(word, "-" | "?") || before.trim_start_matches(' ').starts_with(": ")
    })
}
