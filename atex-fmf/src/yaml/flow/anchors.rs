//! The anchors of flow collections: numbers, as the parser gives them to those that it sees.

use std::collections::{HashMap, VecDeque};

use granit_parser::{Event, Span};

use super::super::YamlError;
use crate::error::ErrorKind;

/// The anchors of a collection, and what its aliases refer to.
#[derive(Debug)]
pub(in super::super) struct Anchors<'t>(Known<'t>);

#[derive(Debug)]
enum Known<'t> {
    /// The parser saw them: their numbers, in order.
    Seen { defined: VecDeque<usize>, referred: VecDeque<usize> },
    /// The collection is hidden from the parser. What is defined in it is known in it alone.
    Hidden(HashMap<&'t str, usize>),
}

impl<'t> Anchors<'t> {
    /// Of a collection that the parser sees.
    pub(in super::super) fn seen() -> Self {
        Self(Known::Seen { defined: VecDeque::new(), referred: VecDeque::new() })
    }

    /// Of one that is hidden from it.
    pub(in super::super) fn hidden() -> Self {
        Self(Known::Hidden(HashMap::new()))
    }

    /// Takes note of an event in the collection.
    pub(in super::super) fn note(&mut self, event: &Event<'_>) {
        let Known::Seen { defined, referred } = &mut self.0 else { return };
        match event {
            Event::Alias(anchor) => referred.push_back(*anchor),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(_, anchor, _)
            | Event::MappingStart(_, anchor, _)
                if *anchor != 0 =>
            {
                defined.push_back(*anchor);
            }
            _ => {}
        }
    }

    /// Whether there are so many of them, if the parser saw them.
    pub(super) fn are(&self, count: usize, aliases: usize) -> bool {
        match &self.0 {
            Known::Seen { defined, referred } => {
                (count, aliases) == (defined.len(), referred.len())
            }
            Known::Hidden(_) => true,
        }
    }

    /// The number of the anchor that is defined next.
    pub(super) fn define(&mut self, name: &'t str, span: &Span) -> Result<usize, YamlError> {
        match &mut self.0 {
            Known::Seen { defined, .. } => defined.pop_front().ok_or_else(|| unsupported(span)),
            Known::Hidden(names) => {
                // From the other end than the parser's.
                let number = usize::MAX - names.len();
                names.insert(name, number);
                Ok(number)
            }
        }
    }

    /// The number of the anchor that the next alias refers to.
    pub(super) fn refer(&mut self, name: &str, span: &Span) -> Result<usize, YamlError> {
        let known = match &mut self.0 {
            Known::Seen { referred, .. } => referred.pop_front(),
            Known::Hidden(names) => names.get(name).copied(),
        };
        known.ok_or_else(|| unsupported(span))
    }
}

fn unsupported(span: &Span) -> YamlError {
    let message =
        "an anchor of elsewhere is not supported in a collection that is written like this";
    YamlError::new(message, span).of_kind(ErrorKind::Unsupported)
}
