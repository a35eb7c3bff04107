//! What of a value other keywords have spoken of already, for `unevaluatedItems` and `unevaluatedProperties`.

use super::draft::Draft;
use super::registry::Found;
use super::walk::{Here, Stop, Walk};
use crate::map::Map;
use crate::value::Value;

/// The schemas beside, whose keywords count as those of the schema itself where the value follows them.
const COMBINED: [&str; 3] = ["allOf", "oneOf", "anyOf"];

impl<'s> Walk<'s> {
    /// For each item, whether it was spoken of.
    pub(super) fn evaluated_items(
        &mut self,
        here: &Here<'s>,
        items: &[Value],
        value: &Value,
    ) -> Result<Vec<bool>, Stop> {
        self.step(1)?;
        let mut seen = vec![false; items.len()];
        let prefix = match (here.draft, here.schema.get("items")) {
            (Draft::D2020, Some(_)) => usize::MAX,
            (Draft::D2020, None) => length(here.schema.get("prefixItems")),
            (_, Some(Value::List(schemas))) if !here.schema.contains_key("additionalItems") => {
                schemas.len()
            }
            (_, Some(_)) => usize::MAX,
            (_, None) => 0,
        };
        seen.iter_mut().take(prefix).for_each(|seen| *seen = true);
        for keyword in ["contains", "unevaluatedItems"] {
            let Some(schema) = here.schema.get(keyword) else { continue };
            for (item, seen) in items.iter().zip(&mut seen) {
                *seen |= self.is_valid(here, schema, item)?;
            }
        }
        for inner in self.in_force(here, value)? {
            let more = self.evaluated_items(&inner, items, value)?;
            seen.iter_mut().zip(more).for_each(|(seen, more)| *seen |= more);
        }
        Ok(seen)
    }

    /// The keys that were spoken of.
    pub(super) fn evaluated_keys(
        &mut self,
        here: &Here<'s>,
        map: &Map,
        value: &Value,
    ) -> Result<Vec<Value>, Stop> {
        self.step(1)?;
        let mut seen = Vec::new();
        for keyword in ["properties", "additionalProperties", "unevaluatedProperties"] {
            let modern = here.draft == Draft::D2020 && keyword != "properties";
            match here.schema.get(keyword) {
                Some(schema) if modern => {
                    for (key, value) in map.iter() {
                        if self.tried(true, |walk| walk.descend(here, schema, value))? {
                            seen.push(key.value().clone());
                        }
                    }
                }
                Some(Value::Bool(true)) => seen.extend(map.keys().map(|key| key.value().clone())),
                Some(Value::Map(named)) => {
                    let named = named.keys().map(|key| key.value());
                    seen.extend(named.filter(|name| map.contains_key(*name)).cloned());
                }
                _ => {}
            }
        }
        if let Some(Value::Map(patterns)) = here.schema.get("patternProperties") {
            for (pattern, key) in patterns.keys().flat_map(|p| map.keys().map(move |key| (p, key)))
            {
                if self.key_matches(pattern.as_str(), key.value())? {
                    seen.push(key.value().clone());
                }
            }
        }
        let mut inner = self.in_force(here, value)?;
        if let Some(Value::Map(dependent)) = here.schema.get("dependentSchemas") {
            let dependent = dependent.iter().filter(|(key, _)| map.contains_key(*key));
            inner.extend(dependent.filter_map(|(_, schema)| within(here, schema)));
        }
        for inner in inner {
            seen.extend(self.evaluated_keys(&inner, map, value)?);
        }
        Ok(seen)
    }

    /// The schemas beside that the value follows: by reference, by condition, combined.
    fn in_force(&mut self, here: &Here<'s>, value: &Value) -> Result<Vec<Here<'s>>, Stop> {
        let mut inner = Vec::new();
        let by_name = if here.draft == Draft::D2020 { "$dynamicRef" } else { "" };
        for reference in ["$ref", by_name].into_iter().filter_map(|key| here.schema.get(key)) {
            inner.extend(reached(here, self.target(here, reference)?));
        }
        if here.draft == Draft::D2019 && here.schema.contains_key("$recursiveRef") {
            inner.extend(reached(here, self.recursive_target(here)?));
        }
        if let Some(condition) = here.schema.get("if") {
            let holds = self.is_valid(here, condition, value)?;
            let branch = if holds { "then" } else { "else" };
            inner.extend(holds.then(|| within(here, condition)).flatten());
            inner.extend(here.schema.get(branch).and_then(|schema| within(here, schema)));
        }
        for schemas in COMBINED.into_iter().filter_map(|keyword| here.schema.get(keyword)) {
            for schema in schemas.as_list().unwrap_or_default() {
                if self.tried(true, |walk| walk.descend(here, schema, value))? {
                    inner.extend(within(here, schema));
                }
            }
        }
        Ok(inner)
    }
}

fn length(schemas: Option<&Value>) -> usize {
    schemas.and_then(Value::as_list).map_or(0, <[Value]>::len)
}

fn within<'s>(here: &Here<'s>, schema: &'s Value) -> Option<Here<'s>> {
    Some(Here { schema: schema.as_map()?, ..here.clone() })
}

fn reached<'s>(here: &Here<'s>, found: Found<'s>) -> Option<Here<'s>> {
    Some(Here { schema: found.schema.as_map()?, scope: found.scope, draft: here.draft })
}
