//! Templates with placeholders, as `str.format` of Python fills them.

use crate::error::{Error, ErrorKind, Result};
use crate::text;
use crate::value::Value;

/// Widths and precisions above this are refused: they only fill memory.
const MAX_WIDTH: usize = 10_000;

/// Fills the placeholders of a template.
pub(super) fn format(template: &str, values: &[Value]) -> Result<String> {
    let mut out = String::new();
    let mut rest = template;
    let mut numbering = Numbering::Open;
    while let Some(position) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(position);
        out.push_str(before);
        if from.starts_with("{{") || from.starts_with("}}") {
            out.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let end = from.find('}').filter(|end| *end > 0).ok_or_else(|| {
            wrong(ErrorKind::Value, format!("a single '{}' in '{template}'", &from[..1]))
        })?;
        let field = Field::parse(&from[1..end])?;
        let index = numbering.next(field.index)?;
        let value = values.get(index).ok_or_else(|| {
            let message =
                format!("there are {} values, but the template wants one more", values.len());
            wrong(ErrorKind::Lookup, message)
        })?;
        field.write(&mut out, value)?;
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn wrong(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, message)
}

/// Placeholders are numbered either all or not at all.
#[derive(Debug, Clone, Copy)]
enum Numbering {
    Open,
    Automatic(usize),
    Manual,
}

impl Numbering {
    fn next(&mut self, given: Option<usize>) -> Result<usize> {
        let index = match (*self, given) {
            (Self::Open | Self::Manual, Some(index)) => {
                *self = Self::Manual;
                index
            }
            (Self::Open, None) => {
                *self = Self::Automatic(1);
                0
            }
            (Self::Automatic(next), None) => {
                *self = Self::Automatic(next + 1);
                next
            }
            (Self::Automatic(_), Some(_)) | (Self::Manual, None) => {
                let message = "placeholders are numbered either all or not at all";
                return Err(wrong(ErrorKind::Value, message));
            }
        };
        Ok(index)
    }
}

/// What stands between the braces.
#[derive(Debug)]
struct Field<'t> {
    index: Option<usize>,
    repr: bool,
    layout: Layout<'t>,
}

#[derive(Debug)]
struct Layout<'t> {
    fill: char,
    align: Option<char>,
    width: usize,
    precision: Option<usize>,
    kind: &'t str,
}

impl<'t> Field<'t> {
    fn parse(text: &'t str) -> Result<Self> {
        let (name, layout) = text.split_once(':').unwrap_or((text, ""));
        let (name, conversion) = name.split_once('!').unwrap_or((name, "s"));
        let index = match name {
            "" => None,
            name => Some(name.parse().map_err(|_| {
                let message = format!("the placeholder '{name}' is no number");
                wrong(ErrorKind::Lookup, message)
            })?),
        };
        let repr = match conversion {
            "r" | "a" => true,
            "s" => false,
            other => {
                let message = format!("the conversion '!{other}' is not known");
                return Err(wrong(ErrorKind::Value, message));
            }
        };
        Ok(Self { index, repr, layout: Layout::parse(layout)? })
    }

    fn write(&self, out: &mut String, value: &Value) -> Result<()> {
        let Layout { fill, align, width, precision, kind } = self.layout;
        let (text, number) = match (value, kind) {
            (value, _) if self.repr => (text::repr(value), false),
            (Value::Int(_) | Value::Float(_) | Value::Bool(_), "f") => {
                let number = value.as_number().map_or(0.0, |number| number.to_f64());
                (format!("{number:.*}", precision.unwrap_or(6)), true)
            }
            (Value::Int(_), "" | "d") | (Value::Float(_), "") if precision.is_none() => {
                (value.to_text().into_owned(), true)
            }
            (Value::Str(text), "" | "s") => {
                (text.chars().take(precision.unwrap_or(usize::MAX)).collect(), false)
            }
            (value, "") if precision.is_none() => (value.to_text().into_owned(), false),
            (value, kind) => {
                let message = format!("a '{}' cannot be written as '{kind}'", value.type_name());
                return Err(wrong(ErrorKind::Unsupported, message));
            }
        };
        let missing = width.saturating_sub(text.chars().count());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) if number => ("-", digits),
            _ => ("", text.as_str()),
        };
        let (before, between, after) = match align.unwrap_or(if number { '>' } else { '<' }) {
            '<' => (0, 0, missing),
            '^' => (missing / 2, 0, missing - missing / 2),
            '=' => (0, missing, 0),
            _ => (missing, 0, 0),
        };
        let padding = |count: usize| fill.to_string().repeat(count);
        out.extend([&padding(before), sign, &padding(between), digits, &padding(after)]);
        Ok(())
    }
}

impl<'t> Layout<'t> {
    fn parse(text: &'t str) -> Result<Self> {
        let is_align = |c: char| matches!(c, '<' | '>' | '^' | '=');
        let mut chars = text.chars();
        let (first, second) = (chars.next(), chars.next());
        let (mut fill, mut align, mut rest) = (' ', None, text);
        if let (Some(first), Some(second)) = (first, second)
            && is_align(second)
        {
            (fill, align) = (first, Some(second));
            rest = &text[first.len_utf8() + 1..];
        } else if let Some(first) = first.filter(|c| is_align(*c)) {
            align = Some(first);
            rest = &text[1..];
        }
        if align.is_none() && rest.starts_with('0') {
            (fill, align) = ('0', Some('='));
        }
        let width = number(&mut rest)?.unwrap_or(0);
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            precision = number(&mut rest)?;
        }
        Ok(Self { fill, align, width, precision, kind: rest })
    }
}

fn number(rest: &mut &str) -> Result<Option<usize>> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after;
    if digits.is_empty() {
        return Ok(None);
    }
    let number = digits.parse().ok().filter(|number| *number <= MAX_WIDTH);
    number.map(Some).ok_or_else(|| {
        wrong(ErrorKind::Limit, format!("a placeholder wants more than {MAX_WIDTH} characters"))
    })
}
