//! Which type a plain scalar has: YAML 1.2 as the format reads it, a little looser than the core schema.

use crate::integer::Int;
use crate::time::{Date, DateTime, Zone};
use crate::value::Value;

/// A plain scalar that looks like a number or a date, but is none.
#[derive(Debug)]
pub(super) struct Impossible(pub(super) &'static str);

/// What a plain scalar is.
#[derive(Debug)]
pub(super) enum Plain {
    Value(Value),
    /// The text itself.
    Text,
    /// `<<`: the key that merges another map.
    Merge,
    /// `=`: a string as a key, an error as a value.
    Default,
}

/// Decides the type of a plain scalar.
pub(super) fn resolve(text: &str) -> Result<Plain, Impossible> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        "<<" => return Ok(Plain::Merge),
        "=" => return Ok(Plain::Default),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => {
            return numeric(text);
        }
        _ => return Ok(Plain::Text),
    };
    Ok(Plain::Value(value))
}

fn numeric(text: &str) -> Result<Plain, Impossible> {
    if is_float(text) {
        return float(text).map(Plain::Value);
    }
    if is_int(text) {
        return int(text).map(Plain::Value);
    }
    timestamp(text).map_or(Ok(Plain::Text), |value| value.map(Plain::Value))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'_' || allowed(byte))
}

fn is_int(text: &str) -> bool {
    let body = unsigned(text);
    if text.starts_with('.') {
        return false;
    }
    match body.as_bytes() {
        [b'0', b'b', ..] => all(&body[2..], |byte| matches!(byte, b'0' | b'1')),
        [b'0', b'o', ..] => all(&body[2..], |byte| (b'0'..=b'7').contains(&byte)),
        [b'0', b'x', ..] => all(&body[2..], |byte| byte.is_ascii_hexdigit()),
        _ => all(body, |byte| byte.is_ascii_digit()),
    }
}

/// Reads what [`is_int`] accepts, and what a `!!int` tag stands before.
pub(super) fn int(text: &str) -> Result<Value, Impossible> {
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    let body = unsigned(&plain);
    let (digits, radix) = match body.get(..2) {
        Some("0b") => (&body[2..], 2),
        Some("0o") => (&body[2..], 8),
        Some("0x") => (&body[2..], 16),
        _ => (body, 10),
    };
    Int::from_digits(plain.starts_with('-'), digits, radix)
        .map(Value::Int)
        .ok_or(Impossible("not a valid integer"))
}

fn is_float(text: &str) -> bool {
    let body = unsigned(text);
    if matches!(body, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(position) => (&body[..position], Some(&body[position + 1..])),
        None => (body, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte == b'_' || byte.is_ascii_digit());
    let exponent_is = |sign_needed: bool| {
        exponent.is_none_or(|exponent| {
            let number = unsigned(exponent);
            (!sign_needed || number.len() < exponent.len())
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction) && exponent_is(true),
        Some((whole, fraction)) => {
            whole.starts_with(|c: char| c.is_ascii_digit())
                && digits(whole)
                && digits(fraction)
                && exponent_is(false)
        }
        None => {
            exponent.is_some()
                && mantissa.starts_with(|c: char| c.is_ascii_digit())
                && digits(mantissa)
                && exponent_is(false)
        }
    }
}

/// Reads what [`is_float`] accepts, and what a `!!float` tag stands before.
pub(super) fn float(text: &str) -> Result<Value, Impossible> {
    let plain: String = text.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
    let body = unsigned(&plain);
    let number = match body {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if body.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            body.parse().map_err(|_| Impossible("not a valid number"))?
        }
        _ => return Err(Impossible("not a valid number")),
    };
    Ok(Value::Float(if plain.starts_with('-') { -number } else { number }))
}

/// None if the text does not look like a date or a point in time.
pub(super) fn timestamp(text: &str) -> Option<Result<Value, Impossible>> {
    let mut rest = Cursor(text);
    let year = rest.digits(4, 4)?;
    let month = rest.eat("-")?.digits(1, 2)?;
    let day = rest.eat("-")?.digits(1, 2)?;
    let date = || Date::new(year as u16, month as u8, day as u8);
    if rest.0.is_empty() {
        // A bare date has two digits for month and day.
        return (text.len() == 10)
            .then(|| date().map(Value::Date).ok_or(Impossible("there is no such day")));
    }
    let separated = rest.eat("T").is_some() || rest.eat("t").is_some() || rest.blanks() > 0;
    if !separated {
        return None;
    }
    let hour = rest.digits(1, 2)?;
    let minute = rest.eat(":")?.digits(2, 2)?;
    let second = rest.eat(":")?.digits(2, 2)?;
    let micros = if rest.eat(".").is_some() { rest.fraction() } else { 0 };
    let zone = rest.zone()?;
    Some(
        date()
            .and_then(|date| DateTime::new(date, (hour, minute, second), micros, zone))
            .map(|time| Value::DateTime(time.into()))
            .ok_or(Impossible("there is no such day or time")),
    )
}

/// What is left of a text that is being read.
struct Cursor<'a>(&'a str);

impl Cursor<'_> {
    fn eat(&mut self, expected: &str) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(self)
    }

    fn digits(&mut self, least: usize, most: usize) -> Option<u64> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        digits.parse().ok()
    }

    fn blanks(&mut self) -> usize {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let count = self.0.len() - rest.len();
        self.0 = rest;
        count
    }

    /// Digits after the decimal point, rounded to microseconds; the result may be a whole second.
    fn fraction(&mut self) -> u64 {
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        let micros = (0..6).fold(0, |micros, index| {
            micros * 10 + digits.as_bytes().get(index).map_or(0, |digit| u64::from(digit - b'0'))
        });
        micros + u64::from(digits.as_bytes().get(6).is_some_and(|digit| *digit > b'4'))
    }

    /// The distance to UTC, if there is one; none if something else follows.
    fn zone(&mut self) -> Option<Option<Zone>> {
        if self.0.is_empty() {
            return Some(None);
        }
        self.blanks();
        let text = self.0.into();
        if self.0 == "Z" {
            return Some(Some(Zone { minutes: 0, text }));
        }
        let sign = match (self.eat("-").is_some(), self.0.strip_prefix('+')) {
            (true, _) => -1,
            (false, Some(rest)) => {
                self.0 = rest;
                1
            }
            (false, None) => return None,
        };
        let hours = self.digits(1, 2)?;
        let minutes = if self.eat(":").is_some() { self.digits(2, 2)? } else { 0 };
        let minutes = sign * (hours * 60 + minutes) as i32;
        self.0.is_empty().then_some(Some(Zone { minutes, text }))
    }
}
