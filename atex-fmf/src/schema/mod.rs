//! Validation of nodes by JSON Schema.
//!
//! Drafts 3, 4 (the default), 6, 7, 2019-09 and 2020-12. A schema is walked along with the data, so that only what the data
//! reach must be right; patterns are those of Python, as everywhere in this format; dates and bytes are of no type of JSON.
//! Nothing is fetched: what a `$ref` names is in the schema itself, or was given by [`Schema::with_resource`].

mod array;
mod combine;
mod draft;
mod equal;
mod evaluated;
mod object;
mod registry;
mod scalar;
#[cfg(test)]
mod tests;
mod uri;
mod walk;

use std::fmt;

use self::draft::Draft;
use self::registry::Registry;
use self::walk::Walk;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::map::Map;
use crate::tree::Node;
use crate::value::Value;

/// A JSON Schema, with the documents that it may refer to.
#[derive(Debug, Clone)]
pub struct Schema {
    root: Value,
    draft: Draft,
    registry: Registry,
}

/// One way in which data do not follow a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    message: String,
    path: Vec<Value>,
    location: Option<Location>,
}

impl Schema {
    /// A schema that was read, for instance by [`Value::from_yaml`], which reads JSON too. `$schema` in it chooses the draft;
    /// without it, or with an address that is not known, it is draft 4.
    ///
    /// # Errors
    /// The schema is not a map, or its identifier is not a text.
    pub fn new(schema: Value) -> Result<Self> {
        if schema.as_map().is_none() {
            return Err(wrong(format!("a schema is a map, not a '{}'", schema.type_name())));
        }
        let draft = Draft::declared(&schema)?.unwrap_or(Draft::D4);
        Ok(Self { registry: Registry::new(&schema, draft)?, root: schema, draft })
    }

    /// Adds a document that references may lead to, under its address: `/schemas/common` for `/schemas/common#/definitions/x`.
    #[must_use]
    pub fn with_resource(mut self, uri: &str, contents: Value) -> Self {
        self.registry.add(uri, contents);
        self
    }

    /// Everything about data that does not follow the schema; nothing if they do.
    ///
    /// # Errors
    /// The schema itself is wrong where the data reach it (an unknown type, a reference that leads nowhere), or validating
    /// takes too long or goes too deep.
    pub fn validate(&self, data: &Map) -> Result<Vec<Violation>> {
        Walk::new(&self.registry).run(self.draft, &self.root, &Value::from(data.clone()))
    }
}

impl Node<'_> {
    /// Everything about the data of the node that does not follow a schema; nothing if they do. The violations know where
    /// in the files the data were written.
    ///
    /// # Errors
    /// As [`Schema::validate`].
    pub fn validate(self, schema: &Schema) -> Result<Vec<Violation>> {
        let mut violations = schema.validate(self.data())?;
        for violation in &mut violations {
            violation.location = self.place(&violation.path);
        }
        Ok(violations)
    }

    /// Where the innermost value on a path that has a place of its own was written.
    fn place(self, path: &[Value]) -> Option<Location> {
        let mut origin = None;
        let mut container = Value::from(self.data().clone());
        for step in path {
            let next = match &container {
                Value::Map(map) => {
                    origin = map.origin(step).or(origin);
                    map.get(step).cloned()
                }
                Value::List(items) => index(step).and_then(|index| items.get(index).cloned()),
                _ => None,
            };
            let Some(next) = next else { break };
            container = next;
        }
        self.tree().locate(origin?)
    }
}

fn index(step: &Value) -> Option<usize> {
    match step {
        Value::Int(index) => index.as_i64()?.try_into().ok(),
        _ => None,
    }
}

impl Violation {
    pub(crate) fn new(message: String, path: Vec<Value>) -> Self {
        Self { message, path, location: None }
    }

    /// What is wrong, values in the notation that conditions use: `'x' is not of type 'integer'`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The keys and indexes that lead to the value from the top of the data.
    #[must_use]
    pub fn path(&self) -> &[Value] {
        &self.path
    }

    /// Where the value was written; none if the data are not those of a node that was read from files.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// The mistake of a schema.
fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Schema, message)
}
