//! From tokens to what a document consists of: scalars, lists and maps, told to a [`Receiver`] one after the other.

mod block;
mod flow;

use std::borrow::Cow;

use super::mark::{Mark, Span};
use super::scan::Scanner;
use super::tag::TagName;
use super::token::{Bracket, Directive, ScalarStyle, TagText, Token, What};
use super::{MAX_NESTING, YamlError};
use crate::error::ErrorKind;

/// Who is told what a document consists of.
pub(crate) trait Receiver<'t> {
    /// A scalar.
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, marks: Marks<'t>) -> Done;
    /// What follows are the items of a list, until its end. Brackets are around it, or it is written in lines.
    fn start_list(&mut self, form: Form, marks: Marks<'t>) -> Done;
    /// What follows are keys and values in turn.
    fn start_map(&mut self, form: Form, marks: Marks<'t>) -> Done;
    /// The end of the collection that was begun last; where its last bracket is.
    fn end(&mut self, span: Span) -> Done;
    /// What was known by this name when it was written.
    fn alias(&mut self, name: &'t str, span: Span) -> Done;
}

/// What is said about a value besides its content.
#[derive(Debug)]
pub(crate) struct Marks<'t> {
    pub(crate) tag: Option<TagName>,
    pub(crate) anchor: Option<&'t str>,
    /// Where the value is, or would be.
    pub(crate) span: Span,
}

impl Marks<'_> {
    fn none(span: Span) -> Self {
        Self { tag: None, anchor: None, span }
    }
}

/// How a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In lines.
    Block,
    /// In brackets.
    Flow,
}

pub(crate) type Done = Result<(), YamlError>;

/// Reads a text that has one document at most.
///
/// # Errors
/// What is no YAML; what the receiver does not accept.
pub(crate) fn parse<'t>(text: &'t str, receiver: &mut impl Receiver<'t>) -> Done {
    let scanner = Scanner::new(text);
    Parser { scanner, receiver, handles: Vec::new(), open: Vec::new() }.document()
}

struct Parser<'r, 't, R> {
    scanner: Scanner<'t>,
    receiver: &'r mut R,
    /// The handles of tags that the document declares, with what they stand for.
    handles: Vec<(&'t str, String)>,
    /// The collections that have begun and not ended. A list instead of recursion, so that nesting costs no stack.
    open: Vec<Open>,
}

/// A collection that has begun.
#[derive(Debug)]
struct Open {
    /// What comes next in it.
    next: Next,
    start: Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    BlockItem,
    /// As the value of a key, a list may be indented no further than the key.
    IndentlessItem,
    BlockKey,
    BlockValue,
    FirstFlowItem,
    FlowItem,
    /// A key and a value in a list make a map of their own.
    PairKey,
    PairValue,
    PairEnd,
    FirstFlowKey,
    FlowKey,
    FlowValue,
    /// Something was there instead of a key and a value: it is a key.
    NoFlowValue,
}

/// What a value may be at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    BlockValue,
}

impl<'t, R: Receiver<'t>> Parser<'_, 't, R> {
    fn document(mut self) -> Done {
        match self.scanner.peek()?.what {
            What::End => return Ok(()),
            What::Directive(_) | What::DocumentStart => {
                self.directives()?;
                let start = self.scanner.next()?;
                if start.what != What::DocumentStart {
                    return Err(unexpected("'---' after the directives", &start));
                }
                match self.scanner.peek()? {
                    Token {
                        what:
                            What::Directive(_) | What::DocumentStart | What::DocumentEnd | What::End,
                        span,
                    } => {
                        let at = span.start;
                        self.empty(at)?;
                    }
                    _ => self.node(Place::Block)?,
                }
            }
            _ => self.node(Place::Block)?,
        }
        while let Some(open) = self.open.last() {
            let (next, start) = (open.next, open.start);
            self.go_on(next, start)?;
        }
        self.after_document()
    }

