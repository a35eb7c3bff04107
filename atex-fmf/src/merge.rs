//! What the suffixes of keys do: `+`, `+<`, `-`, `-~`, `~`, and plain assignment.

use triomphe::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::map::{Key, Map, Origin};
use crate::pyregex::{Regex, Template};
use crate::value::{Number, Value};

/// Merges inside of values after which a tree is given up: lists of maps can multiply with every level.
const MAX_STEPS: u64 = 1_000_000;

/// Items, and sixteens of bytes of text, that suffixes may make in a tree: a few kilobytes could ask for gigabytes.
const MAX_GROWN: u64 = 20_000_000;

/// What merging took so far, over a whole tree.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effort {
    steps: u64,
    grown: u64,
}

/// What a suffix asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Assign,
    Append,
    Prepend,
    RemoveMatching,
    Subtract,
    Substitute,
}

/// The operation that a key asks for, and the key without its suffix.
fn split_suffix(key: &str) -> (Operation, &str) {
    // All suffix characters are stripped, however often they are repeated.
    if key.ends_with('+') {
        (Operation::Append, key.trim_end_matches('+'))
    } else if key.ends_with("+<") {
        (Operation::Prepend, key.trim_end_matches(['+', '<']))
    } else if key.ends_with("-~") {
        (Operation::RemoveMatching, key.trim_end_matches(['-', '~']))
    } else if key.ends_with('-') {
        (Operation::Subtract, key.trim_end_matches('-'))
    } else if key.ends_with('~') {
        (Operation::Substitute, key.trim_end_matches('~'))
    } else {
        (Operation::Assign, key)
    }
}

/// Whether merging a map is more than assigning its values.
pub(crate) fn has_suffixes(map: &Map) -> bool {
    map.keys().any(|key| key.as_str().is_none() || !is_assigned(key))
}

/// Whether the value of a key is assigned, not merged by a suffix.
pub(crate) fn is_assigned(key: &Key) -> bool {
    key.as_str().is_none_or(|key| split_suffix(key).0 == Operation::Assign)
}

/// A key without its suffix, if it is a string.
pub(crate) fn base_of(key: &Key) -> Option<&str> {
    key.as_str().map(|key| split_suffix(key).1)
}

/// Merges maps into the data of one node.
#[derive(Debug)]
pub(crate) struct Merger<'t> {
    node: &'t str,
    effort: &'t mut Effort,
    /// The entry being merged: where an error points to.
    pub(crate) origin: Origin,
    /// The entry of the node in which that is.
    pub(crate) entry: Option<Key>,
    depth: usize,
}

impl<'t> Merger<'t> {
    /// `effort` counts over a whole tree.
    pub(crate) fn new(node: &'t str, effort: &'t mut Effort) -> Self {
        Self { node, effort, origin: Origin::NONE, entry: None, depth: 0 }
    }

