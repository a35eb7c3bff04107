//! From text to tokens, as the reference implementation tells them apart.
//!
//! What a colon means depends on what is around it, and only there shows whether what came before was a key: tokens are
//! held back as long as one could come. Outside of brackets, indentation begins and ends collections.

mod block;
mod cursor;
mod directive;
mod indent;
mod plain;
mod quoted;
mod tag;

use std::borrow::Cow;
use std::collections::VecDeque;

use super::YamlError;
use super::mark::Span;
use super::token::{Bracket, ScalarStyle, Token, What};
use cursor::{Cursor, is_blank_or_end, is_break};
use indent::PossibleKey;

/// Reads tokens when they are asked for.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    cursor: Cursor<'t>,
    /// Those that were read and not taken yet.
    tokens: VecDeque<Token<'t>>,
    taken: usize,
    /// The brackets that are open.
    brackets: Vec<Bracket>,
    /// One for each level of brackets, and one outside of all.
    keys: Vec<Option<PossibleKey>>,
    /// The columns of the block collections that are open.
    indents: Vec<usize>,
    /// Whether a key without a question mark may begin here.
    may_be_key: bool,
    ended: bool,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            brackets: Vec::new(),
            keys: vec![None],
            indents: Vec::new(),
            may_be_key: true,
            ended: false,
        }
    }

    /// The next token; at the end, [`What::End`] again and again.
    pub(super) fn peek(&mut self) -> Result<&Token<'t>, YamlError> {
        self.fill()?;
        // There is one now.
        self.tokens.front().ok_or_else(|| self.cursor.error("expected more text"))
    }

    /// The same, taken out.
    pub(super) fn next(&mut self) -> Result<Token<'t>, YamlError> {
        self.fill()?;
        match self.tokens.pop_front() {
            Some(end @ Token { what: What::End, .. }) => {
                self.tokens.push_front(Token { what: What::End, span: end.span });
                Ok(end)
            }
            Some(token) => {
                self.taken += 1;
                Ok(token)
            }
            None => Err(self.cursor.error("expected more text")),
        }
    }

    /// Reads on until it is known what the next token is.
    fn fill(&mut self) -> Result<(), YamlError> {
        while !self.ended {
            if !self.tokens.is_empty() {
                self.forget_stale_keys()?;
                // The outermost begins first.
                let first = self.keys.iter().flatten().next();
                if first.is_none_or(|key| key.token != self.taken) {
                    return Ok(());
                }
            }
            self.skip_blanks();
            self.forget_stale_keys()?;
            self.unwind(Some(self.cursor.column()));
            self.token()?;
        }
        Ok(())
    }

    fn in_flow(&self) -> bool {
        !self.brackets.is_empty()
    }

    fn token(&mut self) -> Result<(), YamlError> {
        let Some(c) = self.cursor.peek() else { return self.end() };
        if self.cursor.column() == 0 {
            if c == '%' {
                return self.directive();
            }
            if self.cursor.is_document_mark() {
                return self.document_mark(c);
            }
        }
        let before_blank = is_blank_or_end(self.cursor.peek_second().filter(|_| c.is_ascii()));
        match c {
            '[' => self.open(Bracket::Square),
            '{' => self.open(Bracket::Curly),
            ']' => self.close(Bracket::Square),
            '}' => self.close(Bracket::Curly),
            ',' => self.indicator(What::Comma, true),
            '-' if before_blank => self.dash(),
            '?' if before_blank || self.in_flow() => self.question_mark(),
            ':' if before_blank || self.is_value() => self.value(),
            '*' | '&' => self.anchor(c),
            '!' => self.tag(),
            '|' | '>' if !self.in_flow() => self.block(),
            '\'' | '"' => self.quoted(c),
            _ if self.begins_plain(c, before_blank) => self.plain(),
            '\t' => Err(self.cursor.error("a tab cannot be used for indentation")),
            _ => Err(self.cursor.error(format!("no value begins with '{c}'; quote it"))),
        }
    }

    /// To the next token. Tabs are blanks where nothing is indented.
    fn skip_blanks(&mut self) {
        loop {
            if self.in_flow() || !self.may_be_key {
                self.cursor.take_while(|c| matches!(c, ' ' | '\t'));
            } else {
                self.cursor.spaces();
            }
            if self.cursor.peek() == Some('#') {
                self.cursor.line();
            }
            if self.cursor.line_break().is_none() {
                return;
            }
            if !self.in_flow() {
                self.may_be_key = true;
            }
        }
    }

    fn push(&mut self, what: What<'t>, span: Span) {
        self.tokens.push_back(Token { what, span });
    }

    /// A token of one character, at the end of the key that could have been here.
    fn indicator(&mut self, what: What<'t>, may_be_key: bool) -> Result<(), YamlError> {
        self.may_be_key = may_be_key;
        self.forget_key()?;
        let start = self.cursor.mark();
        self.cursor.step();
        self.push(what, self.cursor.span_since(start));
        Ok(())
    }

    fn end(&mut self) -> Result<(), YamlError> {
        self.unwind(None);
        self.forget_key()?;
        self.ended = true;
        self.push(What::End, Span::empty(self.cursor.mark()));
        Ok(())
    }

    fn directive(&mut self) -> Result<(), YamlError> {
        self.unwind(None);
        self.forget_key()?;
        self.may_be_key = false;
        let start = self.cursor.mark();
        let directive = directive::read(&mut self.cursor)?;
        self.push(What::Directive(directive), self.cursor.span_since(start));
        Ok(())
    }

    fn document_mark(&mut self, sign: char) -> Result<(), YamlError> {
        self.unwind(None);
        self.forget_key()?;
        self.may_be_key = false;
        let start = self.cursor.mark();
        self.cursor.advance(3);
        let what = if sign == '-' { What::DocumentStart } else { What::DocumentEnd };
        self.push(what, self.cursor.span_since(start));
        Ok(())
    }

    fn open(&mut self, bracket: Bracket) -> Result<(), YamlError> {
        self.save_key()?;
        self.brackets.push(bracket);
        self.keys.push(None);
        self.indicator(What::Open(bracket), true)
    }

    /// Whether it is the right one is seen by the parser.
    fn close(&mut self, bracket: Bracket) -> Result<(), YamlError> {
        self.indicator(What::Close(bracket), false)?;
        if self.brackets.pop().is_some() {
            self.keys.pop();
        }
        Ok(())
    }

    fn dash(&mut self) -> Result<(), YamlError> {
        if !self.in_flow() {
            if !self.may_be_key {
                return Err(self
                    .cursor
                    .error("a list cannot begin here; begin it in the next line"));
            }
            self.indent(self.cursor.mark(), What::BlockList);
        }
        self.indicator(What::Dash, true)
    }

    fn question_mark(&mut self) -> Result<(), YamlError> {
        if !self.in_flow() {
            if !self.may_be_key {
                return Err(self.cursor.error("a key cannot begin here"));
            }
            self.indent(self.cursor.mark(), What::BlockMap);
        }
        self.indicator(What::Key, !self.in_flow())
    }

    /// Whether a colon in brackets that no blank follows is an indicator: in a list never, in a map not right after another.
    fn is_value(&self) -> bool {
        let colon_before = || self.tokens.back().is_some_and(|token| token.what == What::Value);
        self.brackets.last() == Some(&Bracket::Curly) && !colon_before()
    }

    fn value(&mut self) -> Result<(), YamlError> {
        let level = self.brackets.len();
        let Some(key) = self.keys[level].take() else {
            if !self.in_flow() {
                if !self.may_be_key {
                    let message = "a key cannot end here: quote a text that has ': ' in it, or begin the key in a new line";
                    return Err(self.cursor.error(message));
                }
                self.indent(self.cursor.mark(), What::BlockMap);
            }
            return self.indicator(What::Value, !self.in_flow());
        };
        let place = key.token - self.taken;
        let span = Span::empty(key.mark);
        self.tokens.insert(place, Token { what: What::Key, span });
        if !self.in_flow() && self.is_deeper(key.mark.column) {
            self.indents.push(key.mark.column);
            self.tokens.insert(place, Token { what: What::BlockMap, span });
        }
        self.indicator(What::Value, false)
    }

    /// An anchor or an alias.
    fn anchor(&mut self, sign: char) -> Result<(), YamlError> {
        self.save_key()?;
        self.may_be_key = false;
        let start = self.cursor.mark();
        self.cursor.step();
        let name = self.cursor.take_while(|c| {
            !matches!(c, '\0'..=' ' | '\u{7f}'..='\u{9f}' | ',' | '[' | ']' | '{' | '}' | '\u{feff}')
                && !is_break(c)
        });
        let end = self.cursor.peek();
        if name.is_empty()
            || !(is_blank_or_end(end) || matches!(end, Some(',' | '[' | ']' | '{' | '}')))
        {
            return Err(self.cursor.error(format!("no name follows after '{sign}'")));
        }
        let what = if sign == '*' { What::Alias(name) } else { What::Anchor(name) };
        self.push(what, self.cursor.span_since(start));
        Ok(())
    }

    fn tag(&mut self) -> Result<(), YamlError> {
        self.save_key()?;
        self.may_be_key = false;
        let start = self.cursor.mark();
        let (tag, length) =
            tag::read(self.cursor.rest()).map_err(|message| self.cursor.error(message))?;
        self.cursor.advance(length);
        if !self.cursor.peek().is_none_or(|c| c == ' ' || is_break(c)) {
            return Err(self.cursor.error("a blank must follow after a tag"));
        }
        self.push(What::Tag(tag), self.cursor.span_since(start));
        Ok(())
    }

    fn block(&mut self) -> Result<(), YamlError> {
        self.may_be_key = true;
        self.forget_key()?;
        let start = self.cursor.mark();
        let text = block::read(&mut self.cursor, self.indents.last().copied())?;
        let what = What::Scalar(Cow::Owned(text), ScalarStyle::Block);
        self.push(what, self.cursor.span_since(start));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), YamlError> {
        self.save_key()?;
        self.may_be_key = false;
        let start = self.cursor.mark();
        let text = quoted::read(&mut self.cursor, quote)?;
        self.push(What::Scalar(text, ScalarStyle::Quoted), self.cursor.span_since(start));
        Ok(())
    }

    fn begins_plain(&self, c: char, before_blank: bool) -> bool {
        match c {
            '-' => !before_blank,
            '?' => !before_blank && !self.in_flow(),
            ':' if self.in_flow() => !matches!(self.cursor.peek_second(), Some(' ' | '\t')),
            ':' => !before_blank,
            ' ' | '\t' | '#' | '|' | '>' | '%' | '@' | '`' => false,
            _ => true,
        }
    }

    fn plain(&mut self) -> Result<(), YamlError> {
        self.save_key()?;
        let indent = self.indents.last().map_or(0, |column| column + 1);
        let in_flow = self.in_flow();
        let plain = plain::read(&mut self.cursor, indent, in_flow);
        self.may_be_key = plain.line_ended;
        self.push(What::Scalar(plain.text, ScalarStyle::Plain), plain.span);
        Ok(())
    }
}
