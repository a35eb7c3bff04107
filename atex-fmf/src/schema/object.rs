//! Keywords for maps.

use super::array::{unexpected, were};
use super::draft::Draft;
use super::walk::{Flow, Rule, Stop, Walk, items};
use super::wrong;
use crate::map::Map;
use crate::text::repr;
use crate::value::Value;

impl<'s> Walk<'s> {
    /// A keyword for a map.
    pub(super) fn object(&mut self, rule: Rule<'_, 's>, map: &Map, value: &Value) -> Flow {
        match rule.keyword {
            "minProperties" | "maxProperties" => self.size(rule, map.len(), value),
            "required" => self.required(rule, map),
            "properties" => self.properties(rule, map),
            "patternProperties" => self.pattern_properties(rule, map),
            "additionalProperties" => self.additional_properties(rule, map),
            "propertyNames" => {
                map.keys().try_for_each(|key| self.descend(rule.here, rule.value, key.value()))
            }
            "dependencies" | "dependentRequired" | "dependentSchemas" => {
                self.dependencies(rule, map, value)
            }
            "unevaluatedProperties" => self.unevaluated_properties(rule, map, value),
            _ => Ok(()),
        }
    }

    fn required(&mut self, rule: Rule<'_, 's>, map: &Map) -> Flow {
        for name in rule.items()? {
            if !name.is_hashable() {
                return Err(rule.malformed("a list of keys"));
            }
            if !map.contains_key(&name) {
                self.violation(format!("{} is a required property", repr(&name)))?;
            }
        }
        Ok(())
    }

    fn properties(&mut self, rule: Rule<'_, 's>, map: &Map) -> Flow {
        for (key, schema) in rule.map()?.iter() {
            let name = key.value();
            if let Some(value) = map.get(name) {
                self.enter(rule.here, schema, (name, value))?;
            } else if rule.here.draft == Draft::D3 {
                let schema = schema.as_map().ok_or_else(|| wrong("a schema must be a map"))?;
                if schema.get("required").is_some_and(Value::is_truthy) {
                    self.violation_at(name, format!("{} is a required property", repr(name)))?;
                }
            }
        }
        Ok(())
    }

    fn pattern_properties(&mut self, rule: Rule<'_, 's>, map: &Map) -> Flow {
        for (pattern, schema) in rule.map()?.iter() {
            for (key, value) in map.iter() {
                if self.key_matches(pattern.as_str(), key.value())? {
                    self.enter(rule.here, schema, (key.value(), value))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn key_matches(&mut self, pattern: Option<&str>, key: &Value) -> Result<bool, Stop> {
        match (pattern, key.as_str()) {
            (Some(pattern), Some(key)) => self.search(pattern, key),
            _ => Err(wrong("patterns are for keys that are texts").into()),
        }
    }

    fn additional_properties(&mut self, rule: Rule<'_, 's>, map: &Map) -> Flow {
        let mut extra = self.additional(rule, map)?;
        if rule.value.as_map().is_some() {
            for key in extra {
                if let Some(value) = map.get(&key) {
                    self.enter(rule.here, rule.value, (&key, value))?;
                }
            }
            return Ok(());
        }
        if rule.value.is_truthy() || extra.is_empty() {
            return Ok(());
        }
        extra.sort_by(|a, b| a.to_text().cmp(&b.to_text()));
        let Some(patterns) = rule.beside("patternProperties") else {
            let extra = unexpected(&extra);
            return self.violation(format!("Additional properties are not allowed ({extra})"));
        };
        let mut patterns = items(patterns).unwrap_or_default();
        patterns.sort_by(|a, b| a.to_text().cmp(&b.to_text()));
        let listed = |values: &[Value]| values.iter().map(repr).collect::<Vec<_>>().join(", ");
        let verb = if extra.len() == 1 { "does" } else { "do" };
        let (extra, patterns) = (listed(&extra), listed(&patterns));
        self.violation(format!("{extra} {verb} not match any of the regexes: {patterns}"))
    }

    /// The keys that neither `properties` nor `patternProperties` speak of.
    fn additional(&mut self, rule: Rule<'_, 's>, map: &Map) -> Result<Vec<Value>, Stop> {
        let named = |name: &Value| match rule.beside("properties") {
            Some(Value::Map(known)) => known.contains_key(name),
            Some(other) => items(other).is_some_and(|names| names.contains(name)),
            None => false,
        };
        let patterns = rule.beside("patternProperties").and_then(items).unwrap_or_default();
        let patterns: Vec<&str> = patterns.iter().filter_map(Value::as_str).collect();
        let pattern = patterns.join("|");
        let mut extra = Vec::new();
        for key in map.keys().map(|key| key.value()) {
            if !named(key) && (pattern.is_empty() || !self.key_matches(Some(&pattern), key)?) {
                extra.push(key.clone());
            }
        }
        Ok(extra)
    }

    fn dependencies(&mut self, rule: Rule<'_, 's>, map: &Map, value: &Value) -> Flow {
        for (key, needed) in rule.map()?.iter() {
            if !map.contains_key(key) {
                continue;
            }
            let names = match (rule.keyword, needed) {
                ("dependentRequired", _) | (_, Value::List(_)) => {
                    items(needed).ok_or_else(|| rule.malformed("a map of lists"))?
                }
                (_, Value::Str(_)) if rule.here.draft == Draft::D3 => vec![needed.clone()],
                _ => {
                    self.descend(rule.here, needed, value)?;
                    continue;
                }
            };
            for name in names.iter().filter(|name| !map.contains_key(*name)) {
                let message = format!("{} is a dependency of {}", repr(name), repr(key.value()));
                self.violation(message)?;
            }
        }
        Ok(())
    }

    fn unevaluated_properties(&mut self, rule: Rule<'_, 's>, map: &Map, value: &Value) -> Flow {
        let seen = self.evaluated_keys(rule.here, map, value)?;
        let mut rest = Vec::new();
        for (key, value) in map.iter().filter(|(key, _)| !seen.contains(key.value())) {
            let key = key.value();
            if !self.tried(false, |walk| walk.enter(rule.here, rule.value, (key, value)))? {
                rest.push(key.clone());
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        if rule.value.as_bool() != Some(false) {
            return self.violation(format!(
                "Unevaluated properties are not valid under the given schema ({} unevaluated and invalid)",
                were(&rest)
            ));
        }
        rest.sort_by(|a, b| a.to_text().cmp(&b.to_text()));
        self.violation(format!("Unevaluated properties are not allowed ({})", unexpected(&rest)))
    }
}
