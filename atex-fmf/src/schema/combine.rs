//! Keywords that hold for values of any type: combinations of schemas, types and lists of values.

use super::equal::equal;
use super::walk::{Flow, Here, Rule, Stop, Walk, items};
use super::wrong;
use crate::text::repr;
use crate::value::Value;

impl<'s> Walk<'s> {
    /// A keyword that combines schemas.
    pub(super) fn combination(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let here = rule.here;
        match rule.keyword {
            "allOf" => self.all_of(rule, value),
            "extends" if rule.value.as_map().is_some() => self.descend(here, rule.value, value),
            "extends" => self.all_of(rule, value),
            "anyOf" => match self.first_valid(rule, value)? {
                Some(_) => Ok(()),
                None => self.none_valid(value),
            },
            "oneOf" => self.one_of(rule, value),
            "not" => match self.is_valid(here, rule.value, value)? {
                true => self.violation(format!(
                    "{} should not be valid under {}",
                    repr(value),
                    repr(rule.value)
                )),
                false => Ok(()),
            },
            "disallow" => self.disallow(rule, value),
            _ => {
                let branch = if self.is_valid(here, rule.value, value)? { "then" } else { "else" };
                rule.beside(branch).map_or(Ok(()), |schema| self.descend(here, schema, value))
            }
        }
    }

    fn all_of(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        rule.schemas()?.iter().try_for_each(|schema| self.descend(rule.here, schema, value))
    }

    /// The number of the first schema that a value follows.
    fn first_valid(&mut self, rule: Rule<'_, 's>, value: &Value) -> Result<Option<usize>, Stop> {
        for (index, schema) in rule.schemas()?.iter().enumerate() {
            if self.tried(false, |walk| walk.descend(rule.here, schema, value))? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn none_valid(&mut self, value: &Value) -> Flow {
        self.violation(format!("{} is not valid under any of the given schemas", repr(value)))
    }

    fn one_of(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let schemas = rule.schemas()?;
        let Some(first) = self.first_valid(rule, value)? else { return self.none_valid(value) };
        let mut valid = Vec::new();
        for schema in &schemas[first + 1..] {
            if self.is_valid(rule.here, schema, value)? {
                valid.push(repr(schema));
            }
        }
        if valid.is_empty() {
            return Ok(());
        }
        valid.push(repr(&schemas[first]));
        self.violation(format!("{} is valid under each of {}", repr(value), valid.join(", ")))
    }

    fn disallow(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let single = std::slice::from_ref(rule.value);
        let disallowed = if rule.value.as_str().is_some() { single } else { rule.schemas()? };
        for kind in disallowed {
            if self.is_of_kind(rule.here, kind, value)? {
                let message = format!("{} is disallowed for {}", repr(kind), repr(value));
                self.violation(message)?;
            }
        }
        Ok(())
    }

    /// A keyword about the value as a whole.
    pub(super) fn kind(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        match rule.keyword {
            "type" => self.type_of(rule, value),
            "const" if equal(value, rule.value) => Ok(()),
            "const" => self.violation(format!("{} was expected", repr(rule.value))),
            _ if rule.items()?.iter().any(|item| equal(item, value)) => Ok(()),
            _ => {
                let message = format!("{} is not one of {}", repr(value), repr(rule.value));
                self.violation(message)
            }
        }
    }

    fn type_of(&mut self, rule: Rule<'_, 's>, value: &Value) -> Flow {
        let single = std::slice::from_ref(rule.value);
        let keys;
        let kinds = match rule.value {
            Value::Str(_) => single,
            Value::List(kinds) => kinds,
            other => {
                keys = items(other).ok_or_else(|| rule.malformed("a type or a list of types"))?;
                return match keys.is_empty() {
                    true => self.violation(format!("{} is not of type ", repr(value))),
                    false => Err(rule.malformed("a type or a list of types")),
                };
            }
        };
        for kind in kinds {
            if self.is_of_kind(rule.here, kind, value)? {
                return Ok(());
            }
        }
        let name = |kind: &Value| {
            let named = kind.as_map().and_then(|map| map.get("name"));
            repr(named.unwrap_or(kind))
        };
        let names: Vec<String> = kinds.iter().map(name).collect();
        self.violation(format!("{} is not of type {}", repr(value), names.join(", ")))
    }

    /// Whether a value is of a type; draft 3 has schemas in the place of types, too.
    fn is_of_kind(
        &mut self,
        here: &Here<'s>,
        kind: &'s Value,
        value: &Value,
    ) -> Result<bool, Stop> {
        if here.draft == super::draft::Draft::D3 && kind.as_map().is_some() {
            return self.tried(false, |walk| walk.descend(here, kind, value));
        }
        let known = kind.as_str().and_then(|name| here.draft.is_type(value, name));
        known.ok_or_else(|| wrong(format!("there is no type {} in JSON Schema", repr(kind))).into())
    }
}
