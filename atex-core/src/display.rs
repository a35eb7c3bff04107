//! [`one_line`] and [`Harmless`]: text of tests and remotes, made safe to show.

use std::fmt::{self, Write};

/// Whether a character is only itself: nothing that a terminal acts upon, that turns the direction of writing, or that
/// cannot be seen at all.
pub fn is_harmless(char: char) -> bool {
    !char.is_control()
        && !matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Shows a text with every character that is not [harmless](is_harmless) as an escape that can be read (`\n`, `\u{1b}`), and a
/// tab as a space: all on one line.
///
/// ```
/// use atex_core::display::Harmless;
///
/// assert_eq!(Harmless("red: \x1b[31m\n").to_string(), r"red: \u{1b}[31m\n");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Harmless<'a>(pub &'a str);

impl fmt::Display for Harmless<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|char| write_harmless(f, char))
    }
}

fn write_harmless(out: &mut impl Write, char: char) -> fmt::Result {
    match char {
        '\t' => out.write_char(' '),
        _ if is_harmless(char) => out.write_char(char),
        _ => write!(out, "{}", char.escape_default()),
    }
}

/// A text as [`Harmless`] shows it, in at most `max` characters: of a longer one the beginning, and `…`. An escape is never
/// cut. Costs no more than what is shown, however long the text is.
///
/// For bytes, give it `&String::from_utf8_lossy(bytes)`, of no more bytes than `4 * max`.
pub fn one_line(text: &str, max: usize) -> String {
    let (mut line, mut length, mut room_ends) = (String::new(), 0, 0);
    for char in text.chars() {
        let before = line.len();
        // Writing to a string does not fail.
        write_harmless(&mut line, char).ok();
        length += line[before..].chars().count();
        if length > max {
            line.truncate(room_ends);
            line.extend((max > 0).then_some('…'));
            break;
        }
        if length < max {
            room_ends = line.len();
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        let text = "a\u{1b}[31mb\r\n\tc\u{9b}\u{202e}\u{ad}\u{fffa}\u{e0041}ž";
        let shown = r"a\u{1b}[31mb\r\n c\u{9b}\u{202e}\u{ad}\u{fffa}\u{e0041}ž";
        assert_eq!(Harmless(text).to_string(), shown);
    }

    #[test]
    fn long_lines_are_cut_between_escapes() {
        let cases = [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("ab\n", 4, r"ab\n"),
            ("abc\n", 4, "abc…"),
            ("\u{1b}", 4, "…"),
            ("ž\nž", 4, r"ž\nž"),
            ("x", 0, ""),
        ];
        for (text, max, shown) in cases {
            assert_eq!(one_line(text, max), shown, "{text:?} in {max}");
        }
    }

    proptest! {
        #[test]
        fn lines_are_harmless_and_short(text in "(\\PC|[\\x00-\\x1f\u{202e}]){0,80}", max in 0..40_usize) {
            let line = one_line(&text, max);
            prop_assert!(line.chars().count() <= max);
            prop_assert!(line.chars().all(is_harmless), "{line:?}");
        }
    }
}
