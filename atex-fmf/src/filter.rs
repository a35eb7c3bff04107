//! Filters: `tag: fast & tier: 1, 2 | /smoke`.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::error::{Error, ErrorKind, Result};
use crate::map::{Key, Map};
use crate::pyregex::Regex;
use crate::value::Value;

/// A parsed filter.
///
/// Clauses are separated by `|`, and one of them must hold; parts of a clause are separated by `&`, and all of them
/// must hold. A part is `DIMENSION: VALUE, VALUE…` (one of the values must be there; `-VALUE` must not be there), or
/// the name of a node.
///
/// ```
/// use atex_fmf::{Filter, Value};
/// let data = Value::from_yaml("{tag: [fast, net], tier: 1}").unwrap();
/// let filter = Filter::new("tag: fast & tier: -2 | tag: slow");
/// assert!(filter.matches(data.as_map().unwrap(), None).unwrap());
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    text: String,
    clauses: Vec<Vec<Literal>>,
    case_insensitive: bool,
    patterns: bool,
}

#[derive(Debug, Clone)]
enum Literal {
    Name(Pattern),
    Dimension { name: String, atoms: Vec<Atom> },
}

#[derive(Debug, Clone)]
struct Atom {
    negated: bool,
    pattern: Pattern,
}

/// A text that is compared, or a regular expression that is compiled when it is first needed: a malformed one only
/// matters if it is reached.
#[derive(Debug, Clone)]
struct Pattern {
    text: String,
    compiled: OnceLock<Result<Box<Regex>, String>>,
}