    fn directives(&mut self) -> Done {
        let mut version = false;
        while matches!(self.scanner.peek()?.what, What::Directive(_)) {
            let Token { what: What::Directive(directive), span } = self.scanner.next()? else {
                return Ok(());
            };
            match directive {
                Directive::Version { .. } if version => {
                    return Err(YamlError::new("the version is given twice", &span));
                }
                Directive::Version { major, minor } if major != 1 || !(1..=2).contains(&minor) => {
                    let message = "only YAML versions 1.1 and 1.2 are supported";
                    return Err(YamlError::new(message, &span));
                }
                Directive::Version { .. } => version = true,
                Directive::Tag { handle, .. } if self.declared(handle).is_some() => {
                    let message = format!("the tag handle '{handle}' is declared twice");
                    return Err(YamlError::new(message, &span));
                }
                Directive::Tag { handle, prefix } => self.handles.push((handle, prefix)),
                Directive::Other => {}
            }
        }
        Ok(())
    }

    fn after_document(&mut self) -> Done {
        let mut ended = None;
        if self.scanner.peek()?.what == What::DocumentEnd {
            ended = Some(self.scanner.next()?.span.end.line);
        }
        // Only what no '...' came before has to begin with '---'.
        let next = self.scanner.peek()?;
        match &next.what {
            What::End => Ok(()),
            _ if ended == Some(next.span.start.line) => {
                Err(unexpected("nothing but a comment after '...'", next))
            }
            What::DocumentStart | What::Directive(_) => {
                let message = "expected a single document, but found another one";
                Err(YamlError::new(message, &next.span))
            }
            _ if ended.is_some() => {
                let message = "expected a single document, but found something after its end";
                Err(YamlError::new(message, &next.span))
            }
            _ => Err(unexpected("the end of the document", next)),
        }
    }

    fn go_on(&mut self, next: Next, start: Mark) -> Done {
        match next {
            Next::BlockItem => self.block_item(start),
            Next::IndentlessItem => self.indentless_item(),
            Next::BlockKey => self.block_key(start),
            Next::BlockValue => self.block_value(),
            Next::FirstFlowItem | Next::FlowItem => self.flow_item(next, start),
            Next::PairKey | Next::PairValue | Next::PairEnd => self.pair(next, start),
            Next::FirstFlowKey | Next::FlowKey => self.flow_key(next, start),
            Next::FlowValue => self.flow_value(),
            Next::NoFlowValue => {
                self.then(Next::FlowKey);
                let at = self.scanner.peek()?.span.start;
                self.empty(at)
            }
        }
    }

    /// What comes next in the collection that was begun last.
    fn then(&mut self, next: Next) {
        if let Some(open) = self.open.last_mut() {
            open.next = next;
        }
    }

    fn next_is(&mut self, what: &What<'_>) -> Result<bool, YamlError> {
        Ok(self.scanner.peek()?.what == *what)
    }

    fn eat(&mut self, what: &What<'_>) -> Result<Option<Span>, YamlError> {
        if self.next_is(what)? { Ok(Some(self.scanner.next()?.span)) } else { Ok(None) }
    }

    fn empty(&mut self, at: Mark) -> Done {
        let marks = Marks::none(Span::empty(at));
        self.receiver.scalar(Cow::Borrowed(""), ScalarStyle::Plain, marks)
    }

    fn begin(&mut self, next: Next, start: Mark) -> Done {
        let form = form_of(next);
        let depth = self.open.iter().filter(|open| form_of(open.next) == form).count();
        if depth >= MAX_NESTING {
            let message = format!("collections are nested deeper than {MAX_NESTING} levels");
            return Err(YamlError::new(message, &Span::empty(start)).of_kind(ErrorKind::Limit));
        }
        self.open.push(Open { next, start });
        Ok(())
    }

    fn finish(&mut self, span: Span) -> Done {
        self.open.pop();
        self.receiver.end(span)
    }