    /// Applies every entry of `source` to `target`, in order.
    pub(crate) fn merge(&mut self, target: &mut Map, source: &Map) -> Result<()> {
        self.depth += 1;
        for (key, value, origin) in source.entries() {
            self.origin = origin;
            if self.depth == 1 {
                self.entry = Some(key.clone());
            }
            let Some(name) = key.as_str() else {
                let message =
                    format!("key '{}' in {} is not a string", key.value().to_text(), self.node);
                return Err(Error::new(ErrorKind::Type, message));
            };
            let (operation, base) = split_suffix(name);
            match operation {
                Operation::Assign if target.has_from(source, key) => {}
                Operation::Assign => {
                    target.insert_at(key.clone(), value.clone(), origin);
                }
                Operation::Append => self.add(target, base, value, false)?,
                Operation::Prepend => self.add(target, base, value, true)?,
                Operation::Subtract => self.subtract(target, base, value)?,
                Operation::RemoveMatching => self.remove_matching(target, base, value)?,
                Operation::Substitute => self.substitute(target, base, value)?,
            }
            if operation != Operation::Assign {
                self.made(target.get(base))?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn step(&mut self, count: usize) -> Result<()> {
        self.effort.steps += count as u64;
        if self.effort.steps > MAX_STEPS {
            let message =
                format!("given up in {} after {MAX_STEPS} merges inside of values", self.node);
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// Counts a value that was made.
    fn made(&mut self, value: Option<&Value>) -> Result<()> {
        self.effort.grown += match value {
            Some(Value::List(items)) => items.len() as u64,
            Some(Value::Str(text)) => text.len() as u64 / 16,
            Some(Value::Bytes(bytes)) => bytes.len() as u64 / 16,
            _ => 0,
        };
        if self.effort.grown > MAX_GROWN {
            let message = format!("given up in {}: suffixes make too much data", self.node);
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    fn error(&self, key: &str, reason: &str) -> Error {
        Error::new(ErrorKind::Merge, format!("key '{key}' in {} ({reason})", self.node))
    }

    fn item_error(&self, item: &Value) -> Error {
        let message = format!(
            "item '{}' in {} must be a map to be merged with one",
            item.to_text(),
            self.node
        );
        Error::new(ErrorKind::Merge, message)
    }

    fn add(&mut self, target: &mut Map, key: &str, value: &Value, prepend: bool) -> Result<()> {
        let Some(old) = target.get_mut(key) else {
            // Suffixes inside of the value stay: there is nothing to apply them to.
            target.insert_at(key.into(), value.clone(), self.origin);
            return Ok(());
        };
        match (&mut *old, value) {
            (Value::List(items), Value::Map(source)) => {
                items.change(|items| {
                    items.iter_mut().try_for_each(|item| {
                        let Value::Map(map) = item else { return Err(self.item_error(item)) };
                        self.step(1)?;
                        self.merge(Map::to_mut(map), source)
                    })
                })?;
            }
            (Value::Map(map), Value::List(sources)) => {
                let mut copies = Vec::with_capacity(sources.len());
                for source in sources.iter() {
                    let Value::Map(source) = source else { return Err(self.item_error(source)) };
                    self.step(1 + map.len())?;
                    let mut copy = Map::clone(map);
                    self.merge(&mut copy, source)?;
                    copies.push(copy.into());
                }
                *old = Value::list(copies);
            }
            (Value::Map(map), Value::Map(source)) => {
                self.merge(Map::to_mut(map), source)?;
            }
            _ => {
                let (first, second) = if prepend { (value, &*old) } else { (&*old, value) };
                let sum = concatenate(first, second).ok_or_else(|| {
                    let reason =
                        format!("cannot add '{}' to '{}'", second.type_name(), first.type_name());
                    self.error(key, &reason)
                })?;
                *old = sum;
            }
        }
        Ok(())
    }

    fn subtract(&self, target: &mut Map, key: &str, value: &Value) -> Result<()> {
        let Some(old) = target.get_mut(key) else { return Ok(()) };
        if let (Some(a), Some(b)) = (old.as_number(), value.as_number()) {
            *old = match (a, b) {
                (Number::Int(a), Number::Int(b)) => Value::Int(a.subtract(&b)),
                (a, b) => Value::Float(a.to_f64() - b.to_f64()),
            };
            return Ok(());
        }
        match (&mut *old, value) {
            (Value::Str(text), Value::Str(pattern)) => {
                let result = Regex::new(pattern)?.replace_all(text, &Template::literal(""))?;
                *old = result.into();
            }
            (Value::List(items), Value::List(unwanted)) => {
                items.change(|items| items.retain(|item| !unwanted.contains(item)));
            }
            (Value::Map(map), Value::List(keys)) => {
                if let Some(key) = keys.iter().find(|key| !key.is_hashable()) {
                    let message = format!("a '{}' cannot be a key", key.type_name());
                    return Err(Error::new(ErrorKind::Type, message));
                }
                Arc::make_mut(map).retain(|key| !keys.contains(key.value()));
            }
            _ => return Err(self.error(key, "wrong type")),
        }
        Ok(())
    }

    fn remove_matching(&self, target: &mut Map, key: &str, value: &Value) -> Result<()> {
        let Some(old) = target.get_mut(key) else { return Ok(()) };
        if !matches!(old, Value::List(_) | Value::Str(_) | Value::Map(_)) {
            return Err(self.error(key, "wrong type"));
        }
        let mut patterns = Vec::new();
        for pattern in self.texts(key, value)? {
            patterns.push(Regex::new(pattern)?);
        }
        let mut failure = None;
        let mut matches = |text: &str| {
            patterns.iter().any(|pattern| {
                pattern.search(text).unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                })
            })
        };
        match old {
            Value::List(items) => {
                items.change(|items| items.retain(|item| !matches(&item.to_text())));
            }
            Value::Map(map) => Arc::make_mut(map).retain(|key| !matches(&key.value().to_text())),
            Value::Str(text) if matches(text) => *old = "".into(),
            _ => {}
        }
        failure.map_or(Ok(()), Err)
    }

    fn substitute(&mut self, target: &mut Map, key: &str, value: &Value) -> Result<()> {
        let Some(old) = target.get_mut(key) else { return Ok(()) };
        if !matches!(old, Value::List(_) | Value::Str(_)) {
            return Err(self.error(key, "wrong type"));
        }
        for substitution in self.texts(key, value)? {
            let (pattern, replacement) = split_substitution(substitution)?;
            let regex = Regex::new(pattern)?;
            let template = Template::new(replacement, &regex)?;
            match &mut *old {
                Value::Str(text) => {
                    *text = regex.replace_all(text, &template)?.into();
                    self.made(Some(old))?;
                }
                Value::List(items) => {
                    items.change(|items| {
                        items.iter_mut().try_for_each(|item| {
                            let Value::Str(text) = item else {
                                return Err(self.error(key, "not a string"));
                            };
                            *text = regex.replace_all(text, &template)?.into();
                            self.made(Some(item))
                        })
                    })?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// One text, or a list of texts; a map stands for its keys.
    fn texts<'v>(&self, key: &str, value: &'v Value) -> Result<Vec<&'v str>> {
        let texts: Option<Vec<&str>> = match value {
            Value::Str(text) => Some(vec![text]),
            Value::List(items) => items.iter().map(Value::as_str).collect(),
            Value::Map(map) => map.keys().map(|key| key.as_str()).collect(),
            _ => None,
        };
        texts.ok_or_else(|| {
            let message = format!(
                "key '{key}' in {}: expected a string or a list of strings, got '{}'",
                self.node,
                value.type_name()
            );
            Error::new(ErrorKind::Type, message)
        })
    }
}

fn concatenate(first: &Value, second: &Value) -> Option<Value> {
    if let (Some(a), Some(b)) = (first.as_number(), second.as_number()) {
        return Some(match (a, b) {
            (Number::Int(a), Number::Int(b)) => Value::Int(a.add(&b)),
            (a, b) => Value::Float(a.to_f64() + b.to_f64()),
        });
    }
    match (first, second) {
        (Value::Str(a), Value::Str(b)) => Some(format!("{a}{b}").into()),
        (Value::List(a), Value::List(b)) => {
            Some(Value::list(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Value::Bytes(a), Value::Bytes(b)) => Some(Value::Bytes([&a[..], &b[..]].concat().into())),
        _ => None,
    }
}

/// Splits a substitution like `/pattern/replacement/` at its delimiter, which is its first character.
///
/// # Errors
/// The text does not end with its delimiter, has not exactly two parts, or an empty pattern.
pub fn split_substitution(source: &str) -> Result<(&str, &str)> {
    let bad = |reason: String| Error::new(ErrorKind::Format, reason);
    let mut chars = source.chars();
    let Some(delimiter) = chars.next() else {
        return Err(bad("'' has to start and end with the same delimiter".to_owned()));
    };
    if !source.ends_with(delimiter) {
        return Err(bad(format!("'{source}' has to end with '{delimiter}'")));
    }
    let inside = chars.as_str().strip_suffix(delimiter).unwrap_or_default();
    let mut parts = inside.split(delimiter);
    let (Some(pattern), Some(replacement), None) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(bad(format!("'{source}' can't be split in two parts")));
    };
    if pattern.is_empty() {
        return Err(bad(format!("pattern cannot be empty: '{source}'")));
    }
    Ok((pattern, replacement))
}
