//! The language of rules: dimensions, operators, values, `and`, `or`.

use crate::error::{Error, ErrorKind, Result};
use crate::value::Value;

use super::Version;

/// A parsed rule.
///
/// ```
/// use atex_fmf::Rule;
/// assert!(Rule::parse("distro == rhel-9 or distro ~= fedora-41").is_ok());
/// let error = Rule::parse("(distro == rhel)").unwrap_err();
/// assert_eq!(error.to_string(), "cannot parse the expression '(distro == rhel)' of a rule");
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    text: String,
    /// One of these must hold; of each, all.
    alternatives: Vec<Vec<Expression>>,
}

#[derive(Debug, Clone)]
pub(crate) enum Expression {
    Constant(bool),
    Defined { dimension: String, expected: bool },
    Compare { dimension: String, operator: Operator, values: Vec<Version> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Less,
    MinorLess,
    LessOrEqual,
    MinorLessOrEqual,
    Equal,
    MinorEqual,
    NotEqual,
    MinorNotEqual,
    GreaterOrEqual,
    MinorGreaterOrEqual,
    Greater,
    MinorGreater,
    Matches,
    NotMatches,
}

/// In the order in which they are tried: the first that leaves valid values wins.
const OPERATORS: [(&str, Operator); 14] = [
    ("<", Operator::Less),
    ("~<", Operator::MinorLess),
    ("<=", Operator::LessOrEqual),
    ("~<=", Operator::MinorLessOrEqual),
    ("==", Operator::Equal),
    ("~=", Operator::MinorEqual),
    ("!=", Operator::NotEqual),
    ("~!=", Operator::MinorNotEqual),
    (">=", Operator::GreaterOrEqual),
    ("~>=", Operator::MinorGreaterOrEqual),
    (">", Operator::Greater),
    ("~>", Operator::MinorGreater),
    ("~", Operator::Matches),
    ("!~", Operator::NotMatches),
];

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRule, message)
}

impl Rule {
    /// Parses a rule.
    ///
    /// # Errors
    /// The text is not a rule ([`ErrorKind::InvalidRule`]).
    pub fn parse(text: &str) -> Result<Self> {
        let normal = double_equal_signs(text);
        let mut alternatives = Vec::new();
        for alternative in split_at_word(&normal, "or") {
            if alternative.is_empty() {
                return Err(invalid(format!("there is nothing on one side of 'or' in '{text}'")));
            }
            let mut expressions = Vec::new();
            for piece in split_at_word(alternative, "and") {
                let piece = trim(piece);
                if piece.is_empty() {
                    return Err(invalid(format!("an expression is missing in '{text}'")));
                }
                expressions.push(parse_expression(piece)?);
            }
            alternatives.push(expressions);
        }
        Ok(Self { text: text.to_owned(), alternatives })
    }

    /// Makes a rule of a metadata value: text is parsed, truth values decide themselves.
    ///
    /// # Errors
    /// The value is of another type ([`ErrorKind::Type`]), or its text is not a rule.
    pub fn from_value(value: &Value) -> Result<Self> {
        match value {
            Value::Str(text) => Self::parse(text),
            Value::Bool(constant) => Ok(Self {
                text: constant.to_string(),
                alternatives: vec![vec![Expression::Constant(*constant)]],
            }),
            other => {
                let message = format!(
                    "a rule must be a string or a truth value, got '{}'",
                    other.type_name()
                );
                Err(Error::new(ErrorKind::Type, message))
            }
        }
    }

    /// The rule as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dimensions that it says something of, each as often as it does.
    pub fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.alternatives.iter().flatten().filter_map(|expression| match expression {
            Expression::Constant(_) => None,
            Expression::Defined { dimension, .. } | Expression::Compare { dimension, .. } => {
                Some(dimension.as_str())
            }
        })
    }

    pub(crate) fn alternatives(&self) -> &[Vec<Expression>] {
        &self.alternatives
    }
}

/// A single `=` means `==`, wherever it stands.
fn double_equal_signs(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut previous = '\0';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        let single = c == '='
            && !matches!(previous, '=' | '!' | '~' | '<' | '>')
            && chars.peek() != Some(&'=');
        if single {
            out.push('=');
        }
        previous = c;
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits where the word stands alone; what is next to it may be anything but a letter, a digit or `_`.
fn split_at_word<'t>(text: &'t str, word: &str) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (position, _) in text.match_indices(word) {
        let end = position + word.len();
        let joined_before = text[..position].chars().next_back().is_some_and(is_word);
        let joined_after = text[end..].chars().next().is_some_and(is_word);
        if position >= start && !joined_before && !joined_after {
            pieces.push(&text[start..position]);
            start = end;
        }
    }
    pieces.push(&text[start..]);
    pieces
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

fn parse_expression(piece: &str) -> Result<Expression> {
    // What follows a constant is ignored, as the format has it: `trueish` is true.
    if piece.starts_with("true") {
        return Ok(Expression::Constant(true));
    }
    if piece.starts_with("false") {
        return Ok(Expression::Constant(false));
    }
    let name_length = piece.find(|c: char| !is_word(c) && c != '-').unwrap_or(piece.len());
    let (dimension, rest) = piece.split_at(name_length);
    let found = if dimension.is_empty() { None } else { comparison(dimension, rest) };
    let found = found.or_else(|| {
        // A dimension gives characters back until the rest fits: `distrois defined`.
        let ends = dimension.char_indices().map(|(start, c)| start + c.len_utf8());
        ends.rev().find_map(|end| definition(&piece[..end], &piece[end..]))
    });
    found.ok_or_else(|| {
        let error = invalid(format!("cannot parse the expression '{piece}' of a rule"));
        error.with_hint(
            "expressions are like 'distro == rhel-9', 'arch != s390x' or 'trigger is defined'",
        )
    })
}

fn comparison(dimension: &str, rest: &str) -> Option<Expression> {
    let rest = rest.trim_start_matches(is_space);
    OPERATORS.iter().find_map(|(symbol, operator)| {
        let values = rest.strip_prefix(symbol)?;
        let values = values_after(values)?;
        let values = values.split(',').map(|value| Version::new(trim(value))).collect();
        Some(Expression::Compare { dimension: dimension.to_owned(), operator: *operator, values })
    })
}

/// The values after an operator: at least one character up to the end of the line, the first of them not `=`.
fn values_after(text: &str) -> Option<&str> {
    let values = text.trim_start_matches(is_space);
    let blanks = &text[..text.len() - values.len()];
    let line = |text: &'_ str| text.find('\n').unwrap_or(text.len());
    if !values.is_empty() && !values.starts_with('=') {
        return Some(&values[..line(values)]);
    }
    // White space is given back where that makes it fit: the last blank becomes the first character.
    // The first character may be a line break, what follows it may not.
    let last = blanks.chars().next_back()?;
    let from = &text[blanks.len() - last.len_utf8()..];
    let end = last.len_utf8() + line(&from[last.len_utf8()..]);
    Some(&from[..end])
}

fn definition(dimension: &str, rest: &str) -> Option<Expression> {
    let rest = rest.trim_start_matches(is_space);
    let expected = if rest.starts_with("is defined") {
        true
    } else if rest.starts_with("is not defined") {
        false
    } else {
        return None;
    };
    Some(Expression::Defined { dimension: dimension.to_owned(), expected })
}