    /// One value, or the beginning of a collection.
    fn node(&mut self, place: Place) -> Done {
        if let What::Alias(name) = self.scanner.peek()?.what {
            let span = self.scanner.next()?.span;
            return self.receiver.alias(name, span);
        }
        let (tag, anchor, before) = self.properties()?;
        let token = self.scanner.peek()?;
        let span = token.span;
        let marks = |span| Marks { tag, anchor, span };
        match (&token.what, place) {
            (What::Dash, Place::BlockValue) => {
                self.begin(Next::IndentlessItem, span.start)?;
                self.receiver.start_list(Form::Block, marks(span))
            }
            (What::Scalar(..), _) => {
                let Token { what: What::Scalar(text, style), span } = self.scanner.next()? else {
                    return Ok(());
                };
                self.receiver.scalar(text, style, marks(span))
            }
            (What::Open(bracket), _) => {
                let bracket = *bracket;
                self.scanner.next()?;
                self.open_bracket(bracket, marks(span))
            }
            (What::BlockList, Place::Block | Place::BlockValue) => {
                self.scanner.next()?;
                self.begin(Next::BlockItem, span.start)?;
                self.receiver.start_list(Form::Block, marks(span))
            }
            (What::BlockMap, Place::Block | Place::BlockValue) => {
                self.scanner.next()?;
                self.begin(Next::BlockKey, span.start)?;
                self.receiver.start_map(Form::Block, marks(span))
            }
            _ => match before {
                Some(span) => {
                    self.receiver.scalar(Cow::Borrowed(""), ScalarStyle::Plain, marks(span))
                }
                None => Err(unexpected("a value", token)),
            },
        }
    }

    fn open_bracket(&mut self, bracket: Bracket, marks: Marks<'t>) -> Done {
        let start = marks.span.start;
        match bracket {
            Bracket::Square => {
                self.begin(Next::FirstFlowItem, start)?;
                self.receiver.start_list(Form::Flow, marks)
            }
            Bracket::Curly => {
                self.begin(Next::FirstFlowKey, start)?;
                self.receiver.start_map(Form::Flow, marks)
            }
        }
    }

    /// The tag and the anchor of a value, at most one of each, in any order; and where they are.
    #[expect(clippy::type_complexity, reason = "three parts, taken apart at once")]
    fn properties(
        &mut self,
    ) -> Result<(Option<TagName>, Option<&'t str>, Option<Span>), YamlError> {
        let (mut tag, mut anchor, mut place) = (None, None, None);
        loop {
            match &self.scanner.peek()?.what {
                What::Anchor(_) if anchor.is_none() => {}
                What::Tag(_) if tag.is_none() => {}
                _ => return Ok((tag, anchor, place)),
            }
            let Token { what, span } = self.scanner.next()?;
            place = place.or(Some(span));
            match what {
                What::Anchor(name) => anchor = Some(name),
                What::Tag(text) => tag = Some(self.tag_name(text, &span)?),
                _ => {}
            }
        }
    }

    fn declared(&self, handle: &str) -> Option<&str> {
        let known = self.handles.iter().find(|(known, _)| *known == handle);
        known.map(|(_, prefix)| prefix.as_str())
    }

    fn tag_name(
        &self,
        TagText { handle, suffix }: TagText<'_>,
        span: &Span,
    ) -> Result<TagName, YamlError> {
        let Some(handle) = handle else {
            return Ok(TagName { written: suffix.clone(), full: suffix });
        };
        let prefix = self.declared(handle).or(match handle {
            "!" => Some("!"),
            "!!" => Some("tag:yaml.org,2002:"),
            _ => None,
        });
        let prefix = prefix
            .ok_or_else(|| YamlError::new(format!("undefined tag handle '{handle}'"), span))?;
        Ok(TagName { written: format!("{handle}{suffix}"), full: format!("{prefix}{suffix}") })
    }
}

fn form_of(next: Next) -> Form {
    match next {
        Next::BlockItem | Next::IndentlessItem | Next::BlockKey | Next::BlockValue => Form::Block,
        _ => Form::Flow,
    }
}

fn unexpected(expected: &str, found: &Token<'_>) -> YamlError {
    let message = format!("expected {expected}, but found {}", found.what.name());
    YamlError::new(message, &found.span)
}
