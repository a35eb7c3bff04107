//! What documents are written with.

use std::borrow::Cow;

use super::mark::Span;

/// A piece of a document, and where it is.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub(super) what: What<'t>,
    pub(super) span: Span,
}

/// The kinds of tokens.
#[derive(Debug, PartialEq)]
pub(super) enum What<'t> {
    /// The end of the text.
    End,
    Directive(Directive<'t>),
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
    /// A list of lines begins: its first dash is indented further than what it is in.
    BlockList,
    /// A map of lines begins.
    BlockMap,
    /// The indentation goes back.
    BlockEnd,
    /// The dash of a list of lines.
    Dash,
    /// What follows is a key: a question mark, or a colon that comes later in the line.
    Key,
    /// The colon between a key and its value.
    Value,
    Open(Bracket),
    Close(Bracket),
    Comma,
    Alias(&'t str),
    Anchor(&'t str),
    Tag(TagText<'t>),
    Scalar(Cow<'t, str>, ScalarStyle),
}

/// A line that begins with a percent sign.
#[derive(Debug, PartialEq)]
pub(super) enum Directive<'t> {
    Version { major: u32, minor: u32 },
    Tag { handle: &'t str, prefix: String },
    Other,
}

/// A tag as it is written.
#[derive(Debug, PartialEq)]
pub(super) struct TagText<'t> {
    /// What stands for a prefix; none in `!<…>` and in lone exclamation marks.
    pub(super) handle: Option<&'t str>,
    pub(super) suffix: String,
}

/// The two kinds of brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bracket {
    /// Around a list.
    Square,
    /// Around a map.
    Curly,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarStyle {
    Plain,
    Quoted,
    /// A literal or folded block.
    Block,
}

impl What<'_> {
    /// The token in messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::End => "the end of the text",
            Self::Directive(_) => "a directive",
            Self::DocumentStart => "'---'",
            Self::DocumentEnd => "'...'",
            Self::BlockList => "a list",
            Self::BlockMap => "a map",
            Self::BlockEnd => "a line that is indented less",
            Self::Dash => "'-'",
            Self::Key => "a key",
            Self::Value => "':'",
            Self::Open(Bracket::Square) => "'['",
            Self::Open(Bracket::Curly) => "'{'",
            Self::Close(Bracket::Square) => "']'",
            Self::Close(Bracket::Curly) => "'}'",
            Self::Comma => "','",
            Self::Alias(_) => "an alias",
            Self::Anchor(_) => "an anchor",
            Self::Tag(_) => "a tag",
            Self::Scalar(..) => "a text",
        }
    }
}
