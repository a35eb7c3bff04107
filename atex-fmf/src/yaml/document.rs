//! One attempt to read a document: the parser's events go to the composer, flow collections are read here.

use std::ops::Range;

use granit_parser::{Event, Marker, Parser, ScanError, Span, StructureStyle};

use super::compose::{Composer, Marks};
use super::flow::{self, Anchors, Flow};
use super::repair::Repaired;
use super::tabs::Tabs;
use super::{Pool, YamlError, parser_options};
use crate::error::ErrorKind;
use crate::value::Value;

/// Why a document could not be read.
pub(super) enum Failure {
    /// The parser gave up, after it had told of everything before the given place.
    Syntax { error: Box<ScanError>, told: usize },
    /// It is not what the format allows.
    Content(YamlError),
    /// The parser cannot read a flow collection that is none the less allowed, or sees its end elsewhere.
    Flow { range: Range<usize>, error: Option<Box<ScanError>> },
}

impl From<YamlError> for Failure {
    fn from(error: YamlError) -> Self {
        Self::Content(error)
    }
}

/// Reads a document, in which some flow collections may be hidden from the parser.
pub(super) fn compose(
    pool: &mut Pool,
    repaired: &Repaired<'_>,
    document: usize,
) -> Result<Value, Failure> {
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(repaired.text(), parser_options()),
        tabs: Tabs::new(repaired.text()),
        told: 0,
    };
    let mut composer = Composer::new(document, repaired.original(), pool);
    let mut documents = 0;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::DocumentStart(_, version) => {
                documents += 1;
                check_start(documents, version, &span)?;
            }
            Event::Scalar(text, _, anchor, tag) if repaired.is_hidden(&span) => {
                if !flow::is_stand_in(&text) {
                    return Err(YamlError::new("text follows after a collection", &span).into());
                }
                let flow = Flow::scan(repaired.original(), span.start)?;
                flow.check_key(repaired.original(), &span)?;
                let marks = Marks { tag: tag.as_deref(), anchor, span };
                flow.compose(&mut composer, marks, Anchors::hidden())?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let marks = Marks { tag: tag.as_deref(), anchor, span };
                composer.scalar(&text, style, marks)?;
            }
            Event::SequenceStart(StructureStyle::Flow, anchor, tag)
            | Event::MappingStart(StructureStyle::Flow, anchor, tag) => {
                let flow = Flow::scan(repaired.original(), span.start)?;
                let anchors = reader.skip(&flow)?;
                let marks = Marks { tag: tag.as_deref(), anchor, span };
                flow.compose(&mut composer, marks, anchors)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                composer.start_list(Marks { tag: tag.as_deref(), anchor, span })?;
            }
            Event::MappingStart(_, anchor, tag) => {
                composer.start_map(Marks { tag: tag.as_deref(), anchor, span })?;
            }
            Event::SequenceEnd | Event::MappingEnd => composer.end()?,
            Event::Alias(anchor) => composer.alias(anchor, span)?,
            // Stream marks, and events that are switched off.
            _ => {}
        }
    }
    check_end(documents, repaired.original())?;
    reader.tabs.check()?;
    Ok(composer.finish())
}

/// The parser, and what is watched while it goes on.
struct Reader<'t> {
    parser: Parser<'t, granit_parser::StrInput<'t>>,
    tabs: Tabs<'t>,
    /// Where the last event ended.
    told: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Failure> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                self.tabs.event(&event, &span);
                self.told = span.end.byte_offset().unwrap_or(self.told).max(self.told);
                Ok(Some((event, span)))
            }
            Some(Err(error)) => Err(Failure::Syntax { error: Box::new(error), told: self.told }),
        }
    }

    /// Goes to the end of a flow collection that has begun.
    fn skip(&mut self, flow: &Flow<'_>) -> Result<Anchors<'static>, Failure> {
        let range = || flow.range.clone();
        let mut anchors = Anchors::seen();
        let mut depth = 1;
        loop {
            let (event, span) = match self.next() {
                Ok(Some(next)) => next,
                Err(Failure::Syntax { error, told })
                    if *error.kind() == granit_parser::ErrorKind::UnknownAnchor
                        && !flow.has_anchors() =>
                {
                    return Err(Failure::Syntax { error, told });
                }
                Err(Failure::Syntax { error, .. }) => {
                    return Err(Failure::Flow { range: range(), error: Some(error) });
                }
                Err(error) => return Err(error),
                Ok(None) => return Err(Failure::Flow { range: range(), error: None }),
            };
            anchors.note(&event);
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let same_end = span.end.byte_offset() == Some(flow.range.end);
                if same_end && flow.has(&anchors) {
                    return Ok(anchors);
                }
                return Err(Failure::Flow { range: range(), error: None });
            }
        }
    }
}

/// The flow collection in which the parser gave up before it had told of its beginning, or what is wrong with it.
pub(super) fn flow_around(
    text: &str,
    told: usize,
    error: &ScanError,
) -> Option<Result<Range<usize>, YamlError>> {
    let position = error.marker().byte_offset()?;
    let start = first_bracket(text, told)?;
    let flow = Flow::scan(text, marker(text, start)).map(|flow| flow.range);
    flow.map_or_else(
        |error| Some(Err(error)),
        |range| range.contains(&position).then_some(Ok(range)),
    )
}

/// The next bracket at the beginning of a value.
fn first_bracket(text: &str, from: usize) -> Option<usize> {
    let mut start = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        let code = line.split(" #").next().filter(|_| !line.starts_with('#')).unwrap_or_default();
        if let Some(at) = code.find(['[', '{']) {
            // An anchor and a tag may stand before it.
            let mut words = code[..at].split([' ', '\t']).filter(|word| !word.is_empty());
            let last = words.rfind(|word| !word.starts_with(['&', '!']));
            let begins_a_value = last.is_none_or(|last| last.ends_with(['-', ':', '?']));
            return begins_a_value.then_some(start + at);
        }
        start += line.len();
    }
    None
}

fn marker(text: &str, byte: usize) -> Marker {
    let before = &text[..byte];
    let line = before.rsplit('\n').next().unwrap_or_default();
    let (index, lines) = (before.chars().count(), before.matches('\n').count());
    Marker::new(index, lines + 1, line.chars().count()).with_byte_offset(Some(byte))
}

fn check_start(
    documents: usize,
    version: Option<granit_parser::YamlVersion>,
    span: &Span,
) -> Result<(), YamlError> {
    if documents > 1 {
        let message = "expected a single document, but found another one";
        return Err(YamlError::new(message, span));
    }
    if version.is_some_and(|v| v.major != 1 || v.minor > 2) {
        let message = "only YAML versions 1.1 and 1.2 are supported";
        return Err(YamlError::new(message, span));
    }
    Ok(())
}

fn check_end(documents: usize, text: &str) -> Result<(), YamlError> {
    let line = text.lines().position(|line| line.starts_with("...")).filter(|_| documents == 0);
    let Some(line) = line else { return Ok(()) };
    let (kind, message) = (ErrorKind::File, "expected a document before its end".to_owned());
    Err(YamlError { kind, message, line: line + 1, column: 1 })
}
