//! Texts in quotes in flow collections.

use std::borrow::Cow;

use super::super::YamlError;
use super::scanner::{Scanner, is_break};

/// Reads a text from its first quote to its last.
pub(super) fn read<'t>(scanner: &mut Scanner<'t>, quote: char) -> Result<Cow<'t, str>, YamlError> {
    scanner.step();
    let is_simple = |c: char| c != quote && c != '\\' && !is_break(c);
    let simple = scanner.take_while(is_simple);
    if scanner.peek() == Some(quote) && (quote == '"' || scanner.peek_at(1) != Some(quote)) {
        scanner.step();
        return Ok(simple.into());
    }
    // The blanks before a line break do not count, and there may be one here.
    let mut out = simple.trim_end_matches([' ', '\t']).to_owned();
    let mut blanks = &simple[out.len()..];
    loop {
        let Some(c) = scanner.peek().filter(|c| *c != '\0') else {
            return Err(scanner.error("a quote is missing at the end of a text"));
        };
        if is_break(c) {
            fold(scanner, &mut out)?;
        } else {
            out.push_str(blanks);
            scanner.step();
            match c {
                '\\' if quote == '"' => escape(scanner, &mut out)?,
                c if c == quote && quote == '\'' && scanner.peek() == Some(quote) => {
                    scanner.step();
                    out.push(quote);
                }
                c if c == quote => return Ok(out.into()),
                c => out.push(c),
            }
            out.push_str(scanner.take_while(|c| is_simple(c) && !matches!(c, ' ' | '\t')));
        }
        blanks = scanner.take_while(|c| matches!(c, ' ' | '\t'));
    }
}

/// A line break is a blank, further ones are themselves.
fn fold(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), YamlError> {
    let first = scanner.line_break();
    let before = out.len();
    out.extend(first.filter(|c| *c != '\n'));
    breaks(scanner, out)?;
    if first == Some('\n') && out.len() == before {
        out.push(' ');
    }
    Ok(())
}

/// Empty lines, and the blanks at the beginning of the next.
fn breaks(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), YamlError> {
    loop {
        if scanner.is_document_mark() {
            return Err(scanner.error("the document ends inside of a text in quotes"));
        }
        scanner.take_while(|c| matches!(c, ' ' | '\t'));
        match scanner.line_break() {
            Some(c) => out.push(c),
            None => return Ok(()),
        }
    }
}

fn escape(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), YamlError> {
    let Some(c) = scanner.peek() else { return Ok(()) };
    if is_break(c) {
        scanner.line_break();
        return breaks(scanner, out);
    }
    let unknown = |scanner: &Scanner<'_>| scanner.error(&format!("there is no escape '\\{c}'"));
    let digits = match c {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            out.push(single(c).ok_or_else(|| unknown(scanner))?);
            scanner.step();
            return Ok(());
        }
    };
    scanner.step();
    let mut code = 0;
    for _ in 0..digits {
        let digit = scanner.peek().and_then(|c| c.to_digit(16));
        let digit = digit.ok_or_else(|| {
            scanner.error(&format!("{digits} hexadecimal digits must follow after '\\{c}'"))
        })?;
        code = code << 4 | digit;
        scanner.step();
    }
    let c = char::from_u32(code);
    out.push(c.ok_or_else(|| scanner.error("an escape stands for no character"))?);
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
