//! What flow collections are written with.

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Span};

/// A piece of a flow collection, and where it is.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) what: What<'t>,
    pub(super) span: Span,
}

/// The kinds of tokens.
#[derive(Debug, PartialEq)]
pub(super) enum What<'t> {
    Open(Bracket),
    Close(Bracket),
    Comma,
    /// What follows is a key: a question mark, or a colon that comes later in the line.
    Key,
    /// The colon between a key and its value.
    Value,
    Alias(&'t str),
    Anchor(&'t str),
    Tag(granit_parser::Tag),
    Scalar(Cow<'t, str>, ScalarStyle),
}

/// The two kinds of collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    /// A list.
    Square,
    /// A map.
    Curly,
}

impl What<'_> {
    /// The token in messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Open(Bracket::Square) => "'['",
            Self::Open(Bracket::Curly) => "'{'",
            Self::Close(Bracket::Square) => "']'",
            Self::Close(Bracket::Curly) => "'}'",
            Self::Comma => "','",
            Self::Key => "a key",
            Self::Value => "':'",
            Self::Alias(_) => "an alias",
            Self::Anchor(_) => "an anchor",
            Self::Tag(_) => "a tag",
            Self::Scalar(..) => "a text",
        }
    }
}
