//! The drafts of JSON Schema: which one a schema is written for, which keywords and types each knows.

use super::wrong;
use crate::error::Result;
use crate::map::Map;
use crate::value::Value;

/// A draft; newer ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    D3,
    D4,
    D6,
    D7,
    D2019,
    D2020,
}

use Draft::{D3, D4, D6, D7, D2019, D2020};

/// Where schemas lie within a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// Keywords whose value is a schema.
    pub(super) value: &'static [&'static str],
    /// Keywords whose value is a list of schemas.
    pub(super) list: &'static [&'static str],
    /// Keywords whose value is a map of schemas.
    pub(super) map: &'static [&'static str],
    /// Keywords whose value may be one of these.
    pub(super) either: &'static [&'static str],
}

const LEGACY_MAPS: &[&str] = &["definitions", "patternProperties", "properties"];
const MODERN_MAPS: &[&str] =
    &["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
const OF_D3: &[&str] = &[];
const OF_D4: &[&str] = &["not"];
const OF_D6: &[&str] =
    &["additionalItems", "additionalProperties", "contains", "not", "propertyNames"];
const OF_D7: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "not",
    "propertyNames",
    "then",
];
const OF_D2019: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const OF_D2020: &[&str] = &[
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const COMBINED: &[&str] = &["allOf", "anyOf", "oneOf"];

impl Draft {
    /// The draft that `$schema` names, if it is one of those that are known.
    pub(super) fn declared(schema: &Value) -> Result<Option<Self>> {
        let declared = match schema {
            Value::Map(map) => map.get("$schema"),
            Value::Bool(_) | Value::Str(_) | Value::List(_) => None,
            other => return Err(wrong(format!("a schema cannot be a '{}'", other.type_name()))),
        };
        let uri = match declared {
            None => return Ok(None),
            Some(Value::Str(uri)) => uri,
            Some(other) => {
                return Err(wrong(format!(
                    "'$schema' is an address, not a '{}'",
                    other.type_name()
                )));
            }
        };
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        Ok(Some(match uri {
            "http://json-schema.org/draft-03/schema" => D3,
            "http://json-schema.org/draft-04/schema" => D4,
            "http://json-schema.org/draft-06/schema" => D6,
            "http://json-schema.org/draft-07/schema" => D7,
            "https://json-schema.org/draft/2019-09/schema" => D2019,
            "https://json-schema.org/draft/2020-12/schema" => D2020,
            _ => return Ok(None),
        }))
    }

    /// Whether a keyword means something.
    pub(super) fn knows(self, keyword: &str) -> bool {
        let (first, last) = match keyword {
            "$ref"
            | "additionalProperties"
            | "enum"
            | "items"
            | "maxItems"
            | "maxLength"
            | "maximum"
            | "minItems"
            | "minLength"
            | "minimum"
            | "pattern"
            | "patternProperties"
            | "properties"
            | "type"
            | "uniqueItems" => (D3, D2020),
            "disallow" | "divisibleBy" | "extends" => (D3, D3),
            "dependencies" => (D3, D7),
            "additionalItems" => (D3, D2019),
            "allOf" | "anyOf" | "oneOf" | "not" | "maxProperties" | "minProperties"
            | "multipleOf" | "required" => (D4, D2020),
            "const" | "contains" | "exclusiveMaximum" | "exclusiveMinimum" | "propertyNames" => {
                (D6, D2020)
            }
            "if" => (D7, D2020),
            "dependentRequired"
            | "dependentSchemas"
            | "unevaluatedItems"
            | "unevaluatedProperties" => (D2019, D2020),
            "$recursiveRef" => (D2019, D2019),
            "$dynamicRef" | "prefixItems" => (D2020, D2020),
            _ => return false,
        };
        first <= self && self <= last
    }

    /// The keywords of a schema that count: up to draft 7, those beside a `$ref` do not.
    pub(super) fn keywords(self, schema: &Map) -> Vec<(&str, &Value)> {
        match schema.get("$ref") {
            Some(reference) if self <= D7 && !reference.is_null() => vec![("$ref", reference)],
            _ => schema.iter().filter_map(|(key, value)| Some((key.as_str()?, value))).collect(),
        }
    }

    /// Whether a value is of a type; none if there is no such type.
    pub(super) fn is_type(self, value: &Value, name: &str) -> Option<bool> {
        Some(match name {
            "array" => matches!(value, Value::List(_)),
            "boolean" => matches!(value, Value::Bool(_)),
            "integer" => match value {
                Value::Int(_) => true,
                Value::Float(number) => self >= D6 && number.fract() == 0.0,
                _ => false,
            },
            "null" => value.is_null(),
            "number" => matches!(value, Value::Int(_) | Value::Float(_)),
            "object" => matches!(value, Value::Map(_)),
            "string" => matches!(value, Value::Str(_)),
            "any" if self == D3 => true,
            _ => return None,
        })
    }

    /// The address that a schema gives itself.
    pub(super) fn id(self, schema: &Value) -> Result<Option<&str>> {
        let map = match schema {
            Value::Map(map) => map,
            Value::Bool(_) if self >= D6 => return Ok(None),
            other => return Err(wrong(format!("a schema cannot be a '{}'", other.type_name()))),
        };
        if self <= D7 && map.contains_key("$ref") {
            return Ok(None);
        }
        let Some(id) = map.get(self.id_keyword()).filter(|id| !id.is_null()) else {
            return Ok(None);
        };
        let Some(id) = id.as_str() else {
            return Err(wrong(format!("the '{}' of a schema must be a text", self.id_keyword())));
        };
        Ok((self > D7 || !id.starts_with('#')).then(|| id.trim_end_matches('#')))
    }

    fn id_keyword(self) -> &'static str {
        if self <= D4 { "id" } else { "$id" }
    }

    /// The names by which a schema can be reached from within its document, and whether each is a dynamic one.
    pub(super) fn anchors(self, schema: &Map) -> Vec<(&str, bool)> {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        if self <= D7 {
            let name = text(self.id_keyword()).and_then(|id| id.strip_prefix('#'));
            return name.map(|name| (name, false)).into_iter().collect();
        }
        let plain = text("$anchor").map(|name| (name, false));
        let dynamic = text("$dynamicAnchor").filter(|_| self == D2020).map(|name| (name, true));
        plain.into_iter().chain(dynamic).collect()
    }

    /// Where schemas lie within a schema.
    pub(super) fn places(self) -> Places {
        let (value, list, map, either): (_, &[_], _, &[_]) = match self {
            D3 => (OF_D3, &["extends"], LEGACY_MAPS, &["items", "dependencies"]),
            D4 => (OF_D4, COMBINED, LEGACY_MAPS, &["items", "dependencies"]),
            D6 => (OF_D6, COMBINED, LEGACY_MAPS, &["items", "dependencies"]),
            D7 => (OF_D7, COMBINED, LEGACY_MAPS, &["items", "dependencies"]),
            D2019 => (OF_D2019, COMBINED, MODERN_MAPS, &["items"]),
            D2020 => (OF_D2020, &["allOf", "anyOf", "oneOf", "prefixItems"], MODERN_MAPS, &[]),
        };
        Places { value, list, map, either }
    }
}
