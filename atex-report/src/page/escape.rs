//! Hostile text as text of a page.

use std::fmt::{self, Display, Formatter, Write};

/// Shows a text within HTML, in elements and in quoted attributes. Control characters, and those that turn the direction of
/// writing around, are shown as what they are.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' => f.write_char(character)?,
                '\u{0}'..='\u{1f}' => {
                    f.write_char(char::from_u32(0x2400 + u32::from(character)).unwrap_or('?'))?;
                }
                '\u{7f}'..='\u{9f}'
                | '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}' => write!(f, "[U+{:04X}]", u32::from(character))?,
                character => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup_and_nothing_is_hidden() {
        let text = "</script><b a='1' b=\"2\">&\u{0}\u{1b}[2J\u{202e}x\u{7f}ž\n";
        let shown = Escaped(text).to_string();
        assert_eq!(
            shown,
            "&lt;/script&gt;&lt;b a=&#39;1&#39; b=&quot;2&quot;&gt;&amp;␀␛[2J[U+202E]x[U+007F]ž\n"
        );
    }
}
