//! [`Pack`]: named columns and texts in one buffer, which a page reads without parsing: little-endian numbers, aligned.
//!
//! ```text
//! length of the head: u32 │ head: JSON, padded with spaces │ sections, each beginning at a multiple of 8
//! ```
//! The head has `sections: {name: [from, bytes, width]}`, counted from the end of the head; `width` is the size of a number in bytes.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

/// Named sections in the making.
#[derive(Default)]
pub(super) struct Pack {
    places: Map<String, Value>,
    bytes: Vec<u8>,
}

/// The longest text that a page carries, in bytes. The whole of a longer one is in the results.
const TEXT_MAX: usize = 16 << 10;

impl Pack {
    /// Adds numbers, each in as few bytes as the greatest of them needs.
    pub(super) fn numbers(&mut self, name: &str, numbers: &[u32]) {
        let greatest = numbers.iter().copied().max().unwrap_or(0);
        let width = match greatest {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        };
        let from = self.begin();
        self.bytes.reserve(numbers.len() * width);
        for number in numbers {
            self.bytes.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        self.end(name, from, width);
    }

    /// Adds texts, which should be sorted: each as the number of UTF-16 units that it has in common with the one before, and the rest
    /// of it. Those that are too long are cut.
    pub(super) fn texts<'t>(&mut self, name: &str, texts: impl Iterator<Item = &'t str>) {
        let (mut same, mut rest) = (Vec::new(), Vec::new());
        let (from, mut before) = (self.begin(), String::new());
        for text in texts {
            let text = cut(text);
            let common = common(&before, &text);
            let units = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
            same.push(units(&text[..common]));
            rest.push(units(&text[common..]));
            self.bytes.extend_from_slice(&text.as_bytes()[common..]);
            before = text;
        }
        self.end(name, from, 1);
        self.numbers(&format!("{name}.same"), &same);
        self.numbers(&format!("{name}.rest"), &rest);
    }

    fn begin(&mut self) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        self.bytes.len()
    }

    fn end(&mut self, name: &str, from: usize, width: usize) {
        self.places.insert(name.to_owned(), json!([from, self.bytes.len() - from, width]));
    }

    /// Writes all of it, with what else the head says.
    pub(super) fn write(self, mut head: Map<String, Value>, out: &mut dyn Write) -> io::Result<()> {
        head.insert("sections".to_owned(), Value::Object(self.places));
        let mut text = serde_json::to_vec(&head)?;
        // The length itself takes four bytes.
        text.resize((text.len() + 4).next_multiple_of(8) - 4, b' ');
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(&text)?;
        out.write_all(&self.bytes)
    }
}

/// A text that is not too long.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let kept = &text[..text.floor_char_boundary(TEXT_MAX)];
    format!("{kept}… [{} bytes in all]", text.len())
}

/// How many bytes two texts have in common at their beginnings, in whole characters.
fn common(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    other.floor_char_boundary(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_share_their_beginnings_in_whole_characters() {
        assert_eq!(common("abc", "abd"), 2);
        assert_eq!(common("", "x"), 0);
        // Both begin with the same two bytes of four.
        assert_eq!(common("a\u{1f600}", "a\u{1f601}"), 1);
        let long = "ž".repeat(TEXT_MAX);
        assert!(cut(&long).ends_with("ž… [32768 bytes in all]"));
        assert_eq!(cut("ž"), "ž");
    }

    #[test]
    fn sections_are_aligned_and_named() {
        let mut pack = Pack::default();
        pack.numbers("small", &[1, 255]);
        pack.numbers("big", &[70_000]);
        pack.texts("t", ["a\u{1f600}b", "a\u{1f600}c"].into_iter());
        let mut out = Vec::new();
        pack.write(Map::new(), &mut out).unwrap();
        let length = u32::from_le_bytes(out[..4].try_into().unwrap()) as usize;
        assert_eq!((length + 4) % 8, 0);
        let head: Value = serde_json::from_slice(&out[4..4 + length]).unwrap();
        let expected = json!({"small": [0, 2, 1], "big": [8, 4, 4], "t": [16, 7, 1], "t.same": [24, 2, 1], "t.rest": [32, 2, 1]});
        assert_eq!(head["sections"], expected);
        let body = &out[4 + length..];
        assert_eq!(&body[..2], [1, 255]);
        assert_eq!(&body[16..23], "a\u{1f600}bc".as_bytes());
        assert_eq!((&body[24..26], &body[32..34]), (&[0, 3][..], &[4, 1][..]));
    }
}
