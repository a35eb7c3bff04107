//! Texts in quotes.

use std::borrow::Cow;

use super::super::YamlError;
use super::cursor::{Cursor, is_break};

/// Reads a text from its first quote to its last.
pub(super) fn read<'t>(cursor: &mut Cursor<'t>, quote: char) -> Result<Cow<'t, str>, YamlError> {
    cursor.step();
    let is_simple = |c: char| c != quote && c != '\\' && !is_break(c);
    let simple = cursor.take_while(is_simple);
    if cursor.peek() == Some(quote) && (quote == '"' || cursor.peek_second() != Some(quote)) {
        cursor.step();
        return Ok(simple.into());
    }
    // The blanks before a line break do not count, and there may be one here.
    let mut out = simple.trim_end_matches([' ', '\t']).to_owned();
    let mut blanks = &simple[out.len()..];
    loop {
        let Some(c) = cursor.peek() else {
            return Err(cursor.error("a quote is missing at the end of a text"));
        };
        if is_break(c) {
            fold(cursor, &mut out)?;
        } else {
            out.push_str(blanks);
            cursor.step();
            match c {
                '\\' if quote == '"' => escape(cursor, &mut out)?,
                c if c == quote && quote == '\'' && cursor.peek() == Some(quote) => {
                    cursor.step();
                    out.push(quote);
                }
                c if c == quote => return Ok(out.into()),
                c => out.push(c),
            }
            out.push_str(cursor.take_while(|c| is_simple(c) && !matches!(c, ' ' | '\t')));
        }
        blanks = cursor.take_while(|c| matches!(c, ' ' | '\t'));
    }
}

/// A line break is a blank, further ones are themselves.
fn fold(cursor: &mut Cursor<'_>, out: &mut String) -> Result<(), YamlError> {
    let first = cursor.line_break();
    let before = out.len();
    out.extend(first.filter(|c| *c != '\n'));
    breaks(cursor, out)?;
    if first == Some('\n') && out.len() == before {
        out.push(' ');
    }
    Ok(())
}

/// Empty lines, and the blanks at the beginning of the next.
fn breaks(cursor: &mut Cursor<'_>, out: &mut String) -> Result<(), YamlError> {
    loop {
        if cursor.is_document_mark() {
            return Err(cursor.error("the document ends inside of a text in quotes"));
        }
        cursor.take_while(|c| matches!(c, ' ' | '\t'));
        match cursor.line_break() {
            Some(c) => out.push(c),
            None => return Ok(()),
        }
    }
}

fn escape(cursor: &mut Cursor<'_>, out: &mut String) -> Result<(), YamlError> {
    let Some(c) = cursor.peek() else { return Ok(()) };
    if is_break(c) {
        cursor.line_break();
        return breaks(cursor, out);
    }
    let unknown = |cursor: &Cursor<'_>| cursor.error(format!("there is no escape '\\{c}'"));
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            out.push(single(c).ok_or_else(|| unknown(cursor))?);
            cursor.step();
            return Ok(());
        }
    };
    cursor.step();
    let mut code = 0;
    for _ in 0..digits {
        let digit = cursor.peek().and_then(|c| c.to_digit(16));
        let digit = digit.ok_or_else(|| {
            cursor.error(format!("{digits} hexadecimal digits must follow after '\\{c}'"))
        })?;
        code = code << 4 | digit;
        cursor.step();
    }
    let c = char::from_u32(code);
    out.push(c.ok_or_else(|| cursor.error("an escape stands for no character"))?);
    Ok(())
}

/// What a backslash makes of the character after it.
fn single(c: char) -> Option<char> {
    Some(match c {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' | '"' | '/' | '\\' => c,
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    })
}
