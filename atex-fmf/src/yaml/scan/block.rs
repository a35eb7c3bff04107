//! Literal and folded blocks of text.

use super::super::YamlError;
use super::cursor::{Cursor, is_break};

/// What happens to the line breaks at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}

/// Reads a block, whose indicator comes next. It is indented further than `parent`.
pub(super) fn read(cursor: &mut Cursor<'_>, parent: Option<usize>) -> Result<String, YamlError> {
    let folded = cursor.peek() == Some('>');
    cursor.step();
    let (chomp, increment) = header(cursor)?;
    let least = parent.map_or(0, |parent| parent + 1);
    let mut breaks = String::new();
    let indent = match increment {
        Some(increment) => {
            let indent = least.max(1) + increment - 1;
            empty_lines(cursor, indent, &mut breaks);
            indent
        }
        None => least.max(find_indentation(cursor, &mut breaks)?),
    };
    let (mut out, mut last) = (String::new(), None);
    while cursor.column() == indent && cursor.peek().is_some() {
        out.push_str(&breaks);
        let begins_with_text = !cursor.peek().is_some_and(is_blank);
        out.push_str(cursor.line());
        last = cursor.line_break();
        breaks.clear();
        empty_lines(cursor, indent, &mut breaks);
        let document_ends = least == 0 && cursor.column() == 0 && cursor.is_document_mark();
        if document_ends || cursor.column() != indent || cursor.peek().is_none() {
            break;
        }
        if folded && last == Some('\n') && begins_with_text && !cursor.peek().is_some_and(is_blank)
        {
            if breaks.is_empty() {
                out.push(' ');
            }
        } else {
            out.extend(last);
        }
    }
    if chomp != Chomp::Strip {
        out.extend(last);
    }
    if chomp == Chomp::Keep {
        out.push_str(&breaks);
    }
    Ok(out)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// The rest of the first line: what becomes of line breaks, and how much the block is indented.
fn header(cursor: &mut Cursor<'_>) -> Result<(Chomp, Option<usize>), YamlError> {
    let (mut chomp, mut increment) = (None, None);
    while let Some(c) = cursor.peek() {
        match c {
            '-' | '+' if chomp.is_none() => {
                chomp = Some(if c == '+' { Chomp::Keep } else { Chomp::Strip });
            }
            '0' if increment.is_none() => {
                return Err(cursor.error("a block of text is indented by 1 to 9"));
            }
            '1'..='9' if increment.is_none() => increment = c.to_digit(10),
            _ => break,
        }
        cursor.step();
    }
    if !cursor.peek().is_none_or(|c| is_blank(c) || is_break(c)) {
        return Err(cursor.error("expected '+', '-', or how much the block of text is indented"));
    }
    cursor.take_while(is_blank);
    if cursor.peek() == Some('#') {
        cursor.line();
    }
    if !cursor.peek().is_none_or(is_break) {
        return Err(cursor.error("a block of text begins in the next line"));
    }
    cursor.line_break();
    Ok((chomp.unwrap_or(Chomp::Clip), increment.map(|digit| digit as usize)))
}

/// The indentation of the first line with content, and the empty lines before it.
fn find_indentation(cursor: &mut Cursor<'_>, breaks: &mut String) -> Result<usize, YamlError> {
    let (mut first, mut deepest) = (None, 0);
    loop {
        cursor.spaces();
        deepest = deepest.max(cursor.column());
        let column = cursor.column();
        let Some(c) = cursor.line_break() else { break };
        first.get_or_insert(column);
        breaks.push(c);
    }
    if first.is_some_and(|first| first > 0 && deepest > first) {
        return Err(cursor.error("an empty line before this one is indented otherwise"));
    }
    Ok(deepest)
}

/// Empty lines, and the indentation of the line after them.
fn empty_lines(cursor: &mut Cursor<'_>, indent: usize, breaks: &mut String) {
    loop {
        while cursor.column() < indent && cursor.peek() == Some(' ') {
            cursor.step();
        }
        let Some(c) = cursor.line_break() else { return };
        breaks.push(c);
    }
}
