//! From a Python pattern to one for the engine: anchors, escapes, groups, and the errors Python would report.

use super::class;

/// How many characters a part of a pattern can match; `None` as maximum: any number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Width {
    pub(super) min: usize,
    pub(super) max: Option<usize>,
}

impl Width {
    pub(super) const ZERO: Self = Self { min: 0, max: Some(0) };
    const ONE: Self = Self { min: 1, max: Some(1) };

    fn then(self, next: Self) -> Self {
        let max = self.max.zip(next.max).map(|(a, b)| a.saturating_add(b));
        Self { min: self.min.saturating_add(next.min), max }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.zip(other.max).map(|(a, b)| a.max(b)) }
    }

    fn repeat(self, min: usize, max: Option<usize>) -> Self {
        let upper = if self.max == Some(0) {
            Some(0)
        } else {
            self.max.zip(max).map(|(width, count)| width.saturating_mul(count))
        };
        Self { min: self.min.saturating_mul(min), max: upper }
    }
}

/// Flags that change what the translation itself does; the others are the engine's.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) ascii: bool,
    multi_line: bool,
    verbose: bool,
}

/// A group of the pattern, as far as it has been read.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Option<String>,
    pub(super) width: Option<Width>,
}

pub(super) struct Translator<'p> {
    pub(super) rest: &'p str,
    pub(super) out: String,
    pub(super) groups: Vec<Group>,
    pub(super) depth: usize,
}

/// What the last item was: not everything can be repeated.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Last {
    Nothing,
    Anchor,
    Item,
    Repeat,
}

pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator =
        Translator { rest: pattern, out: String::new(), groups: Vec::new(), depth: 0 };
    let flags = translator.leading_flags()?;
    translator.alternatives(flags)?;
    if !translator.rest.is_empty() {
        return Err("unbalanced parenthesis".to_owned());
    }
    Ok(translator.out)
}