impl Filter {
    /// Parses a filter. Any text is one; what cannot be right shows when it is used. An empty one is always true.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            clauses: parse(text),
            case_insensitive: false,
            patterns: false,
        }
    }

    /// Whether values and names are regular expressions (a whole value must match; any part of a name may).
    #[must_use]
    pub fn with_patterns(mut self, on: bool) -> Self {
        self.patterns = on;
        self
    }

    /// Whether upper and lower case make a difference; they do by default.
    #[must_use]
    pub fn case_sensitive(mut self, on: bool) -> Self {
        self.case_insensitive = !on;
        self.clauses = if on { parse(&self.text) } else { parse(&self.text.to_lowercase()) };
        self
    }

    /// The filter as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The dimensions that it asks for.
    #[cfg(feature = "discover")]
    pub(crate) fn dimensions(&self) -> Vec<String> {
        let names = self.clauses.iter().flatten().filter_map(|literal| match literal {
            Literal::Dimension { name, .. } => Some(name.clone()),
            Literal::Name(_) => None,
        });
        names.collect()
    }

    /// Whether data, and the name of their node if there is one, pass the filter.
    ///
    /// # Errors
    /// A dimension is not in the data, or a name is asked for and there is none ([`ErrorKind::Filter`]); a regular
    /// expression is malformed ([`ErrorKind::Pattern`]).
    pub fn matches(&self, data: &Map, name: Option<&str>) -> Result<bool> {
        if self.text.is_empty() {
            return Ok(true);
        }
        self.check_keys(data)?;
        let mut any = false;
        // No short cut: a mistake in a later clause counts even if an earlier one holds.
        for clause in &self.clauses {
            any |= self.clause(clause, data, name)?;
        }
        Ok(any)
    }

    /// As [`Filter::matches`], for any value: only a map can be filtered.
    ///
    /// # Errors
    /// The value is no map, or what [`Filter::matches`] reports.
    pub fn matches_value(&self, data: &Value, name: Option<&str>) -> Result<bool> {
        match data {
            _ if self.text.is_empty() => Ok(true),
            Value::Map(map) => self.matches(map, name),
            other => {
                let message = format!("only a map can be filtered, got '{}'", other.type_name());
                Err(Error::new(ErrorKind::Filter, message))
            }
        }
    }

    /// The texts of one dimension, none if it is not in the data.
    fn texts<'d>(&self, data: &'d Map, dimension: &str) -> Option<Vec<Cow<'d, str>>> {
        let value = if self.case_insensitive {
            // Of several keys that only differ in case, the last one counts.
            let same = |key: &Key| key.as_str().is_some_and(|key| key.to_lowercase() == dimension);
            data.iter().filter(|(key, _)| same(key)).last()?.1
        } else {
            data.get(dimension)?
        };
        let lower = |text: Cow<'d, str>| {
            if self.case_insensitive { Cow::Owned(text.to_lowercase()) } else { text }
        };
        Some(match value {
            Value::List(items) => items.iter().map(|item| lower(item.to_text())).collect(),
            other => vec![lower(other.to_text())],
        })
    }

    fn check_keys(&self, data: &Map) -> Result<()> {
        match data.keys().find(|key| key.as_str().is_none()) {
            Some(key) if self.case_insensitive => {
                let message = format!("key '{}' is not a string", key.value().to_text());
                Err(Error::new(ErrorKind::Type, message))
            }
            _ => Ok(()),
        }
    }

    fn clause(&self, clause: &[Literal], data: &Map, name: Option<&str>) -> Result<bool> {
        // Names first: if one fails, dimensions are not even looked at.
        for literal in clause {
            let Literal::Name(pattern) = literal else { continue };
            let Some(name) = name else {
                let message = format!("filter by name '{}', but there is no name", pattern.text);
                return Err(Error::new(ErrorKind::Filter, message));
            };
            let found = if self.patterns { pattern.search(name)? } else { pattern.text == name };
            if !found {
                return Ok(false);
            }
        }
        let mut all = true;
        for literal in clause {
            let Literal::Dimension { name, atoms } = literal else { continue };
            let Some(values) = self.texts(data, name) else {
                let message = format!("invalid filter '{}': there is no '{name}'", self.text);
                return Err(Error::new(ErrorKind::Filter, message));
            };
            all &= self.any_atom(atoms, &values)?;
        }
        Ok(all)
    }

    fn any_atom(&self, atoms: &[Atom], values: &[Cow<'_, str>]) -> Result<bool> {
        for atom in atoms {
            let mut found = false;
            for value in values {
                found = if self.patterns {
                    atom.pattern.matches_whole(value)?
                } else {
                    atom.pattern.text == *value
                };
                if found {
                    break;
                }
            }
            if found != atom.negated {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Pattern {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), compiled: OnceLock::new() }
    }

    fn search(&self, text: &str) -> Result<bool> {
        self.compile(&self.text)?.search(text)
    }

    /// The text stands between `^` and `$` as it is, so that a top-level alternative is not held by both.
    fn matches_whole(&self, text: &str) -> Result<bool> {
        self.compile(&format!("^{}$", self.text))?.matches_start(text)
    }

    /// A pattern is either a name or an atom, so that it is always compiled the same way.
    fn compile(&self, pattern: &str) -> Result<&Regex> {
        let compiled = self
            .compiled
            .get_or_init(|| Regex::new(pattern).map(Box::new).map_err(|e| e.to_string()));
        compiled.as_deref().map_err(|message| Error::new(ErrorKind::Pattern, message.clone()))
    }
}

fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Splits at a separator, but not after a backslash; blanks around the separator go, escaped separators stay.
fn split_unescaped(text: &str, separator: char) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for (position, _) in text.match_indices(separator) {
        if position > 0 && text.as_bytes()[position - 1] == b'\\' {
            continue;
        }
        pieces.push(&text[start..position]);
        start = position + separator.len_utf8();
    }
    pieces.push(&text[start..]);
    let last = pieces.len() - 1;
    let escaped = format!("\\{separator}");
    let unescape = |(index, piece): (usize, &str)| {
        let piece = if index > 0 { piece.trim_start_matches(is_space) } else { piece };
        let piece = if index < last { piece.trim_end_matches(is_space) } else { piece };
        piece.replace(&escaped, &separator.to_string())
    };
    pieces.into_iter().enumerate().map(unescape).collect()
}

fn parse(text: &str) -> Vec<Vec<Literal>> {
    let literals = |clause: String| {
        split_unescaped(&clause, '&').iter().map(|literal| parse_literal(literal)).collect()
    };
    split_unescaped(text, '|').into_iter().map(literals).collect()
}

fn parse_literal(literal: &str) -> Literal {
    let Some((dimension, values)) = literal.split_once(':') else {
        return Literal::Name(Pattern::new(literal));
    };
    let values = values.trim_start_matches(is_space);
    let last = values.matches(',').count();
    let atom = |(index, value): (usize, &str)| {
        let value = if index > 0 { value.trim_start_matches(is_space) } else { value };
        let value = if index < last { value.trim_end_matches(is_space) } else { value };
        match value.strip_prefix('-') {
            Some(rest) => Atom { negated: true, pattern: Pattern::new(rest) },
            None => Atom { negated: false, pattern: Pattern::new(value) },
        }
    };
    let atoms = values.split(',').enumerate().map(atom).collect();
    Literal::Dimension { name: dimension.to_owned(), atoms }
}
