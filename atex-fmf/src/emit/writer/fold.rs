//! Writing the text of scalars, folded at the width of a line.
//!
//! A line is folded only where reading joins it again without loss: at a single space between two words.

use std::fmt::Write;

use super::scalar::{Style, is_plain};
use super::{After, Writer};

impl Writer {
    /// A scalar in the current line; further lines, if it may have any, start at `indent`.
    pub(super) fn scalar(&mut self, text: &str, style: Style, indent: usize, fold: bool) {
        match style {
            Style::Plain => self.plain(text, indent, fold),
            Style::Single => self.single(text, indent, fold),
            Style::Double | Style::Literal => self.double(text, indent, fold),
        }
    }

    /// A plain scalar: a word that does not fit goes to the next line, also the first one.
    fn plain(&mut self, text: &str, indent: usize, fold: bool) {
        let mut spaces = 1;
        for piece in pieces(text) {
            let length = piece.chars().count();
            if piece.starts_with(' ') {
                spaces = length;
                if fold && length == 1 && self.column >= self.width {
                    self.line(indent);
                    continue;
                }
            } else if fold
                && spaces == 1
                && self.column > indent
                && self.column + length > self.width
            {
                self.line(indent);
            }
            self.put(piece);
        }
    }

    /// A scalar without single quotes in single quotes: the line ends at the first space after its width.
    fn single(&mut self, text: &str, indent: usize, fold: bool) {
        self.put("'");
        let mut left = text.len();
        for piece in pieces(text) {
            let inside = left < text.len() && piece.len() < left;
            left -= piece.len();
            if piece == " " && inside && fold && self.column > self.width {
                self.line(indent);
            } else {
                self.put(piece);
            }
        }
        self.put("'");
    }

    /// A scalar in double quotes: whatever cannot stand for itself is escaped. A line that does not end at a single space
    /// ends with a backslash, and a space that the next one starts with has one, too.
    fn double(&mut self, text: &str, indent: usize, fold: bool) {
        self.put("\"");
        let chars: Vec<char> = text.chars().collect();
        let is_space = |index: usize| chars.get(index) == Some(&' ');
        let (mut start, mut folded) = (0, usize::MAX);
        for (index, &c) in chars.iter().enumerate() {
            if let Some(escape) = escape(c) {
                self.put_chars(&chars[start..index]);
                self.put(&escape);
                start = index + 1;
            }
            let may_end = c == ' ' || start > index;
            let inside = (index > 0 || start > index) && index + 1 < chars.len();
            let full = self.column + index.saturating_sub(start) > self.width;
            // A line is not folded again before anything of the text is in it.
            if !(fold && may_end && inside && full) || (index == start && folded == start) {
                continue;
            }
            if start <= index {
                self.put_chars(&chars[start..index]);
                start = index;
            }
            if start == index && c == ' ' && !is_space(index - 1) && !is_space(index + 1) {
                start += 1;
                self.line(indent);
            } else {
                self.put("\\");
                self.line(indent);
                if is_space(start) {
                    self.put("\\");
                }
            }
            folded = start;
        }
        self.put_chars(&chars[start..]);
        self.put("\"");
    }

    fn put_chars(&mut self, chars: &[char]) {
        self.out.extend(chars);
        self.column += chars.len();
    }

    /// A literal block.
    pub(super) fn literal(&mut self, text: &str, after: After) {
        let mut open_end = false;
        self.put("|");
        if text.starts_with([' ', '\n']) {
            // Without any content it does not matter, and nobody wonders about the usual number.
            let empty = text.bytes().all(|byte| byte == b'\n');
            let depth = if empty { 2 } else { after.depth() };
            self.put(&depth.to_string());
        }
        match text.strip_suffix('\n') {
            None => self.put("-"),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => {
                self.put("+");
                open_end = true;
            }
            Some(_) => {}
        }
        self.out.push('\n');
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.out.push_str(&" ".repeat(after.indent()));
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
        self.column = 0;
        self.open_end = open_end.then_some(self.out.len());
    }
}

/// The text cut into words and the spaces between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let spaces = rest.starts_with(' ');
        let end = rest.find(|c| (c == ' ') != spaces).unwrap_or(rest.len());
        let (piece, left) = rest.split_at(end);
        rest = left;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

fn escape(c: char) -> Option<String> {
    let short = match c {
        '"' | '\\' => c,
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '\u{85}' => 'N',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        c if is_plain(c) => return None,
        c => {
            let mut text = String::new();
            let code = u32::from(c);
            let _infallible = match code {
                0..=0xff => write!(text, "\\x{code:02X}"),
                0x100..=0xffff => write!(text, "\\u{code:04X}"),
                _ => write!(text, "\\U{code:08X}"),
            };
            return Some(text);
        }
    };
    Some(format!("\\{short}"))
}
