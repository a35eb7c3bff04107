//! The tokens of conditions.

use triomphe::Arc;

use crate::error::{ErrorKind, Result};
use crate::integer::Int;
use crate::value::Value;

use super::fail;
use super::format::{Piece, pieces};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Name(String),
    Constant(Value),
    Symbol(&'static str),
    /// An f-string; its fields are still to be parsed.
    Text(Vec<Piece<String>>),
    End,
}

/// Longer ones first, so that they are found first.
const SYMBOLS: [&str; 34] = [
    "**", "//", "==", "!=", "<=", ">=", "<<", ">>", ":=", "->", "+", "-", "*", "/", "%", "<", ">",
    "(", ")", "[", "]", "{", "}", ",", ":", ".", "&", "|", "^", "~", "=", ";", "@", "!",
];

pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut rest = text;
    let mut tokens = Vec::new();
    // Leading blanks are dropped; elsewhere line breaks would only be allowed in brackets. Be lenient.
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix("\\\n") {
            rest = after;
            continue;
        }
        if rest.starts_with('#') {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        let Some(first) = rest.chars().next() else { break };
        if let Some((token, after)) = string(rest)? {
            rest = after;
            join_strings(&mut tokens, token)?;
            continue;
        }
        let digit_follows = rest[first.len_utf8()..].starts_with(|c: char| c.is_ascii_digit());
        if first.is_ascii_digit() || (first == '.' && digit_follows) {
            let (token, after) = number(rest)?;
            tokens.push(Token::Constant(token));
            rest = after;
            continue;
        }
        if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
            continue;
        }
        let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) else {
            return fail(ErrorKind::Syntax, format!("invalid character '{first}'"));
        };
        tokens.push(Token::Symbol(symbol));
        rest = &rest[symbol.len()..];
    }
    tokens.push(Token::End);
    Ok(tokens)
}

/// Strings next to each other are one string.
fn join_strings(tokens: &mut Vec<Token>, next: Token) -> Result<()> {
    use Token::{Constant, Text};
    use Value::{Bytes, Str};
    let plain = |text: &str| Piece::Text(text.to_owned());
    let Some(last @ (Constant(Str(_) | Bytes(_)) | Text(_))) = tokens.last_mut() else {
        tokens.push(next);
        return Ok(());
    };
    match (last, next) {
        (Constant(Str(first)), Constant(Str(second))) => {
            *first = format!("{first}{second}").into();
        }
        (Constant(Bytes(first)), Constant(Bytes(second))) => {
            *first = [&first[..], &second[..]].concat().into();
        }
        (Text(first), Text(second)) => first.extend(second),
        (Text(first), Constant(Str(second))) => first.push(plain(&second)),
        (last @ Constant(Str(_)), Text(second)) => {
            let Constant(Str(first)) = &*last else { return Ok(()) };
            let first = plain(first);
            *last = Text(std::iter::once(first).chain(second).collect());
        }
        _ => return fail(ErrorKind::Syntax, "cannot mix bytes and text"),
    }
    Ok(())
}

