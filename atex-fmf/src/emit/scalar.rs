//! How a scalar is written: plain, quoted, or as a block.

use std::borrow::Cow;

use crate::value::Value;
use crate::yaml;

/// How the text of a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The text and style of a value that is no filled collection.
pub(super) fn of_value(value: &Value) -> (Cow<'_, str>, Style) {
    let plain = |text: String| (Cow::Owned(text), Style::Plain);
    match value {
        Value::Str(text) => (Cow::Borrowed(text), style(text)),
        Value::Null => plain("null".to_owned()),
        Value::Bool(value) => plain(value.to_string()),
        Value::Float(number) if number.is_nan() => plain(".nan".to_owned()),
        Value::Float(number) if number.is_infinite() => {
            plain(if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned())
        }
        Value::Int(_) | Value::Float(_) | Value::Date(_) | Value::DateTime(_) => {
            plain(value.to_text().into_owned())
        }
        Value::List(_) | Value::Tuple(_) => plain("[]".to_owned()),
        Value::Map(_) => plain("{}".to_owned()),
        Value::Set(_) => plain("!!set {}".to_owned()),
        Value::Bytes(bytes) => plain(format!("!!binary {}", base64(bytes))),
    }
}

/// The text and style of a key that is a scalar; none for the others.
pub(super) fn of_key(value: &Value) -> Option<(Cow<'_, str>, Style)> {
    match value {
        Value::List(_) | Value::Tuple(_) | Value::Map(_) | Value::Set(_) | Value::Bytes(_) => None,
        other => Some(of_value(other)),
    }
}

/// The least conspicuous style in which a string reads back as itself.
fn style(text: &str) -> Style {
    if text.contains('\n') {
        let fits = text.chars().all(|c| matches!(c, '\n' | '\t') || is_plain(c));
        return if fits { Style::Literal } else { Style::Double };
    }
    if !text.chars().all(is_plain) {
        return Style::Double;
    }
    if looks_like_structure(text) || !yaml::is_plain_string(text) {
        return if text.contains('\'') { Style::Double } else { Style::Single };
    }
    Style::Plain
}

/// Whether a character can stand in a text as it is. Tabs, line breaks and everything invisible cannot.
pub(super) fn is_plain(c: char) -> bool {
    match u32::from(c) {
        0x20..=0x7e => true,
        0..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff => false,
        _ => true,
    }
}

/// Whether a parser would see more than a plain scalar in the text.
fn looks_like_structure(text: &str) -> bool {
    const INDICATORS: &str = "#,[]{}&*!|>'\"%@`";
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return true };
    let lonely = matches!(first, '-' | '?' | ':') && chars.next().is_none_or(|next| next == ' ');
    lonely
        || INDICATORS.contains(first)
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with("---")
        || text.starts_with("...")
}

/// Bytes as base64, without line breaks.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}
