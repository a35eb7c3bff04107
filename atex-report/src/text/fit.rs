//! Makes foreign text harmless, and fits it into columns.

use atex_core::display::Harmless;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text with everything that a terminal would act upon as an escape that can be read.
pub(super) fn printable(text: &str) -> String {
    Harmless(text).to_string()
}

/// The number of columns that a text takes on a terminal, if there is nothing in it that a terminal acts upon.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// A foreign text on one line of at most so many columns, with nothing in it that a terminal acts upon: what is too much is left
/// out of its middle. Costs no more than what is shown, and is bounded, however long the text is.
pub fn shorten(text: &str, width: usize) -> String {
    // Of a very long one, both ends are enough to know what is left.
    let ends = 4 * width + 16;
    if text.len() > 2 * ends {
        let head = &text[..text.floor_char_boundary(ends)];
        let tail = &text[text.ceil_char_boundary(text.len() - ends)..];
        return fit(&format!("{}{}", printable(head), printable(tail)), width);
    }
    fit(&printable(text), width)
}

/// The text in at most so many columns; what is too much is left out of its middle.
pub(super) fn fit(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let Some(rest) = width.checked_sub(1) else { return String::new() };
    let head = start_of(text, rest / 3);
    let tail: Vec<char> = {
        let mut left = rest - columns(head);
        let mut chars: Vec<char> = text
            .chars()
            .rev()
            .take_while(|char| {
                let fits = char.width().unwrap_or(0) <= left;
                left = left.saturating_sub(char.width().unwrap_or(0));
                fits
            })
            .collect();
        chars.reverse();
        chars
    };
    format!("{head}…{}", tail.iter().collect::<String>())
}

/// As much of the beginning of a text as has room in so many columns.
fn start_of(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, char)| {
        used += char.width().unwrap_or(0);
        used > width
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The text, fitted and filled up with spaces to exactly so many columns.
pub(super) fn pad(text: &str, width: usize) -> String {
    let text = fit(text, width);
    let missing = width.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(missing))
}

/// Foreign text as lines of at most so many columns, broken between words where that is possible; of more than `most` lines
/// the last says so.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.lines().filter(|line| !line.trim().is_empty()) {
        // A note of megabytes costs no more than what is shown of it.
        let shown = start_of(paragraph, width * (most + 1));
        wrap_line(&printable(shown), width, &mut lines);
        if lines.len() > most {
            break;
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = format!("{}…", start_of(last, width - 1));
        }
    }
    lines
}

fn wrap_line(text: &str, width: usize, lines: &mut Vec<String>) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && columns(&line) + 1 + columns(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let mut word = word;
        while columns(word) > width {
            // A character may be wider than the whole line.
            let first = word.chars().next().map_or(0, char::len_utf8);
            let (head, rest) = word.split_at(start_of(word, width).len().max(first));
            lines.push(head.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\n\tc\u{9b}\u{202e}ž"),
            "a\\u{1b}[31mb\\r\\n c\\u{9b}\\u{202e}ž"
        );
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(fit("/a/long/name/of/a/test", 10), "/a/…a/test");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("日本語テスト", 7), "日…スト");
        assert_eq!(pad("ab", 4), "ab  ");
    }

    #[test]
    fn notes_are_wrapped_and_cut() {
        assert_eq!(wrap("one two three\n\nfour", 8, 9), ["one two", "three", "four"]);
        assert_eq!(wrap("one two three four", 8, 2), ["one two", "three…"]);
        assert_eq!(wrap("abcdefghij", 4, 9), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap(" \n", 4, 9), [""; 0]);
    }

    proptest! {
        #[test]
        fn widths_are_kept(text in "(\\PC|[\\x00-\\x1f\u{202e}日 ]){0,80}", width in 2..40_usize, most in 1..5_usize) {
            prop_assert!(columns(&fit(&printable(&text), width)) <= width);
            prop_assert_eq!(columns(&pad(&printable(&text), width)), width);
            let lines = wrap(&text, width, most);
            prop_assert!(lines.len() <= most);
            for line in lines {
                prop_assert!(columns(&line) <= width, "{line:?}");
                prop_assert!(line.chars().all(atex_core::display::is_harmless), "{line:?}");
            }
        }
    }
}