fn string(text: &str) -> Result<Option<(Token, &str)>> {
    // At most two letters stand before a quote: looking further would make long texts slow.
    let prefix_length = text.bytes().take(3).take_while(u8::is_ascii_alphabetic).count();
    if !text[prefix_length..].starts_with(['\'', '"']) {
        return Ok(None);
    }
    let prefix = text[..prefix_length].to_ascii_lowercase();
    if !matches!(&*prefix, "" | "r" | "u" | "b" | "br" | "rb" | "f" | "fr" | "rf") {
        return Ok(None);
    }
    let body = &text[prefix_length..];
    let single = &body[..1];
    let triple = single.repeat(3);
    let quote = if body.starts_with(&triple) { triple.as_str() } else { single };
    let mut rest = &body[quote.len()..];
    let mut value = String::new();
    loop {
        if let Some(after) = rest.strip_prefix(quote) {
            let token = if prefix.contains('f') {
                Token::Text(pieces(&value)?)
            } else if prefix.contains('b') {
                let bytes = value.chars().map(|c| c as u8).collect();
                Token::Constant(Value::Bytes(Arc::new(bytes)))
            } else {
                Token::Constant(value.into())
            };
            return Ok(Some((token, after)));
        }
        let Some(c) = rest.chars().next() else {
            return fail(ErrorKind::Syntax, "unterminated string literal");
        };
        if c == '\n' && quote.len() == 1 {
            return fail(ErrorKind::Syntax, "unterminated string literal");
        }
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            value.push(c);
        } else if prefix.contains('r') {
            value.push('\\');
            let escaped = rest.chars().next();
            value.extend(escaped);
            rest = &rest[escaped.map_or(0, char::len_utf8)..];
        } else {
            rest = escape(rest, &mut value)?;
        }
    }
}

/// Reads what follows a backslash.
fn escape<'t>(text: &'t str, value: &mut String) -> Result<&'t str> {
    let Some(c) = text.chars().next() else {
        return fail(ErrorKind::Syntax, "unterminated string literal");
    };
    let rest = &text[c.len_utf8()..];
    let (least, most, radix) = match c {
        'x' => (2, 2, 16),
        'u' => (4, 4, 16),
        'U' => (8, 8, 16),
        '0'..='7' => (1, 3, 8),
        _ => (0, 0, 0),
    };
    if most > 0 {
        let digits = if radix == 8 { text } else { rest };
        let count = digits.chars().take(most).take_while(|c| c.is_digit(radix)).count();
        let code = u32::from_str_radix(&digits[..count], radix).ok().and_then(char::from_u32);
        let Some(code) = code.filter(|_| count >= least) else {
            return fail(ErrorKind::Syntax, format!("invalid escape \\{c}"));
        };
        value.push(code);
        return Ok(&digits[count..]);
    }
    match c {
        '\n' => {}
        'n' => value.push('\n'),
        't' => value.push('\t'),
        'r' => value.push('\r'),
        'a' => value.push('\x07'),
        'b' => value.push('\x08'),
        'f' => value.push('\x0c'),
        'v' => value.push('\x0b'),
        '\\' | '\'' | '"' => value.push(c),
        'N' => return fail(ErrorKind::Unsupported, "named characters are not supported"),
        other => value.extend(['\\', other]),
    }
    Ok(rest)
}

fn number(text: &str) -> Result<(Value, &str)> {
    let mut end = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(end) {
        let exponent_sign = matches!(byte, b'+' | b'-')
            && matches!(bytes[end - 1], b'e' | b'E')
            && !text.to_ascii_lowercase().starts_with("0x");
        if !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || exponent_sign) {
            break;
        }
        end += 1;
    }
    let (literal, rest) = text.split_at(end);
    let bad = |_: ()| fail(ErrorKind::Syntax, format!("invalid number '{literal}'"));
    if literal.ends_with('_') || literal.contains("__") {
        return bad(());
    }
    let plain = literal.replace('_', "").to_ascii_lowercase();
    let integer = match plain.get(..2) {
        Some("0x") => Int::from_digits(false, &plain[2..], 16),
        Some("0o") => Int::from_digits(false, &plain[2..], 8),
        Some("0b") => Int::from_digits(false, &plain[2..], 2),
        _ => Int::from_digits(false, &plain, 10),
    };
    if let Some(integer) = integer {
        let leading_zero = plain.len() > 1
            && plain.starts_with('0')
            && plain.bytes().all(|byte| byte.is_ascii_digit())
            && integer.as_i64() != Some(0);
        return if leading_zero { bad(()) } else { Ok((Value::Int(integer), rest)) };
    }
    let is_float =
        plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
    match plain.parse() {
        Ok(number) if is_float => Ok((Value::Float(number), rest)),
        _ => bad(()),
    }
}