impl Translator<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `(?ims)` at the very start holds for the whole pattern.
    fn leading_flags(&mut self) -> Result<Flags, String> {
        let mut flags = Flags::default();
        while let Some(body) = self.rest.strip_prefix("(?") {
            let Some(end) = body.find(|c: char| !c.is_ascii_alphabetic()) else { break };
            if end == 0 || !body[end..].starts_with(')') {
                break;
            }
            let names = &body[..end];
            if names.starts_with('P') {
                break;
            }
            let engine = read_flags(names, &mut flags, true)?;
            self.rest = &body[end + 1..];
            if !engine.is_empty() {
                self.out.push_str(&format!("(?{engine})"));
            }
        }
        Ok(flags)
    }

    pub(super) fn alternatives(&mut self, flags: Flags) -> Result<Width, String> {
        let mut width = self.sequence(flags)?;
        while self.eat("|") {
            self.out.push('|');
            width = width.or(self.sequence(flags)?);
        }
        Ok(width)
    }

    pub(super) fn sequence(&mut self, flags: Flags) -> Result<Width, String> {
        let mut total = Width::ZERO;
        let mut item = Width::ZERO;
        let mut last = Last::Nothing;
        let mut start = self.out.len();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            if flags.verbose && self.skip_blank(c) {
                continue;
            }
            if self.eat("(?#") {
                let end = self.rest.find(')').ok_or("missing ), unterminated comment")?;
                self.rest = &self.rest[end + 1..];
                continue;
            }
            if let Some((min, max, text)) = self.quantifier()? {
                match last {
                    Last::Nothing | Last::Anchor => return Err("nothing to repeat".to_owned()),
                    Last::Repeat => return Err("multiple repeat".to_owned()),
                    Last::Item => {}
                }
                // The engine would read `{2}+` differently: a group keeps the item together.
                self.out.insert_str(start, "(?:");
                // The engine refuses to repeat what is empty; once is as good as often.
                self.out.push_str(match (item.max, min) {
                    (Some(0), 0) => "|)",
                    _ => ")",
                });
                if item.max != Some(0) {
                    self.out.push_str(&text);
                }
                item = item.repeat(min, max);
                last = Last::Repeat;
                continue;
            }
            total = total.then(item);
            start = self.out.len();
            self.next();
            (item, last) = self.item(c, flags)?;
        }
        Ok(total.then(item))
    }

    fn skip_blank(&mut self, c: char) -> bool {
        if c == '#' {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.rest = &self.rest[end..];
            return true;
        }
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
        if blank {
            self.next();
        }
        blank
    }

    /// A quantifier with its `?` or `+`, if there is one here; a brace that is none is a plain character.
    fn quantifier(&mut self) -> Result<Option<(usize, Option<usize>, String)>, String> {
        let (min, max) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(),
            _ => return Ok(None),
        };
        let mut text = self.next().map(String::from).unwrap_or_default();
        self.suffix(&mut text);
        Ok(Some((min, max, text)))
    }

    fn counted(&mut self) -> Result<Option<(usize, Option<usize>, String)>, String> {
        let body = &self.rest[1..];
        let Some(end) = body.find('}') else { return Ok(None) };
        let inside = &body[..end];
        let (low, high) = inside.split_once(',').unwrap_or((inside, inside));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if inside.is_empty() || !digits(low) || !digits(high) {
            return Ok(None);
        }
        let number =
            |text: &str| text.parse::<usize>().map_err(|_| "the repetition number is too large");
        let min = if low.is_empty() { 0 } else { number(low)? };
        let max = if high.is_empty() { None } else { Some(number(high)?) };
        if max.is_some_and(|max| max < min) {
            return Err("min repeat greater than max repeat".to_owned());
        }
        self.rest = &body[end + 1..];
        let mut text = match max {
            Some(max) => format!("{{{min},{max}}}"),
            None => format!("{{{min},}}"),
        };
        self.suffix(&mut text);
        Ok(Some((min, max, text)))
    }

    fn suffix(&mut self, text: &mut String) {
        if self.eat("?") {
            text.push('?');
        } else if self.eat("+") {
            text.push('+');
        }
    }

    fn item(&mut self, c: char, flags: Flags) -> Result<(Width, Last), String> {
        match c {
            '^' => self.out.push_str(if flags.multi_line { "(?m:^)" } else { "\\A" }),
            '$' => self.out.push_str(if flags.multi_line { "(?m:$)" } else { "(?=\\n?\\z)" }),
            '.' => {
                self.out.push('.');
                return Ok((Width::ONE, Last::Item));
            }
            '[' => {
                let (text, rest) = class::translate(self.rest, flags)?;
                self.rest = rest;
                self.out.push_str(&text);
                return Ok((Width::ONE, Last::Item));
            }
            '(' => return self.group(flags),
            '\\' => return self.escape(flags),
            c => {
                class::push_literal(&mut self.out, c);
                return Ok((Width::ONE, Last::Item));
            }
        }
        Ok((Width::ZERO, Last::Anchor))
    }

    fn escape(&mut self, flags: Flags) -> Result<(Width, Last), String> {
        let Some(c) = self.next() else { return Err("bad escape (end of pattern)".to_owned()) };
        let anchor = match c {
            'A' => Some("\\A"),
            'Z' => Some("\\z"),
            'b' if flags.ascii => Some("(?-u:\\b)"),
            'B' if flags.ascii => Some("(?-u:\\B)"),
            'b' => Some("\\b"),
            'B' => Some("\\B"),
            _ => None,
        };
        if let Some(anchor) = anchor {
            self.out.push_str(anchor);
            return Ok((Width::ZERO, Last::Anchor));
        }
        if c.is_ascii_digit() && c != '0' {
            return self.back_reference_or_octal(c);
        }
        match class::category(c, flags.ascii) {
            Some((inside, negated)) => {
                self.out.push_str(&format!("[{}{inside}]", if negated { "^" } else { "" }));
            }
            None => {
                let (literal, rest) = class::escaped_character(c, self.rest)?;
                self.rest = rest;
                class::push_literal(&mut self.out, literal);
            }
        }
        Ok((Width::ONE, Last::Item))
    }

    fn back_reference_or_octal(&mut self, first: char) -> Result<(Width, Last), String> {
        let mut digits = String::from(first);
        if let Some(second) = self.peek().filter(char::is_ascii_digit) {
            self.next();
            digits.push(second);
            let octal = |text: &str| text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
            if let Some(third) = self.peek().filter(|c| ('0'..='7').contains(c))
                && octal(&digits)
            {
                self.next();
                digits.push(third);
                let code = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
                let c = char::from_u32(code).filter(|_| code <= 0o377);
                class::push_literal(&mut self.out, c.ok_or("octal escape out of range")?);
                return Ok((Width::ONE, Last::Item));
            }
        }
        let number: usize = digits.parse().unwrap_or(usize::MAX);
        self.back_reference(number)
    }

    pub(super) fn back_reference(&mut self, number: usize) -> Result<(Width, Last), String> {
        match number.checked_sub(1).and_then(|index| self.groups.get(index)) {
            None => Err(format!("invalid group reference {number}")),
            Some(Group { width: None, .. }) => Err("cannot refer to an open group".to_owned()),
            Some(Group { width: Some(width), .. }) => {
                let width = *width;
                self.out.push_str(&format!("(?:\\{number})"));
                Ok((width, Last::Item))
            }
        }
    }
}

/// Reads flag letters into `flags`; gives those that the engine handles.
pub(super) fn read_flags(names: &str, flags: &mut Flags, on: bool) -> Result<String, String> {
    let mut engine = String::new();
    for name in names.chars() {
        match name {
            'i' | 's' => engine.push(name),
            'm' => flags.multi_line = on,
            'x' => flags.verbose = on,
            'a' if on => flags.ascii = true,
            'u' if on => flags.ascii = false,
            _ => return Err(format!("unknown flag '{name}'")),
        }
    }
    Ok(engine)
}
