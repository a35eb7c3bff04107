//! Lines that begin with a percent sign: the version, and handles of tags.

use super::super::YamlError;
use super::super::token::Directive;
use super::cursor::{Cursor, is_break};
use super::tag;

/// Reads a directive, whose percent sign comes next, and the rest of its line.
pub(super) fn read<'t>(cursor: &mut Cursor<'t>) -> Result<Directive<'t>, YamlError> {
    cursor.step();
    let name =
        cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'));
    if name.is_empty() || !ends_word(cursor) {
        return Err(cursor.error("expected the name of a directive after '%'"));
    }
    let directive = match name {
        "YAML" => version(cursor)?,
        "TAG" => tag_handle(cursor)?,
        _ => {
            cursor.line();
            Directive::Other
        }
    };
    cursor.spaces();
    if cursor.peek() == Some('#') {
        cursor.line();
    }
    if !cursor.peek().is_none_or(is_break) {
        return Err(cursor.error("expected the end of the line after a directive"));
    }
    cursor.line_break();
    Ok(directive)
}

fn ends_word(cursor: &Cursor<'_>) -> bool {
    cursor.peek().is_none_or(|c| c == ' ' || is_break(c))
}

fn version<'t>(cursor: &mut Cursor<'t>) -> Result<Directive<'t>, YamlError> {
    cursor.spaces();
    let wrong = "expected a version, as in '%YAML 1.2'";
    let number = |cursor: &mut Cursor<'t>| {
        let digits = cursor.take_while(|c| c.is_ascii_digit());
        digits.parse().map_err(|_| cursor.error(wrong))
    };
    let major = number(cursor)?;
    if cursor.peek() != Some('.') {
        return Err(cursor.error(wrong));
    }
    cursor.step();
    let minor = number(cursor)?;
    if !ends_word(cursor) {
        return Err(cursor.error(wrong));
    }
    Ok(Directive::Version { major, minor })
}

fn tag_handle<'t>(cursor: &mut Cursor<'t>) -> Result<Directive<'t>, YamlError> {
    cursor.spaces();
    let handle = tag::handle(cursor.rest()).map_err(|message| cursor.error(message))?;
    cursor.advance(handle.len());
    if cursor.spaces().is_empty() {
        return Err(cursor.error("a blank must follow after a tag's handle"));
    }
    let (prefix, length) = tag::prefix(cursor.rest()).map_err(|message| cursor.error(message))?;
    cursor.advance(length);
    if !ends_word(cursor) {
        return Err(cursor.error("a blank must follow after a tag's prefix"));
    }
    Ok(Directive::Tag { handle, prefix })
}
