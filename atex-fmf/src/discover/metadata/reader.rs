//! [`Reader`]: takes keys out of a map with their types, and collects what is wrong with them.

use indexmap::IndexMap;

use crate::discover::variables;
use crate::error::{Error, ErrorKind, Location};
use crate::map::Map;
use crate::tree::{Node, Tree};
use crate::value::Value;

/// Reads the keys of one map. A key of a wrong type counts as absent; what is wrong is kept as an error with its place.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    tree: &'t Tree,
    map: &'t Map,
    /// What the map belongs to, as it stands in messages after "of".
    owner: String,
    /// Where to point if an entry has no place of its own.
    place: Option<Location>,
    errors: Vec<Error>,
}

impl<'t> Reader<'t> {
    /// Reads the data of a node.
    pub(crate) fn of_node(node: Node<'t>) -> Self {
        Self {
            tree: node.tree(),
            map: node.data(),
            owner: node.name().to_owned(),
            place: None,
            errors: Vec::new(),
        }
    }

    /// Reads a map inside a key; errors are those of the outer reader when it is given back by [`Reader::join`].
    pub(crate) fn inner(&self, key: &str, map: &'t Map) -> Self {
        Self {
            tree: self.tree,
            map,
            owner: format!("'{key}' of {}", self.owner),
            place: self.locate(key),
            errors: Vec::new(),
        }
    }

    /// Takes over the errors of a reader of an inner map.
    pub(crate) fn join(&mut self, inner: Self) {
        self.errors.extend(inner.errors);
    }

    /// The map that is read.
    pub(crate) fn map(&self) -> &'t Map {
        self.map
    }

    /// What was wrong, in the order in which it was found.
    pub(crate) fn into_errors(self) -> Vec<Error> {
        self.errors
    }

    /// The value of a key; none if it is null.
    pub(crate) fn value(&self, key: &str) -> Option<&'t Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Keeps an error about a key.
    pub(crate) fn wrong(&mut self, key: &str, what: &str) {
        let message = format!("'{key}' of {} {what}", self.owner);
        self.errors.push(Error::new(ErrorKind::Format, message).at(self.locate(key)));
    }

    /// Keeps an error about a key, with something to try.
    pub(crate) fn wrong_with_hint(&mut self, key: &str, what: &str, hint: &str) {
        self.wrong(key, what);
        if let Some(error) = self.errors.pop() {
            self.errors.push(error.with_hint(hint));
        }
    }

    /// A text. Numbers and truth values are no texts where they are most likely a slip; see [`Reader::scalar`].
    pub(crate) fn text(&mut self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::Str(text) => Some(text.to_string()),
            other => self.expected(key, "a string", other),
        }
    }

    /// A text, or anything that has an obvious one: a number, a truth value, a date.
    pub(crate) fn scalar(&mut self, key: &str) -> Option<String> {
        let value = self.value(key)?;
        match is_scalar(value) {
            true => Some(value.to_text().into_owned()),
            false => self.expected(key, "a string", value),
        }
    }

    /// One text, or a list of texts; nothing is an empty list.
    pub(crate) fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        match value {
            Value::List(items) if items.iter().all(is_scalar) => {
                items.iter().map(|item| item.to_text().into_owned()).collect()
            }
            scalar if is_scalar(scalar) => vec![scalar.to_text().into_owned()],
            other => {
                self.expected::<()>(key, "a string or a list of strings", other);
                Vec::new()
            }
        }
    }

    /// A truth value.
    pub(crate) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                let text = other.to_text();
                self.wrong(key, &format!("must be true or false, got '{text}'"));
                default
            }
        }
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, key: &str) -> Option<i64> {
        let value = self.value(key)?;
        let number = match value {
            Value::Int(number) => number.as_i64(),
            // Quoted numbers are taken as what they are meant to be.
            Value::Str(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) => Some(number),
            None => self.expected(key, "a whole number", value),
        }
    }

    /// One of several words.
    pub(crate) fn one_of<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(key, &format!("is '{text}', must be one of: {}", known.join(", ")));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// Variables: a map of scalars, or a list of such maps, of which later ones win.
    pub(crate) fn environment(&mut self, key: &str) -> IndexMap<String, String> {
        let mut environment = IndexMap::new();
        for map in self.maps(key, "a map of variables") {
            let wrong = |message: &str, location| {
                let message = format!("'{key}' of {} {message}", self.owner);
                Error::new(ErrorKind::Format, message).at(location).at(self.locate(key))
            };
            match variables(map, wrong, self.tree) {
                Ok(variables) => environment.extend(variables),
                Err(error) => self.errors.push(error),
            }
        }
        environment
    }

    /// The maps of a key that has one map, or a list of maps.
    pub(crate) fn maps(&mut self, key: &str, what: &str) -> Vec<&'t Map> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let maps: Option<Vec<&Map>> = match value {
            Value::Map(map) => Some(vec![map]),
            Value::List(items) => items.iter().map(Value::as_map).collect(),
            _ => None,
        };
        maps.unwrap_or_else(|| {
            self.wrong(key, &format!("must be {what}, or a list of these"));
            Vec::new()
        })
    }

    fn expected<T>(&mut self, key: &str, what: &str, got: &Value) -> Option<T> {
        self.wrong(key, &format!("must be {what}, got '{}'", got.type_name()));
        None
    }

    fn locate(&self, key: &str) -> Option<Location> {
        let own = self.map.origin(key).and_then(|origin| self.tree.locate(origin));
        own.or_else(|| self.place.clone())
    }
}

fn is_scalar(value: &Value) -> bool {
    use Value::{Bool, Date, DateTime, Float, Int, Str};
    matches!(value, Str(_) | Int(_) | Float(_) | Bool(_) | Date(_) | DateTime(_))
}
