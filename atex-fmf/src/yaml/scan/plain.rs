//! Texts without quotes, which may go over several lines.

use std::borrow::Cow;

use super::super::mark::Span;
use super::cursor::{Cursor, is_blank_or_end, is_break};

/// A text without quotes.
pub(super) struct Plain<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Span,
    /// Whether a line ended after it, so that a key may follow.
    pub(super) line_ended: bool,
}

/// Reads a text without quotes. Outside of brackets its lines are indented by `indent` at least.
pub(super) fn read<'t>(cursor: &mut Cursor<'t>, indent: usize, in_flow: bool) -> Plain<'t> {
    let start = cursor.mark();
    let mut end = start;
    let mut line_ended = false;
    // Once it is not a mere piece of the document.
    let mut folded: Option<String> = None;
    let mut between = String::new();
    loop {
        let word_start = cursor.mark();
        let length = word(cursor.rest(), in_flow);
        if length == 0 {
            break;
        }
        cursor.advance(length);
        line_ended = false;
        if let Some(folded) = &mut folded {
            folded.push_str(&between);
            folded.push_str(cursor.since(word_start));
        }
        end = cursor.mark();
        between.clear();
        let blanks = cursor.take_while(|c| matches!(c, ' ' | '\t'));
        if cursor.peek().is_some_and(is_break) {
            line_ended = true;
            if !fold(cursor, &mut between, indent) {
                break;
            }
            folded.get_or_insert_with(|| {
                let mut text = cursor.since(start).to_owned();
                text.truncate(end.byte - start.byte);
                text
            });
        } else if blanks.is_empty() {
            break;
        } else if folded.is_some() {
            between.push_str(blanks);
        }
        if cursor.peek() == Some('#') || (!in_flow && cursor.column() < indent) {
            break;
        }
    }
    let span = Span { start, end };
    let text = match folded {
        Some(folded) => Cow::Owned(folded),
        None => {
            let read = cursor.since(start);
            Cow::Borrowed(&read[..end.byte - start.byte])
        }
    };
    Plain { text, span, line_ended }
}

/// How many bytes come before a blank, a line break, or an indicator that ends the text.
fn word(rest: &str, in_flow: bool) -> usize {
    let bytes = rest.as_bytes();
    let ends = |at: usize| match bytes[at] {
        b' ' | b'\t' | b'\n' => true,
        b':' => is_blank_or_end(rest[at + 1..].chars().next()),
        b',' | b'[' | b']' | b'{' | b'}' => in_flow,
        0xe2 => rest[at..].starts_with(['\u{2028}', '\u{2029}']),
        _ => false,
    };
    (0..bytes.len()).find(|at| ends(*at)).unwrap_or(bytes.len())
}

/// Adds what line breaks in a text without quotes stand for; false if the document ends here.
fn fold(cursor: &mut Cursor<'_>, out: &mut String, indent: usize) -> bool {
    let first = cursor.line_break();
    let mut breaks = false;
    out.extend(first.filter(|c| *c != '\n'));
    loop {
        if cursor.is_document_mark() {
            return false;
        }
        cursor.spaces();
        // Tabs are blanks too, where they do not stand for indentation.
        if cursor.column() >= indent {
            cursor.take_while(|c| matches!(c, ' ' | '\t'));
        }
        let Some(c) = cursor.line_break() else { break };
        breaks = true;
        out.push(c);
    }
    if first == Some('\n') && !breaks {
        out.push(' ');
    }
    true
}
