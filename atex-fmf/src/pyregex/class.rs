//! Character classes, escapes and literal characters of a pattern.

use super::translate::Flags;

/// What `\d`, `\s`, `\w` stand for inside brackets, and whether the escape is their negation.
pub(super) fn category(c: char, ascii: bool) -> Option<(&'static str, bool)> {
    let inside = match (c.to_ascii_lowercase(), ascii) {
        ('d', false) => "\\p{Nd}",
        ('d', true) => "0-9",
        ('s', false) => "\\s\\x1c-\\x1f",
        ('s', true) => " \\t\\n\\r\\x0b\\x0c",
        ('w', false) => "\\p{L}\\p{N}_",
        ('w', true) => "a-zA-Z0-9_",
        _ => return None,
    };
    Some((inside, c.is_ascii_uppercase()))
}

/// The character that an escape stands for, and the rest of the pattern.
pub(super) fn escaped_character(c: char, rest: &str) -> Result<(char, &str), String> {
    let simple = match c {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        'f' => Some('\x0c'),
        'v' => Some('\x0b'),
        'a' => Some('\x07'),
        _ => None,
    };
    if let Some(literal) = simple {
        return Ok((literal, rest));
    }
    let (digits, radix, exact) = match c {
        'x' => (2, 16, true),
        'u' => (4, 16, true),
        'U' => (8, 16, true),
        '0' => (2, 8, false),
        c if c.is_ascii_alphanumeric() => return Err(format!("bad escape \\{c}")),
        c => return Ok((c, rest)),
    };
    let count = rest.chars().take(digits).take_while(|c| c.is_digit(radix)).count();
    if exact && count < digits {
        return Err(format!("incomplete escape \\{c}"));
    }
    let (number, rest) = rest.split_at(count);
    let code = if number.is_empty() { Ok(0) } else { u32::from_str_radix(number, radix) };
    let literal = code.ok().and_then(char::from_u32);
    Ok((literal.ok_or_else(|| format!("bad escape \\{c}{number}"))?, rest))
}

/// Writes a character so that the engine takes it literally, inside and outside of classes.
pub(super) fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{:02x}", u32::from(c)));
    }
}

/// One side of a range, or a whole category.
enum Member {
    Character(char),
    Category(&'static str, bool),
}

/// Reads a class after its `[`; gives the engine's form, and the rest of the pattern.
pub(super) fn translate(pattern: &str, flags: Flags) -> Result<(String, &str), String> {
    let unterminated = || "unterminated character set".to_owned();
    let (negated, mut rest) = match pattern.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let mut out = String::from(if negated { "[^" } else { "[" });
    let mut first = true;
    loop {
        let mut chars = rest.chars();
        let c = chars.next().ok_or_else(unterminated)?;
        if c == ']' && !first {
            rest = chars.as_str();
            break;
        }
        first = false;
        let (low, after) = member(rest, flags)?;
        rest = after;
        let range = rest.strip_prefix('-').filter(|after| !after.starts_with(']'));
        let Some(after) = range else {
            push_member(&mut out, &low);
            continue;
        };
        let (high, after) = member(after, flags)?;
        rest = after;
        let (Member::Character(low), Member::Character(high)) = (low, high) else {
            return Err("bad character range".to_owned());
        };
        if low > high {
            return Err(format!("bad character range {low}-{high}"));
        }
        push_literal(&mut out, low);
        out.push('-');
        push_literal(&mut out, high);
    }
    out.push(']');
    Ok((out, rest))
}

fn member(pattern: &str, flags: Flags) -> Result<(Member, &str), String> {
    let mut chars = pattern.chars();
    let unterminated = || "unterminated character set".to_owned();
    let c = chars.next().ok_or_else(unterminated)?;
    if c != '\\' {
        return Ok((Member::Character(c), chars.as_str()));
    }
    let escaped = chars.next().ok_or_else(unterminated)?;
    if let Some((inside, negated)) = category(escaped, flags.ascii) {
        return Ok((Member::Category(inside, negated), chars.as_str()));
    }
    if escaped == 'b' {
        return Ok((Member::Character('\x08'), chars.as_str()));
    }
    if ('1'..='7').contains(&escaped) {
        let digits = pattern[1..].chars().take(3).take_while(|c| c.is_digit(8)).count();
        let code = u32::from_str_radix(&pattern[1..=digits], 8).unwrap_or(u32::MAX);
        let c = char::from_u32(code).filter(|_| code <= 0o377);
        return Ok((
            Member::Character(c.ok_or("octal escape out of range")?),
            &pattern[1 + digits..],
        ));
    }
    let (c, rest) = escaped_character(escaped, chars.as_str())?;
    Ok((Member::Character(c), rest))
}

fn push_member(out: &mut String, member: &Member) {
    match member {
        Member::Character(c) => push_literal(out, *c),
        Member::Category(inside, false) => out.push_str(inside),
        Member::Category(inside, true) => out.push_str(&format!("[^{inside}]")),
    }
}
