//! Texts with values in them: f-strings, `'…' % values`, and `'…'.format(…)`.

use crate::error::{ErrorKind, Result};
use crate::value::{Number, Value};

use super::fail;

/// Nothing is made wider than this.
const MAX_WIDTH: usize = 1000;

/// Nor is anything made longer, in bytes: a short condition could ask for gigabytes.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// Adds a value that is shown.
pub(super) fn push(out: &mut String, shown: &str) -> Result<()> {
    if out.len() + shown.len() > MAX_LENGTH {
        return fail(ErrorKind::Limit, format!("a text of more than {MAX_LENGTH} bytes"));
    }
    out.push_str(shown);
    Ok(())
}

/// A text that is as it is, or a value in it, with how it is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece<F> {
    Text(String),
    Field { field: F, conversion: Option<char>, spec: String },
}

/// A value as a field of an f-string or of `format` shows it.
pub(super) fn show(value: &Value, conversion: Option<char>, spec: &str) -> Result<String> {
    match conversion {
        Some('r') => pad(value, format!("{value:?}"), spec, false),
        Some('s') => pad(value, value.to_text().into_owned(), spec, false),
        Some(other) => {
            fail(ErrorKind::Unsupported, format!("the conversion '!{other}' is not supported"))
        }
        None => {
            let is_number = matches!(value, Value::Int(_));
            if !spec.is_empty() && !is_number && value.as_str().is_none() {
                let name = value.type_name();
                return fail(
                    ErrorKind::Unsupported,
                    format!("'{name}' cannot be shown as '{spec}' here"),
                );
            }
            pad(value, value.to_text().into_owned(), spec, is_number)
        }
    }
}

/// Brings a text to the width that a specification asks for: fill, alignment, zeros, width, and `s` or `d`.
fn pad(value: &Value, text: String, spec: &str, is_number: bool) -> Result<String> {
    let bad = || fail(ErrorKind::Unsupported, format!("the format '{spec}' is not supported"));
    let mut rest = spec;
    let mut chars = rest.chars();
    let (first, second) = (chars.next(), chars.next());
    let is_align = |c: &char| matches!(c, '<' | '>' | '^');
    let mut fill = ' ';
    let mut align = None;
    if let (Some(c), Some(found)) = (first, second.filter(is_align)) {
        (fill, align) = (c, Some(found));
        rest = chars.as_str();
    } else if let Some(found) = first.filter(is_align) {
        align = Some(found);
        rest = &rest[1..];
    }
    let rest = match rest.chars().last() {
        Some('d') if is_number => &rest[..rest.len() - 1],
        Some('s') if !is_number => &rest[..rest.len() - 1],
        _ => rest,
    };
    let zeros = rest.starts_with('0') && align.is_none();
    if rest.is_empty() && !is_number && value.as_bool().is_some() && !spec.is_empty() {
        return bad();
    }
    if !rest.bytes().all(|byte| byte.is_ascii_digit()) || (zeros && !is_number) {
        return bad();
    }
    let width = if rest.is_empty() { 0 } else { rest.parse().unwrap_or(usize::MAX) };
    if zeros {
        return zfill(&text, width);
    }
    let default = if is_number { '>' } else { '<' };
    aligned(text, width, fill, align.unwrap_or(default))
}

fn aligned(text: String, width: usize, fill: char, align: char) -> Result<String> {
    let missing = missing(&text, width)?;
    let before = match align {
        '<' => 0,
        '>' => missing,
        _ => missing / 2,
    };
    let fill = |count: usize| fill.to_string().repeat(count);
    Ok(format!("{}{text}{}", fill(before), fill(missing - before)))
}

fn missing(text: &str, width: usize) -> Result<usize> {
    let missing = width.saturating_sub(text.chars().count());
    if missing > MAX_WIDTH {
        return fail(ErrorKind::Limit, format!("a width of {width} is too much"));
    }
    Ok(missing)
}

/// Zeros in front, but after the sign.
pub(super) fn zfill(text: &str, width: usize) -> Result<String> {
    let zeros = "0".repeat(missing(text, width)?);
    let sign = usize::from(text.starts_with(['+', '-']));
    Ok(format!("{}{zeros}{}", &text[..sign], &text[sign..]))
}

/// `text % values`.
pub(super) fn percent(text: &str, values: &Value) -> Result<Value> {
    let single = std::slice::from_ref(values);
    let mut left = match values {
        Value::Tuple(items) => items.iter(),
        _ => single.iter(),
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (key, after) = match after.strip_prefix('(') {
            Some(named) => match named.split_once(')') {
                Some((key, after)) => (Some(key), after),
                None => return fail(ErrorKind::Value, "a name in '%(…)' is not closed"),
            },
            None => (None, after),
        };
        let flags =
            after.len() - after.trim_start_matches(|c: char| c == '-' || c.is_ascii_digit()).len();
        let (flags, after) = after.split_at(flags);
        let Some(kind) = after.chars().next() else {
            return fail(ErrorKind::Value, "a '%' with nothing after it");
        };
        rest = &after[kind.len_utf8()..];
        if kind == '%' && key.is_none() && flags.is_empty() {
            out.push('%');
            continue;
        }
        let value = match (key, values) {
            (Some(key), Value::Map(map)) => match map.get(key) {
                Some(value) => value,
                None => return fail(ErrorKind::Lookup, format!("there is no key '{key}'")),
            },
            (Some(_), _) => return fail(ErrorKind::Type, "'%(…)' needs a map"),
            (None, _) => match left.next() {
                Some(value) => value,
                None => return fail(ErrorKind::Type, "not enough values for the text"),
            },
        };
        push(&mut out, &percent_value(value, kind, flags)?)?;
    }
    out.push_str(rest);
    // A map or a list may be left over.
    let may_be_left = matches!(values, Value::Map(_) | Value::List(_));
    if left.next().is_some() && !may_be_left {
        return fail(ErrorKind::Type, "more values than the text has places for");
    }
    Ok(out.into())
}

