//! Keywords for numbers and texts, and limits of sizes.

use std::cmp::Ordering;

use super::draft::Draft;
use super::walk::{Flow, Rule, Stop, Walk};
use super::wrong;
use crate::text::repr;
use crate::value::{Number, Value};

impl<'s> Walk<'s> {
    /// A keyword for a value that is neither a map nor a list.
    pub(super) fn scalar(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        match value {
            Value::Int(_) | Value::Float(_) => self.number(rule, value),
            Value::Str(text) => self.string(rule, text, value),
            _ => Ok(()),
        }
    }

    fn string(&mut self, rule: Rule<'_, 's>, text: &str, value: &Value) -> Flow {
        match rule.keyword {
            "minLength" | "maxLength" => self.size(rule, text.chars().count(), value),
            "pattern" => {
                let pattern = rule.value.as_str().ok_or_else(|| rule.malformed("a text"))?;
                if self.search(pattern, text)? {
                    return Ok(());
                }
                self.violation(format!("{} does not match {}", repr(value), repr(rule.value)))
            }
            _ => Ok(()),
        }
    }

    /// A limit of how many there are of something.
    pub(super) fn size(&mut self, rule: Rule<'_, 's>, size: usize, value: &Value) -> Flow {
        let size = Value::from(i64::try_from(size).unwrap_or(i64::MAX));
        let order = compare(rule, &size)?;
        let is = |number: i64| *rule.value == Value::from(number);
        let many = rule.keyword.ends_with("Properties");
        let wrong = match (rule.keyword.starts_with("min"), order) {
            (true, Some(Ordering::Less)) if is(1) => "should be non-empty",
            (true, Some(Ordering::Less)) if many => "does not have enough properties",
            (true, Some(Ordering::Less)) => "is too short",
            (false, Some(Ordering::Greater)) if is(0) => "is expected to be empty",
            (false, Some(Ordering::Greater)) if many => "has too many properties",
            (false, Some(Ordering::Greater)) => "is too long",
            _ => return Ok(()),
        };
        self.violation(format!("{} {wrong}", repr(value)))
    }

    fn number(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let exclusive = |keyword: &str| {
            rule.here.draft <= Draft::D4 && rule.beside(keyword).is_some_and(Value::is_truthy)
        };
        let (outside, equals, what) = match rule.keyword {
            "minimum" => (Ordering::Less, exclusive("exclusiveMinimum"), "less than"),
            "maximum" => (Ordering::Greater, exclusive("exclusiveMaximum"), "greater than"),
            "exclusiveMinimum" => (Ordering::Less, true, "less than"),
            "exclusiveMaximum" => (Ordering::Greater, true, "greater than"),
            "multipleOf" | "divisibleBy" => return self.multiple(rule, value),
            _ => return Ok(()),
        };
        let order = compare(rule, value)?;
        if order != Some(outside) && !(equals && order == Some(Ordering::Equal)) {
            return Ok(());
        }
        let or_equal = if equals { " or equal to" } else { "" };
        let limit = if outside == Ordering::Less { "minimum" } else { "maximum" };
        self.violation(format!(
            "{} is {what}{or_equal} the {limit} of {}",
            repr(value),
            repr(rule.value)
        ))
    }

    fn multiple(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let (Some(number), Some(divisor)) = (value.as_number(), rule.value.as_number()) else {
            return Err(rule.malformed("a number"));
        };
        if divisor.to_f64() == 0.0 {
            return Err(wrong(format!("'{}' cannot be zero", rule.keyword)).into());
        }
        let is_multiple = match (&number, &divisor) {
            (_, Number::Float(divisor)) => {
                let quotient = number.to_f64() / divisor;
                if quotient.is_nan() {
                    return Err(wrong(format!("{} has no multiples", repr(rule.value))).into());
                }
                // Past the range of floats every quotient would be infinite: the remainder is exact.
                if quotient.is_finite() {
                    quotient.fract() == 0.0
                } else {
                    number.to_f64() % divisor == 0.0
                }
            }
            (Number::Float(number), divisor) => number % divisor.to_f64() == 0.0,
            (Number::Int(number), Number::Int(divisor)) => match divisor.as_i64() {
                Some(divisor) => remainder(&number.to_string(), divisor.unsigned_abs()) == 0,
                None => {
                    number.as_i64() == Some(0) || number == divisor || *number == divisor.negate()
                }
            },
        };
        match is_multiple {
            true => Ok(()),
            false => {
                let message =
                    format!("{} is not a multiple of {}", repr(value), rule.value.to_text());
                self.violation(message)
            }
        }
    }
}

/// What is left of a whole number, given by its digits.
fn remainder(digits: &str, divisor: u64) -> u128 {
    let digits = digits.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % u128::from(divisor))
}

/// How a number compares with that of a keyword; not at all if one of them is no number (`.nan`).
fn compare(rule: Rule<'_, '_>, value: &Value) -> Result<Option<Ordering>, Stop> {
    let (Some(number), Some(limit)) = (value.as_number(), rule.value.as_number()) else {
        return Err(rule.malformed("a number"));
    };
    Ok(number.compare(&limit))
}
