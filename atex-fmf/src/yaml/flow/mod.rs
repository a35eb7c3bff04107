//! Flow collections, `[…]` and `{…}`, as the reference implementation reads them: `{a::}` is no error there, `["a":b]` is one.
//!
//! The parser is asked where they are, and for their anchors; what is in them is read here, by the rules of the reference.

mod anchors;
mod quoted;
mod scanner;
mod tags;
mod token;

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Marker, ScalarStyle, Span};

use super::YamlError;
use super::compose::{Composer, Marks};
pub(super) use anchors::Anchors;
use scanner::Scanner;
use token::{Bracket, Token, What};

/// The tokens of one collection.
#[derive(Debug)]
pub(super) struct Flow<'t> {
    tokens: Vec<Token<'t>>,
    /// Where it is in the text.
    pub(super) range: Range<usize>,
}

impl<'t> Flow<'t> {
    /// Reads the collection that begins with the bracket at `start`.
    pub(super) fn scan(text: &'t str, start: Marker) -> Result<Self, YamlError> {
        let first = start.byte_offset().unwrap_or_default();
        let mut scanner = Scanner::new(text, start);
        scanner.scan()?;
        Ok(Self { range: first..scanner.position(), tokens: scanner.tokens })
    }

    /// Whether anchors are defined in it.
    pub(super) fn has_anchors(&self) -> bool {
        self.tokens.iter().any(|token| matches!(token.what, What::Anchor(_)))
    }

    /// Whether the parser saw as many anchors and aliases as there are.
    pub(super) fn has(&self, anchors: &Anchors<'_>) -> bool {
        let count = |is_such: fn(&What<'_>) -> bool| {
            self.tokens.iter().filter(|token| is_such(&token.what)).count()
        };
        let defined = count(|what| matches!(what, What::Anchor(_)));
        let referred = count(|what| matches!(what, What::Alias(_)));
        anchors.are(defined, referred)
    }

    /// Makes sure that it is no key if it goes over several lines.
    pub(super) fn check_key(&self, text: &str, span: &Span) -> Result<(), YamlError> {
        let after = text[self.range.end..].trim_start_matches([' ', '\t']);
        if after.starts_with(':') && text[self.range.clone()].contains('\n') {
            return Err(YamlError::new("a key must not go over several lines", span));
        }
        Ok(())
    }

    /// Gives the content to the composer. `marks` are those of the collection itself.
    pub(super) fn compose(
        self,
        composer: &mut Composer<'_>,
        marks: Marks<'_>,
        anchors: Anchors<'t>,
    ) -> Result<(), YamlError> {
        let tokens = self.tokens.into_iter().peekable();
        Reader { tokens, composer, anchors }.collection(marks)
    }
}

/// From tokens to values.
struct Reader<'r, 't, 'c> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'t>>>,
    composer: &'r mut Composer<'c>,
    anchors: Anchors<'t>,
}

type Done = Result<(), YamlError>;

impl<'t> Reader<'_, 't, '_> {
    fn next_is(&mut self, what: &What<'_>) -> bool {
        self.tokens.peek().is_some_and(|token| token.what == *what)
    }

