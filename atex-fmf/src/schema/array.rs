//! Keywords for lists.

use super::draft::Draft;
use super::equal::unique;
use super::walk::{Flow, Rule, Walk};
use crate::text::repr;
use crate::value::Value;

impl<'s> Walk<'s> {
    /// A keyword for a list.
    pub(super) fn array(&mut self, rule: Rule<'_, 's>, items: &[Value], value: &Value) -> Flow {
        match rule.keyword {
            "minItems" | "maxItems" => self.size(rule, items.len(), value),
            "uniqueItems" if rule.value.is_truthy() && !unique(self, items)? => {
                self.violation(format!("{} has non-unique elements", repr(value)))
            }
            "items" => self.items(rule, items),
            "prefixItems" => self.each_its_own(rule, items),
            "additionalItems" => self.additional_items(rule, items),
            "contains" if rule.here.draft <= Draft::D7 => self.contains_one(rule, items, value),
            "contains" => self.contains(rule, items, value),
            "unevaluatedItems" => self.unevaluated_items(rule, items, value),
            _ => Ok(()),
        }
    }

    fn items(&mut self, rule: Rule<'_, 's>, items: &[Value]) -> Flow {
        let draft = rule.here.draft;
        if draft == Draft::D2020 {
            return self.items_after_prefix(rule, items);
        }
        let single = match rule.value {
            Value::Map(_) => true,
            Value::List(_) => false,
            _ if draft <= Draft::D4 => return Err(rule.malformed("a schema or a list of schemas")),
            _ => true,
        };
        if !single {
            return self.each_its_own(rule, items);
        }
        self.every(rule, items, 0)
    }

    /// All items from a position on against the same schema.
    fn every(&mut self, rule: Rule<'_, 's>, items: &[Value], from: usize) -> Flow {
        for (index, item) in items.iter().enumerate().skip(from) {
            self.enter(rule.here, rule.value, (&position(index), item))?;
        }
        Ok(())
    }

    /// Each item against the schema at its position.
    fn each_its_own(&mut self, rule: Rule<'_, 's>, items: &[Value]) -> Flow {
        for (index, (item, schema)) in items.iter().zip(rule.schemas()?).enumerate() {
            self.enter(rule.here, schema, (&position(index), item))?;
        }
        Ok(())
    }

    fn items_after_prefix(&mut self, rule: Rule<'_, 's>, items: &[Value]) -> Flow {
        let prefix = match rule.beside("prefixItems") {
            Some(prefix) => {
                super::walk::items(prefix).ok_or_else(|| rule.malformed("a schema"))?.len()
            }
            None => 0,
        };
        if items.len() <= prefix {
            return Ok(());
        }
        if rule.value.as_bool() != Some(false) {
            return self.every(rule, items, prefix);
        }
        let rest = &items[prefix..];
        let rest = if rest.len() == 1 { repr(&rest[0]) } else { repr(&Value::list(rest.to_vec())) };
        let noun = if prefix == 1 { "item" } else { "items" };
        let extra = items.len() - prefix;
        self.violation(format!("Expected at most {prefix} {noun} but found {extra} extra: {rest}"))
    }

    fn additional_items(&mut self, rule: Rule<'_, 's>, items: &[Value]) -> Flow {
        let known = match rule.beside("items") {
            None | Some(Value::Map(_)) => return Ok(()),
            Some(Value::List(schemas)) => schemas.len(),
            Some(_) => return Err(rule.malformed("a list of schemas beside it")),
        };
        if rule.value.as_map().is_some() {
            return self.every(rule, items, known);
        }
        match items.get(known..) {
            Some(extra) if !extra.is_empty() && !rule.value.is_truthy() => {
                self.violation(format!("Additional items are not allowed ({})", unexpected(extra)))
            }
            _ => Ok(()),
        }
    }

    fn contains_one(&mut self, rule: Rule<'_, 's>, items: &[Value], value: &Value) -> Flow {
        for item in items {
            if self.is_valid(rule.here, rule.value, item)? {
                return Ok(());
            }
        }
        self.violation(format!("None of {} are valid under the given schema", repr(value)))
    }

    fn contains(&mut self, rule: Rule<'_, 's>, items: &[Value], value: &Value) -> Flow {
        let limit = |keyword: &str| {
            rule.beside(keyword).and_then(|limit| Some(limit.as_number()?.to_f64()))
        };
        let most = limit("maxContains").unwrap_or(f64::INFINITY);
        let least = limit("minContains").unwrap_or(1.0);
        let text = |keyword: &str| rule.beside(keyword).map_or("1".into(), Value::to_text);
        let mut matches = 0;
        for item in items {
            matches += usize::from(self.is_valid(rule.here, rule.value, item)?);
            if matches as f64 > most {
                let most = text("maxContains");
                return self.violation(format!(
                    "Too many items match the given schema (expected at most {most})"
                ));
            }
        }
        if matches as f64 >= least {
            return Ok(());
        }
        self.violation(match matches {
            0 => format!("{} does not contain items matching the given schema", repr(value)),
            _ => format!(
                "Too few items match the given schema (expected at least {} but only {matches} matched)",
                text("minContains")
            ),
        })
    }

    fn unevaluated_items(&mut self, rule: Rule<'_, 's>, items: &[Value], value: &Value) -> Flow {
        let seen = self.evaluated_items(rule.here, items, value)?;
        let rest = items.iter().zip(seen).filter(|(_, seen)| !seen).map(|(item, _)| item.clone());
        let rest: Vec<Value> = rest.collect();
        if rest.is_empty() {
            return Ok(());
        }
        self.violation(format!("Unevaluated items are not allowed ({})", unexpected(&rest)))
    }
}

/// The position in a list as a step of a path.
pub(super) fn position(index: usize) -> Value {
    Value::from(i64::try_from(index).unwrap_or(i64::MAX))
}

/// Values, and that they were not expected.
pub(super) fn unexpected(extra: &[Value]) -> String {
    format!("{} unexpected", were(extra))
}

/// Values, and the verb for so many.
pub(super) fn were(extra: &[Value]) -> String {
    let verb = if extra.len() == 1 { "was" } else { "were" };
    let extra: Vec<String> = extra.iter().map(repr).collect();
    format!("{} {verb}", extra.join(", "))
}
