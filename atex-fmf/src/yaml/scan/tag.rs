//! Tags: `!!str`, `!<tag:yaml.org,2002:str>`, and handles that the document declares.

use super::super::token::TagText;
use super::cursor::is_break;

/// What the reference takes for a part of a tag: also brackets and commas.
fn is_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-;/?:@&=+$,_.!~*'()[]%#".contains(c)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The tag at the beginning of `rest`, and how many bytes of it are the tag.
pub(super) fn read(rest: &str) -> Result<(TagText<'_>, usize), String> {
    let short = if rest.starts_with("!!") { 2 } else { 1 };
    let (handle, after) = rest.split_at(short);
    if let Some(verbatim) = after.strip_prefix('<') {
        let uri = uri(verbatim)?;
        if !verbatim[uri.len()..].starts_with('>') {
            return Err("expected '>' at the end of a tag".to_owned());
        }
        let tag = TagText { handle: None, suffix: decode(uri)? };
        return Ok((tag, short + uri.len() + 2));
    }
    if after.chars().next().is_none_or(|c| matches!(c, ' ' | '\t') || is_break(c)) {
        return Ok((TagText { handle: None, suffix: handle.to_owned() }, short));
    }
    let word = after.split(|c| c == ' ' || is_break(c)).next().unwrap_or_default();
    let (handle, start) = match word.find('!') {
        None => (handle, short),
        Some(end) => {
            if !word[..end].chars().all(is_name) {
                return Err("expected '!' at the end of a tag's handle".to_owned());
            }
            (&rest[short - 1..=short + end], short + end + 1)
        }
    };
    let suffix = uri(&rest[start..])?;
    Ok((TagText { handle: Some(handle), suffix: decode(suffix)? }, start + suffix.len()))
}

/// The handle that a document declares, at the beginning of `rest`.
pub(super) fn handle(rest: &str) -> Result<&str, String> {
    let name = rest.strip_prefix('!').ok_or("expected '!' at the beginning of a tag's handle")?;
    let length = name.find(|c| !is_name(c)).unwrap_or(name.len());
    match (length, name[length..].starts_with('!')) {
        (_, true) => Ok(&rest[..length + 2]),
        (0, false) if name.starts_with(' ') => Ok(&rest[..1]),
        _ => Err("expected '!' at the end of a tag's handle".to_owned()),
    }
}

/// What a declared handle stands for, at the beginning of `rest`, and how many bytes that is.
pub(super) fn prefix(rest: &str) -> Result<(String, usize), String> {
    let uri = uri(rest)?;
    Ok((decode(uri)?, uri.len()))
}

fn uri(text: &str) -> Result<&str, String> {
    let end = text.find(|c| !is_uri(c)).unwrap_or(text.len());
    if end == 0 { Err("a tag has no name".to_owned()) } else { Ok(&text[..end]) }
}

/// Writes out what is escaped by a percent sign.
fn decode(uri: &str) -> Result<String, String> {
    let bad = || format!("'{uri}' has a wrong escape");
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri;
    while let Some((before, escaped)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let digits =
            escaped.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(bad)?;
        bytes.push(byte);
        rest = &escaped[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).map_err(|_| bad())
}
