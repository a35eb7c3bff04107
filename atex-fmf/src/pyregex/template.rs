//! Replacement texts: `\1`, `\g<name>`, and escapes.

use crate::error::{Error, ErrorKind, Result};

use super::Regex;

/// A replacement text, checked against the pattern it belongs to.
#[derive(Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Group(usize),
}

impl Template {
    /// A text without any meaning of its own.
    pub(crate) fn literal(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    pub(crate) fn new(text: &str, regex: &Regex) -> Result<Self> {
        let bad = |reason: String| {
            Error::new(ErrorKind::Pattern, format!("invalid replacement '{text}': {reason}"))
        };
        let mut reader = Reader { rest: text, literal: String::new(), parts: Vec::new() };
        reader.read(regex).map_err(bad)?;
        Ok(Self(reader.parts))
    }

    pub(super) fn expand(&self, found: &fancy_regex::Captures<'_, str>, out: &mut String) {
        for part in &self.0 {
            if out.len() > super::MAX_REPLACED {
                break;
            }
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(number) => {
                    out.push_str(found.get(*number).map_or("", |group| group.as_str()));
                }
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    literal: String,
    parts: Vec<Part>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn digit(&mut self, radix: u32) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| c.is_digit(radix))?;
        self.next();
        Some(c)
    }

    fn group(&mut self, number: usize, regex: &Regex) -> Result<(), String> {
        if number >= regex.engine.captures_len() {
            return Err(format!("invalid group reference {number}"));
        }
        self.parts.push(Part::Text(std::mem::take(&mut self.literal)));
        self.parts.push(Part::Group(number));
        Ok(())
    }

    fn read(&mut self, regex: &Regex) -> Result<(), String> {
        while let Some(c) = self.next() {
            if c != '\\' {
                self.literal.push(c);
                continue;
            }
            match self.next().ok_or("bad escape (end of pattern)")? {
                'g' => self.named_group(regex)?,
                '0' => {
                    let digits: String = (0..2).map_while(|_| self.digit(8)).collect();
                    let code = u32::from_str_radix(&format!("0{digits}"), 8).unwrap_or(0);
                    self.literal.extend(char::from_u32(code));
                }
                first if first.is_ascii_digit() => self.numbered(first, regex)?,
                escaped => self.escape(escaped)?,
            }
        }
        self.parts.push(Part::Text(std::mem::take(&mut self.literal)));
        Ok(())
    }

    fn numbered(&mut self, first: char, regex: &Regex) -> Result<(), String> {
        let mut digits = String::from(first);
        if let Some(second) = self.digit(10) {
            digits.push(second);
            if digits.chars().all(|c| c.is_digit(8))
                && let Some(third) = self.digit(8)
            {
                digits.push(third);
                let code = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
                let c = char::from_u32(code).filter(|_| code <= 0o377);
                self.literal.push(c.ok_or("octal escape out of range")?);
                return Ok(());
            }
        }
        self.group(digits.parse().unwrap_or(usize::MAX), regex)
    }

    fn named_group(&mut self, regex: &Regex) -> Result<(), String> {
        let body = self.rest.strip_prefix('<').ok_or("missing <")?;
        let end = body.find('>').ok_or("missing >, unterminated name")?;
        let name = &body[..end];
        self.rest = &body[end + 1..];
        let number = if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            name.parse().unwrap_or(usize::MAX)
        } else {
            let position = regex.engine.capture_names().position(|group| group == Some(name));
            position.ok_or_else(|| format!("unknown group name '{name}'"))?
        };
        self.group(number, regex)
    }

    fn escape(&mut self, escaped: char) -> Result<(), String> {
        let literal = match escaped {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'v' => '\x0b',
            '\\' => '\\',
            letter if letter.is_ascii_alphabetic() => return Err(format!("bad escape \\{letter}")),
            other => {
                self.literal.push('\\');
                other
            }
        };
        self.literal.push(literal);
        Ok(())
    }
}
