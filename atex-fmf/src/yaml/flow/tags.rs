//! Tags in flow collections: `!!str`, `!<tag:yaml.org,2002:str>`, and handles that the document declares.

use granit_parser::Tag;

/// What the reference takes for a part of a tag: also brackets and commas.
fn is_uri(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-;/?:@&=+$,_.!~*'()[]%#".contains(c)
}

/// The tag at the beginning of `rest`, and how many bytes of it are the tag.
pub(super) fn read(document: &str, rest: &str) -> Result<(Tag, usize), String> {
    let handle_end = if rest.starts_with("!!") { 2 } else { 1 };
    let (handle, after) = rest.split_at(handle_end);
    if let Some(verbatim) = after.strip_prefix('<') {
        let uri = uri(verbatim)?;
        if !verbatim[uri.len()..].starts_with('>') {
            return Err("expected '>' at the end of a tag".to_owned());
        }
        return Ok((Tag::new("", decode(uri)?), handle_end + uri.len() + 2));
    }
    if after.is_empty()
        || after.starts_with([' ', '\t', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
    {
        return Ok((Tag::new("", handle), handle_end));
    }
    let word =
        after.split([' ', '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).next().unwrap_or_default();
    let (handle, start) = match word.find('!') {
        None => (handle, handle_end),
        Some(end) => {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if !word[..end].chars().all(is_name) {
                return Err("expected '!' at the end of a tag's handle".to_owned());
            }
            (&rest[handle_end - 1..=handle_end + end], handle_end + end + 1)
        }
    };
    let suffix = uri(&rest[start..])?;
    let prefix =
        prefix(document, handle).ok_or_else(|| format!("undefined tag handle '{handle}'"))?;
    Ok((Tag::with_original_handle(prefix, decode(suffix)?, handle), start + suffix.len()))
}

fn uri(text: &str) -> Result<&str, String> {
    let end = text.find(|c| !is_uri(c)).unwrap_or(text.len());
    if end == 0 { Err("a tag has no name".to_owned()) } else { Ok(&text[..end]) }
}

/// What a handle stands for, by the document's own declarations first.
fn prefix<'d>(document: &'d str, handle: &str) -> Option<&'d str> {
    let head = document.lines().take_while(|line| line.is_empty() || line.starts_with(['%', '#']));
    let declared = head.filter_map(|line| {
        let mut words = line.strip_prefix("%TAG")?.split_whitespace();
        (words.next()? == handle).then(|| words.next())?
    });
    declared.last().or(match handle {
        "!" => Some("!"),
        "!!" => Some("tag:yaml.org,2002:"),
        _ => None,
    })
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
