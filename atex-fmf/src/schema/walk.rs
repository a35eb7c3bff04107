//! The walk along a schema and data, and what every keyword needs for it.

use std::collections::HashMap;
use std::sync::Arc;

use super::draft::Draft;
use super::registry::{Found, Registry, Scope};
use super::{Violation, wrong};
use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;
use crate::pyregex::Regex;
use crate::text::repr;
use crate::value::Value;

/// How deep schemas may lead into each other.
const MAX_DEPTH: usize = 200;

/// Keywords after which a schema is given up: references can multiply the work beyond all bounds.
const MAX_STEPS: u64 = 500_000;

/// Why a walk does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// One violation was all that was asked for.
    Enough,
    /// The schema is wrong.
    Wrong(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Wrong(error)
    }
}

/// Whether to go on.
pub(super) type Flow = Result<(), Stop>;

/// A schema, and how it is to be understood.
#[derive(Debug, Clone)]
pub(super) struct Here<'s> {
    pub(super) schema: &'s Map,
    pub(super) draft: Draft,
    pub(super) scope: Scope,
}

/// A keyword with its value, in its schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<'w, 's> {
    pub(super) here: &'w Here<'s>,
    pub(super) keyword: &'w str,
    pub(super) value: &'s Value,
}

/// The state of a walk.
#[derive(Debug)]
pub(super) struct Walk<'s> {
    registry: &'s Registry,
    found: Vec<Violation>,
    first_only: bool,
    path: Vec<Value>,
    depth: usize,
    steps: u64,
    patterns: HashMap<String, Arc<Regex>>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(registry: &'s Registry) -> Self {
        Self {
            registry,
            found: Vec::new(),
            first_only: false,
            path: Vec::new(),
            depth: 0,
            steps: 0,
            patterns: HashMap::new(),
        }
    }

    /// All violations.
    pub(super) fn run(
        mut self,
        draft: Draft,
        root: &'s Value,
        data: &Value,
    ) -> Result<Vec<Violation>> {
        let scope = Registry::scope(root, draft)?;
        let Some(schema) = root.as_map() else { return Ok(Vec::new()) };
        match self.keywords(&Here { schema, draft, scope }, draft, data) {
            Err(Stop::Wrong(error)) => Err(error),
            Ok(()) | Err(Stop::Enough) => Ok(self.found),
        }
    }

    /// Holds a value against a schema that lies within another one.
    pub(super) fn descend(&mut self, from: &Here<'s>, schema: &'s Value, value: &Value) -> Flow {
        let Value::Map(map) = schema else { return self.plain(schema, value) };
        let scope = from.scope.within(schema, from.draft)?;
        let draft = Draft::declared(schema)?.unwrap_or(from.draft);
        self.keywords(&Here { schema: map, draft, scope }, from.draft, value)
    }

    /// The same, for the part of a value that a key or an index leads to.
    pub(super) fn enter(
        &mut self,
        from: &Here<'s>,
        schema: &'s Value,
        (step, value): (&Value, &Value),
    ) -> Flow {
        self.path.push(step.clone());
        let flow = self.descend(from, schema, value);
        self.path.pop();
        flow
    }

    /// Follows a reference.
    pub(super) fn follow(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let Some(reference) = rule.value.as_str() else { return Err(rule.malformed("a text")) };
        let Found { schema, scope } = self.registry.lookup(&rule.here.scope, reference)?;
        self.descend(&Here { scope, ..rule.here.clone() }, schema, value)
    }

    /// Follows `$recursiveRef`.
    pub(super) fn recur(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let Found { schema, scope } = self.registry.recursive(&rule.here.scope)?;
        self.descend(&Here { scope, ..rule.here.clone() }, schema, value)
    }

    /// What a reference leads to.
    pub(super) fn target(&self, here: &Here<'s>, reference: &Value) -> Result<Found<'s>> {
        match reference.as_str() {
            Some(reference) => self.registry.lookup(&here.scope, reference),
            None => Err(wrong("a reference must be a text")),
        }
    }

    /// What `$recursiveRef` leads to.
    pub(super) fn recursive_target(&self, here: &Here<'s>) -> Result<Found<'s>> {
        self.registry.recursive(&here.scope)
    }

    /// Whether a value follows a schema of the same scope; looks no further than the first violation.
    pub(super) fn is_valid(
        &mut self,
        from: &Here<'s>,
        schema: &'s Value,
        value: &Value,
    ) -> Result<bool, Stop> {
        self.tried(true, |walk| {
            let Value::Map(map) = schema else { return walk.plain(schema, value) };
            let draft = Draft::declared(schema)?.unwrap_or(from.draft);
            let here = Here { schema: map, draft, scope: from.scope.clone() };
            walk.keywords(&here, draft, value)
        })
    }

    /// Whether nothing is wrong with what is done; with `first_only`, the first violation ends it.
    pub(super) fn tried(
        &mut self,
        first_only: bool,
        what: impl FnOnce(&mut Self) -> Flow,
    ) -> Result<bool, Stop> {
        let kept = std::mem::take(&mut self.found);
        let before = std::mem::replace(&mut self.first_only, first_only);
        let depth = self.path.len();
        let flow = what(self);
        self.path.truncate(depth);
        self.first_only = before;
        let found = std::mem::replace(&mut self.found, kept);
        match flow {
            Ok(()) => Ok(found.is_empty()),
            Err(Stop::Enough) => Ok(false),
            Err(wrong) => Err(wrong),
        }
    }

    /// Notes a violation.
    pub(super) fn violation(&mut self, message: String) -> Flow {
        self.found.push(Violation::new(message, self.path.clone()));
        if self.first_only { Err(Stop::Enough) } else { Ok(()) }
    }

    /// Notes a violation that belongs to a part of the value at hand.
    pub(super) fn violation_at(&mut self, step: &Value, message: String) -> Flow {
        self.path.push(step.clone());
        let flow = self.violation(message);
        self.path.pop();
        flow
    }

    /// Whether a Python pattern matches anywhere in a text.
    pub(super) fn search(&mut self, pattern: &str, text: &str) -> Result<bool, Stop> {
        self.step(1)?;
        if !self.patterns.contains_key(pattern) {
            self.patterns.insert(pattern.to_owned(), Arc::new(Regex::new(pattern)?));
        }
        Ok(self.patterns[pattern].search(text)?)
    }

    /// Counts work.
    pub(super) fn step(&mut self, count: u64) -> Flow {
        self.steps += count;
        if self.steps > MAX_STEPS {
            let message = "validating takes too long: the schema asks the same in too many ways";
            return Err(Error::new(ErrorKind::Limit, message).into());
        }
        Ok(())
    }

    /// A schema that is no map: all values follow `true`, none `false`.
    fn plain(&mut self, schema: &Value, value: &Value) -> Flow {
        match schema {
            Value::Bool(true) => Ok(()),
            Value::Bool(false) => {
                self.violation(format!("False schema does not allow {}", repr(value)))
            }
            other => Err(wrong(format!("a schema cannot be a '{}'", other.type_name())).into()),
        }
    }

    fn keywords(&mut self, here: &Here<'s>, chosen_by: Draft, value: &Value) -> Flow {
        if self.depth == MAX_DEPTH {
            let message = format!("schemas lead into each other more than {MAX_DEPTH} times");
            return Err(Error::new(ErrorKind::Limit, message).into());
        }
        self.depth += 1;
        let mut rules = chosen_by.keywords(here.schema).into_iter();
        let flow = rules.try_for_each(|(keyword, given)| {
            self.step(1)?;
            match here.draft.knows(keyword) {
                true => self.keyword(Rule { here, keyword, value: given }, value),
                false => Ok(()),
            }
        });
        self.depth -= 1;
        flow
    }

    fn keyword(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        match rule.keyword {
            "$ref" | "$dynamicRef" => self.follow(rule, value),
            "$recursiveRef" => self.recur(rule, value),
            "allOf" | "anyOf" | "oneOf" | "not" | "if" | "extends" | "disallow" => {
                self.combination(rule, value)
            }
            "type" | "enum" | "const" => self.kind(rule, value),
            _ => match value {
                Value::Map(map) => self.object(rule, map, value),
                Value::List(items) => self.array(rule, items, value),
                _ => self.scalar(rule, value),
            },
        }
    }
}

impl<'s> Rule<'_, 's> {
    /// The value of another keyword of the same schema.
    pub(super) fn beside(&self, keyword: &str) -> Option<&'s Value> {
        self.here.schema.get(keyword)
    }

    /// The value, which must be a map.
    pub(super) fn map(&self) -> Result<&'s Map, Stop> {
        self.value.as_map().ok_or_else(|| self.malformed("a map"))
    }

    /// The items of the value, which must be a list; the letters of a text count as such.
    pub(super) fn items(&self) -> Result<Vec<Value>, Stop> {
        items(self.value).ok_or_else(|| self.malformed("a list"))
    }

    /// The schemas of the value, which must be a list.
    pub(super) fn schemas(&self) -> Result<&'s [Value], Stop> {
        self.value.as_list().ok_or_else(|| self.malformed("a list of schemas"))
    }

    pub(super) fn malformed(&self, expected: &str) -> Stop {
        let found = self.value.type_name();
        wrong(format!("'{}' takes {expected}, not a '{found}'", self.keyword)).into()
    }
}

/// The items of a list, the letters of a text, the keys of a map.
pub(super) fn items(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(items) => Some(items.to_vec()),
        Value::Str(text) => Some(text.chars().map(|c| Value::from(c.to_string())).collect()),
        Value::Map(map) => Some(map.keys().map(|key| key.value().clone()).collect()),
        _ => None,
    }
}