fn percent_value(value: &Value, kind: char, flags: &str) -> Result<String> {
    let text = match kind {
        's' => value.to_text().into_owned(),
        'r' => format!("{value:?}"),
        'd' | 'i' => match value.as_number() {
            Some(Number::Int(number)) => number.to_string(),
            Some(Number::Float(number)) if number.is_finite() => format!("{:.0}", number.trunc()),
            _ => {
                let name = value.type_name();
                return fail(ErrorKind::Type, format!("'%{kind}' needs a number, not '{name}'"));
            }
        },
        _ => return fail(ErrorKind::Unsupported, format!("'%{flags}{kind}' is not supported")),
    };
    let (left, width) = match flags.strip_prefix('-') {
        Some(width) => (true, width),
        None => (false, flags),
    };
    if width.is_empty() {
        return Ok(text);
    }
    let Ok(number) = width.parse() else {
        return fail(ErrorKind::Unsupported, format!("'%{flags}{kind}' is not supported"));
    };
    match (left, width.starts_with('0') && matches!(kind, 'd' | 'i')) {
        (false, true) => zfill(&text, number),
        (false, false) => aligned(text, number, ' ', '>'),
        (true, _) => aligned(text, number, ' ', '<'),
    }
}

/// `text.format(values, named)`.
pub(super) fn format(text: &str, values: &[Value], named: &[(&str, Value)]) -> Result<Value> {
    let mut out = String::new();
    let (mut next, mut numbered) = (0, false);
    for piece in pieces(text)? {
        let (field, conversion, spec) = match piece {
            Piece::Text(text) => {
                out.push_str(&text);
                continue;
            }
            Piece::Field { field, conversion, spec } => (field, conversion, spec),
        };
        let value = if field.is_empty() {
            next += 1;
            values.get(next - 1)
        } else if field.bytes().all(|byte| byte.is_ascii_digit()) {
            numbered = true;
            field.parse::<usize>().ok().and_then(|index| values.get(index))
        } else if field.contains(['.', '[']) {
            return fail(
                ErrorKind::Unsupported,
                format!("the field '{{{field}}}' is not supported"),
            );
        } else {
            named.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
        };
        if numbered && next > 0 {
            return fail(ErrorKind::Value, "fields with and without a number");
        }
        let Some(value) = value else {
            return fail(ErrorKind::Lookup, format!("there is no value for '{{{field}}}'"));
        };
        push(&mut out, &show(value, conversion, &spec)?)?;
    }
    Ok(out.into())
}

/// Cuts a text into what is between braces, and what is not. Two braces are one that is only text.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<String>>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, after) = rest.split_at(at);
        plain.push_str(before);
        let (brace, after) = after.split_at(1);
        if let Some(after) = after.strip_prefix(brace) {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        if brace == "}" {
            return fail(ErrorKind::Syntax, "a single '}' in a text with fields");
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let (field, after) = field(after)?;
        pieces.push(field);
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The field after a brace, and what follows after it.
fn field(text: &str) -> Result<(Piece<String>, &str)> {
    let end = end_of_expression(text)?;
    let (expression, mut rest) = text.split_at(end);
    let mut conversion = None;
    if let Some(after) = rest.strip_prefix('!') {
        conversion = after.chars().next();
        rest = &after[conversion.map_or(0, char::len_utf8)..];
    }
    let mut spec = String::new();
    if let Some(after) = rest.strip_prefix(':') {
        let end = after.find(['{', '}']).unwrap_or(after.len());
        spec = after[..end].to_owned();
        rest = &after[end..];
        if rest.starts_with('{') {
            return fail(ErrorKind::Unsupported, "fields in formats are not supported");
        }
    }
    let Some(rest) = rest.strip_prefix('}') else {
        return fail(ErrorKind::Syntax, "'}' is missing after a field");
    };
    Ok((Piece::Field { field: expression.to_owned(), conversion, spec }, rest))
}

/// Where an expression ends: at a brace, a colon or an exclamation mark outside of brackets and quotes.
fn end_of_expression(text: &str) -> Result<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') if depth > 0 => depth -= 1,
            (None, '}' | ':') if depth == 0 => return Ok(at),
            (None, '!') if depth == 0 && chars.peek().is_none_or(|(_, next)| *next != '=') => {
                return Ok(at);
            }
            (None, '!') => {
                chars.next();
            }
            _ => {}
        }
    }
    fail(ErrorKind::Syntax, "'}' is missing after a field")
}
