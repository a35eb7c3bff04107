//! Question marks and colons in flow collections, where the reference implementation is told apart from YAML's own rules.

use std::ops::Range;

use granit_parser::{ScalarStyle, Span};

use super::YamlError;
use super::compose::{Composer, Marks};

/// Where a scalar stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Not in a flow collection.
    Block,
    /// An item of `[…]`.
    Item,
    /// A key in `{…}`, or of a pair in `[…]`.
    Key,
    /// A value in `{…}`, or of a pair in `[…]`.
    Value,
}

/// A scalar, whatever the parser took it for. In a flow collection, a question mark always announces a key, also without
/// a blank after it: `[?a]` is `[{a: null}]`.
pub(super) fn scalar(
    composer: &mut Composer<'_>,
    text: &str,
    style: ScalarStyle,
    marks: Marks<'_>,
) -> Result<(), YamlError> {
    let announced = match style {
        ScalarStyle::Plain if marks.tag.is_none() && marks.anchor == 0 => text.strip_prefix('?'),
        _ => None,
    };
    let span = marks.span;
    let inner = || Marks { tag: None, anchor: 0, span };
    match (announced, composer.role()) {
        (None, _) | (_, Role::Block) => composer.scalar(text, style, marks),
        (Some(key), Role::Key) => composer.scalar(key.trim_start(), style, inner()),
        (Some(key), Role::Item) => {
            composer.start_map(granit_parser::StructureStyle::Flow, inner())?;
            composer.scalar(key.trim_start(), style, inner())?;
            composer.scalar("", style, inner())?;
            composer.end()
        }
        (Some(_), Role::Value) => {
            Err(YamlError::new("a key cannot begin where a value is expected", &span))
        }
    }
}

/// The key together with its colon, if that belongs to it: one that nothing follows, not even a blank, before the end of
/// the collection or a comma. `[a:]` is `["a:"]`.
pub(super) fn with_colon(text: &str, key: &Span, end: u8) -> Option<Range<usize>> {
    let range = key.byte_range()?;
    let rest = text.get(range.end..)?;
    let colon = range.end + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let bytes = text.as_bytes();
    let is_plain =
        !matches!(bytes.get(range.start)?, b'\'' | b'"' | b'[' | b'{' | b'&' | b'*' | b'!' | b'?');
    let follows = *bytes.get(colon + 1)?;
    (bytes.get(colon) == Some(&b':') && is_plain && (follows == end || follows == b','))
        .then_some(range.start..colon + 1)
}
