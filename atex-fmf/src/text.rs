//! The text of values, as filters, patterns and messages see it: `True`, `None`, `1.0`, `['a', 1]`.

use std::borrow::Cow;
use std::fmt::Write;

use crate::value::Value;

/// The text of a value: strings as they are, everything else in literal notation.
pub(crate) fn to_text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Str(text) => Cow::Borrowed(text),
        Value::Date(date) => Cow::Owned(date.to_string()),
        Value::DateTime(time) => Cow::Owned(time.to_string()),
        other => Cow::Owned(repr(other)),
    }
}

/// The literal notation of a value: strings in quotes.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write_repr(&mut out, value);
    out
}

fn write_repr(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => quote(out, text),
        Value::List(items) => sequence(out, items, ('[', ']')),
        Value::Tuple(items) => {
            sequence(out, items, ('(', ')'));
            if items.len() == 1 {
                out.insert(out.len() - 1, ',');
            }
        }
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => sequence(out, items, ('{', '}')),
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_repr(out, key.value());
                out.push_str(": ");
                write_repr(out, value);
            }
            out.push('}');
        }
        Value::Date(date) => {
            let parts: Vec<String> = numbers(&date.to_string());
            let _infallible = write!(out, "datetime.date({})", parts.join(", "));
        }
        Value::DateTime(time) => out.push_str(&time.repr()),
        Value::Bytes(bytes) => bytes_repr(out, bytes),
    }
}

/// The numbers of a date, without leading zeros.
fn numbers(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse::<u32>().ok())
        .map(|number| number.to_string())
        .collect()
}

fn sequence(out: &mut String, items: &[Value], (open, close): (char, char)) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { ", " } else { "" });
        write_repr(out, item);
    }
    out.push(close);
}

/// The shortest text that reads back as the same number; an exponent from 1e16 on and below 1e-4.
pub(crate) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let exponent: i32 = scientific.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if number == 0.0 || (-4..16).contains(&exponent) {
        let text = number.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let mantissa = scientific.split('e').next().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn quote(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        let code = u32::from(c);
        let _infallible = match c {
            '\\' => write!(out, "\\\\"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c == quote => write!(out, "\\{c}"),
            c if is_printable(c) => write!(out, "{c}"),
            _ if code < 0x100 => write!(out, "\\x{code:02x}"),
            _ if code < 0x10000 => write!(out, "\\u{code:04x}"),
            _ => write!(out, "\\U{code:08x}"),
        };
    }
    out.push(quote);
}

/// Separators, controls, format characters and private use are escaped; the space is not.
fn is_printable(c: char) -> bool {
    match u32::from(c) {
        0x20 => true,
        0..0x20 | 0x7f..=0xa0 | 0xad | 0x1680 | 0x2000..=0x200f | 0x2028..=0x202f => false,
        0x205f..=0x206f | 0x3000 | 0x61c | 0x600..=0x605 | 0x6dd | 0x70f | 0x180e => false,
        0xe000..=0xf8ff | 0xfeff | 0xfff9..=0xfffb | 0xfffe | 0xffff | 0xe0000.. => false,
        _ => true,
    }
}

fn bytes_repr(out: &mut String, bytes: &[u8]) {
    out.push_str("b'");
    for byte in bytes {
        let _infallible = match byte {
            b'\n' => write!(out, "\\n"),
            b'\r' => write!(out, "\\r"),
            b'\t' => write!(out, "\\t"),
            b'\'' | b'\\' => write!(out, "\\{}", *byte as char),
            0x20..0x7f => write!(out, "{}", *byte as char),
            _ => write!(out, "\\x{byte:02x}"),
        };
    }
    out.push('\'');
}