    fn eat(&mut self, what: &What<'_>) -> Option<Token<'t>> {
        self.tokens.next_if(|token| token.what == *what)
    }

    /// An error about the next token.
    fn unexpected<T>(&mut self, expected: &str) -> Result<T, YamlError> {
        let Some(token) = self.tokens.peek() else {
            return Err(YamlError::new(expected, &Span::default()));
        };
        let message = format!("expected {expected}, but found {}", token.what.name());
        Err(YamlError::new(message, &token.span))
    }

    /// A collection, whose bracket comes next. As deep as the scanner lets it be.
    fn collection(&mut self, marks: Marks<'_>) -> Done {
        let Some(Token { what: What::Open(bracket), .. }) = self.tokens.next() else {
            return self.unexpected("a collection");
        };
        match bracket {
            Bracket::Square => self.composer.start_list(marks)?,
            Bracket::Curly => self.composer.start_map(marks)?,
        }
        let close = What::Close(bracket);
        let mut first = true;
        while self.eat(&close).is_none() {
            if !first && self.eat(&What::Comma).is_none() {
                return self.unexpected(&format!("',' or {}", close.name()));
            }
            first = false;
            if self.next_is(&close) {
                continue;
            }
            match bracket {
                Bracket::Square => self.item()?,
                Bracket::Curly => self.entry()?,
            }
        }
        self.composer.end()
    }

    /// An item of a list; it may be a pair, which makes a map of its own.
    fn item(&mut self) -> Done {
        let Some(key) = self.eat(&What::Key) else { return self.node() };
        let close = What::Close(Bracket::Square);
        self.composer.start_map(marks(key.span))?;
        self.key(key.span, &close)?;
        self.value(key.span, &close)?;
        self.composer.end()
    }

    fn entry(&mut self) -> Done {
        let close = What::Close(Bracket::Curly);
        let span = self.tokens.peek().map(|token| token.span).unwrap_or_default();
        if self.eat(&What::Key).is_some() {
            self.key(span, &close)?;
        } else if self.next_is(&What::Value) {
            self.empty(span)?;
        } else {
            self.node()?;
            return self.empty(span);
        }
        self.value(span, &close)
    }

    fn key(&mut self, span: Span, close: &What<'_>) -> Done {
        if self.next_is(&What::Value) { self.empty(span) } else { self.node_or_empty(span, close) }
    }

    fn value(&mut self, span: Span, close: &What<'_>) -> Done {
        match self.eat(&What::Value) {
            Some(value) => self.node_or_empty(value.span, close),
            None => self.empty(span),
        }
    }

    fn node_or_empty(&mut self, span: Span, close: &What<'_>) -> Done {
        if self.next_is(&What::Comma) || self.next_is(close) {
            self.empty(span)
        } else {
            self.node()
        }
    }

    fn empty(&mut self, span: Span) -> Done {
        self.composer.scalar("", ScalarStyle::Plain, marks(span))
    }

    fn node(&mut self) -> Done {
        if let Some(Token { what: What::Alias(name), span }) = self.tokens.peek() {
            let (target, span) = (self.anchors.refer(name, span)?, *span);
            self.tokens.next();
            return self.composer.alias(target, span);
        }
        let (anchor, tag, start) = self.properties()?;
        let tag = tag.as_ref();
        match self.tokens.peek() {
            Some(Token { what: What::Open(_), span }) => {
                let marks = Marks { tag, anchor, span: *span };
                self.collection(marks)
            }
            Some(Token { what: What::Scalar(..), .. }) => {
                let Some(Token { what: What::Scalar(text, style), span }) = self.tokens.next()
                else {
                    return Ok(());
                };
                self.composer.scalar(&text, style, Marks { tag, anchor, span })
            }
            _ => match start {
                Some(span) => {
                    self.composer.scalar("", ScalarStyle::Plain, Marks { tag, anchor, span })
                }
                None => self.unexpected("a value"),
            },
        }
    }

    /// The anchor and the tag of a node, at most one of each, in any order.
    fn properties(
        &mut self,
    ) -> Result<(usize, Option<granit_parser::Tag>, Option<Span>), YamlError> {
        let (mut anchor, mut tag, mut start) = (0, None, None);
        while let Some(token) = self.tokens.peek() {
            let span = token.span;
            match &token.what {
                What::Anchor(name) if anchor == 0 => anchor = self.anchors.define(name, &span)?,
                What::Tag(found) if tag.is_none() => tag = Some(found.clone()),
                _ => break,
            }
            self.tokens.next();
            start = start.or(Some(span));
        }
        Ok((anchor, tag, start))
    }
}

fn marks(span: Span) -> Marks<'static> {
    Marks { tag: None, anchor: 0, span }
}

/// What stands for a collection that the parser cannot read: a text as long, of the same number of lines.
pub(super) fn stand_in(text: &str) -> Cow<'static, str> {
    let mut lines = text.split('\n');
    let mut out = match lines.next().map_or(0, str::len) {
        length @ 2.. => format!("\"{}\"", "_".repeat(length - 2)),
        length => "_".repeat(length),
    };
    for line in lines {
        out.push('\n');
        out.push_str(&" ".repeat(line.len()));
    }
    out.into()
}

/// Whether a text is nothing but what stands for a collection.
pub(super) fn is_stand_in(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'_')
}
