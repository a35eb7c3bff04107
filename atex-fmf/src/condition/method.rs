//! The methods of values in conditions.

use crate::error::{ErrorKind, Result};
use crate::value::Value;

use super::eval::Object;
use super::{fail, operator};

const TEXT: [&str; 31] = [
    "startswith",
    "endswith",
    "lower",
    "upper",
    "casefold",
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "rsplit",
    "splitlines",
    "count",
    "index",
    "find",
    "rfind",
    "join",
    "replace",
    "removeprefix",
    "removesuffix",
    "isdigit",
    "isdecimal",
    "isnumeric",
    "isalpha",
    "isalnum",
    "isspace",
    "isupper",
    "islower",
    "partition",
    "title",
    "zfill",
    "format",
];
const SEQUENCE: [&str; 2] = ["count", "index"];
const MAP: [&str; 5] = ["get", "keys", "values", "items", "copy"];
const SET: [&str; 7] =
    ["issubset", "issuperset", "isdisjoint", "union", "intersection", "difference", "copy"];

/// `base.name`.
pub(super) fn attribute(base: Object, name: &str) -> Result<Object> {
    let value = match base {
        Object::Value(value) => value,
        Object::Type(type_name) | Object::Builtin(type_name) if name == "__name__" => {
            let own_name = type_name.rsplit('.').next().unwrap_or_default();
            return Ok(Object::Value(own_name.into()));
        }
        Object::Re(None) => {
            let functions = ["search", "match", "fullmatch"];
            return match functions.iter().find(|function| **function == name) {
                Some(function) => Ok(Object::Re(Some(function))),
                None => fail(ErrorKind::Unsupported, format!("re.{name} is not supported")),
            };
        }
        _ => {
            return fail(
                ErrorKind::Unsupported,
                format!("the attribute '{name}' is not supported"),
            );
        }
    };
    if let Some(part) = date_part(&value, name) {
        return Ok(Object::Value(part.into()));
    }
    let methods: &[&str] = match &value {
        Value::Str(_) => &TEXT,
        Value::List(_) | Value::Tuple(_) => &SEQUENCE,
        Value::Map(_) => &MAP,
        Value::Set(_) => &SET,
        _ => &[],
    };
    if methods.contains(&name) {
        return Ok(Object::Method(value, name.to_owned()));
    }
    let message = format!("'{}' has no attribute '{name}' that is supported", value.type_name());
    fail(ErrorKind::Unsupported, message)
}

/// The year, the month, the day, and so on.
fn date_part(value: &Value, name: &str) -> Option<i64> {
    match value {
        Value::Date(date) => date.part(name),
        Value::DateTime(time) => time.part(name),
        _ => None,
    }
}

pub(super) fn call(base: &Value, name: &str, arguments: &[Value]) -> Result<Value> {
    let result = match base {
        Value::Str(text) => text_method(text, name, arguments)?,
        Value::List(items) | Value::Tuple(items) => sequence_method(items, name, arguments)?,
        Value::Map(map) => match (name, arguments) {
            ("get", [key]) => Some(map.get(key).cloned().unwrap_or(Value::Null)),
            ("get", [key, default]) => Some(map.get(key).unwrap_or(default).clone()),
            ("keys", []) => Some(Value::list(operator::iterate(base)?)),
            ("values", []) => Some(Value::list(map.values().cloned().collect())),
            ("items", []) => {
                let pair = |(key, value): (&crate::Key, &Value)| {
                    Value::Tuple(vec![key.value().clone(), value.clone()].into())
                };
                Some(Value::list(map.iter().map(pair).collect()))
            }
            ("copy", []) => Some(base.clone()),
            _ => None,
        },
        Value::Set(items) => set_method(items, name, arguments)?,
        _ => None,
    };
    result.map_or_else(
        || {
            let message =
                format!("{name}() cannot be called with {} such arguments", arguments.len());
            fail(ErrorKind::Type, message)
        },
        Ok,
    )
}

fn set_method(items: &[Value], name: &str, arguments: &[Value]) -> Result<Option<Value>> {
    use super::Binary::{BitAnd, BitOr, Subtract};
    let own = Value::Set(items.to_vec().into());
    let [other] = arguments else {
        return Ok((name == "copy" && arguments.is_empty()).then_some(own));
    };
    let other = operator::iterate(other)?;
    let within = |a: &[Value], b: &[Value]| a.iter().all(|item| b.contains(item));
    let combined = |binary| -> Result<Option<Value>> {
        operator::binary(binary, &own, &operator::set(other.clone())?).map(Some)
    };
    match name {
        "issubset" => Ok(Some(within(items, &other).into())),
        "issuperset" => Ok(Some(within(&other, items).into())),
        "isdisjoint" => Ok(Some((!items.iter().any(|item| other.contains(item))).into())),
        "union" => combined(BitOr),
        "intersection" => combined(BitAnd),
        "difference" => combined(Subtract),
        _ => Ok(None),
    }
}

fn sequence_method(items: &[Value], name: &str, arguments: &[Value]) -> Result<Option<Value>> {
    let [wanted] = arguments else { return Ok(None) };
    Ok(match name {
        "count" => Some((items.iter().filter(|item| *item == wanted).count() as i64).into()),
        "index" => match items.iter().position(|item| item == wanted) {
            Some(position) => Some((position as i64).into()),
            None => return fail(ErrorKind::Value, format!("{wanted:?} is not in the list")),
        },
        _ => None,
    })
}

fn text_method(text: &str, name: &str, arguments: &[Value]) -> Result<Option<Value>> {
    let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
    if let ("startswith" | "endswith", [Value::Tuple(options)]) = (name, arguments) {
        for option in options.iter() {
            if text_method(text, name, std::slice::from_ref(option))? == Some(true.into()) {
                return Ok(Some(true.into()));
            }
        }
        return Ok(Some(false.into()));
    }
    if let ("zfill", [Value::Int(width)]) = (name, arguments) {
        let width = width.as_i64().and_then(|width| usize::try_from(width).ok());
        return super::format::zfill(text, width.unwrap_or_default()).map(|text| Some(text.into()));
    }
    if let ("join", [items]) = (name, arguments) {
        let items = operator::iterate(items)?;
        let parts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
        return Ok(parts.map(|parts| parts.join(text).into()));
    }
    if let ("split" | "rsplit", [separator @ (Value::Str(_) | Value::Null), Value::Int(most)]) =
        (name, arguments)
    {
        let most = most.as_i64().and_then(|most| usize::try_from(most).ok());
        return split(text, separator.as_str(), most.unwrap_or(usize::MAX), name == "rsplit")
            .map(Some);
    }
    let position = |found: Option<usize>| {
        Value::from(found.map_or(-1, |bytes| text[..bytes].chars().count() as i64))
    };
    let all = |test: fn(char) -> bool| Value::from(!text.is_empty() && text.chars().all(test));
    let strip = |set: Option<&str>| {
        let unwanted = move |c: char| set.map_or(c.is_whitespace(), |set| set.contains(c));
        match name {
            "lstrip" => text.trim_start_matches(unwanted),
            "rstrip" => text.trim_end_matches(unwanted),
            _ => text.trim_matches(unwanted),
        }
    };
    let list = |parts: Vec<&str>| Value::list(parts.into_iter().map(Value::from).collect());
    let cased = text.chars().any(|c| c.is_lowercase() || c.is_uppercase());
    Ok(Some(match (name, texts.as_deref()) {
        ("startswith", Some([prefix])) => text.starts_with(prefix).into(),
        ("endswith", Some([suffix])) => text.ends_with(suffix).into(),
        ("lower", Some([])) => text.to_lowercase().into(),
        ("upper", Some([])) => text.to_uppercase().into(),
        ("casefold", Some([])) => crate::context::fold(text).into(),
        ("strip" | "lstrip" | "rstrip", Some([])) => strip(None).into(),
        ("strip" | "lstrip" | "rstrip", Some([set])) => strip(Some(set)).into(),
        ("split" | "rsplit", Some([])) => list(text.split_whitespace().collect()),
        ("split" | "rsplit" | "partition", Some([""])) => {
            return fail(ErrorKind::Value, "the separator is empty");
        }
        ("split" | "rsplit", Some([separator])) => list(text.split(separator).collect()),
        ("splitlines", Some([])) => list(text.lines().collect()),
        ("partition", Some([separator])) => {
            let (before, found, after) = match text.split_once(separator) {
                Some((before, after)) => (before, *separator, after),
                None => (text, "", ""),
            };
            Value::Tuple(vec![before.into(), found.into(), after.into()].into())
        }
        ("count", Some([part])) => (text.matches(part).count() as i64).into(),
        ("find", Some([part])) => position(text.find(part)),
        ("rfind", Some([part])) => position(text.rfind(part)),
        ("index", Some([part])) => match text.find(part) {
            None => return fail(ErrorKind::Value, "the text was not found"),
            found => position(found),
        },
        ("replace", Some([from, to])) => text.replace(from, to).into(),
        ("removeprefix", Some([prefix])) => text.strip_prefix(prefix).unwrap_or(text).into(),
        ("removesuffix", Some([suffix])) => text.strip_suffix(suffix).unwrap_or(text).into(),
        ("isdigit" | "isdecimal" | "isnumeric", Some([])) => {
            all(|c| crate::root::decimal_digit(c).is_some())
        }
        ("isalpha", Some([])) => all(char::is_alphabetic),
        ("isalnum", Some([])) => all(char::is_alphanumeric),
        ("isspace", Some([])) => all(char::is_whitespace),
        ("isupper", Some([])) => (cased && !text.chars().any(char::is_lowercase)).into(),
        ("islower", Some([])) => (cased && !text.chars().any(char::is_uppercase)).into(),
        ("title", Some([])) => title(text).into(),
        _ => return Ok(None),
    }))
}

/// Splits at a text, or at blanks, but not more often than that: from the start or from the end.
fn split(text: &str, separator: Option<&str>, most: usize, from_end: bool) -> Result<Value> {
    if separator == Some("") {
        return fail(ErrorKind::Value, "the separator is empty");
    }
    let trim = |text: &'_ str| match (separator, from_end) {
        (Some(_), _) => text.len(),
        (None, true) => text.trim_end().len(),
        (None, false) => text.trim_start().len(),
    };
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let kept = trim(rest);
        rest = if from_end { &rest[..kept] } else { &rest[rest.len() - kept..] };
        if separator.is_none() && rest.is_empty() {
            break;
        }
        let cut = match (separator, from_end) {
            _ if parts.len() == most => None,
            (Some(separator), false) => rest.split_once(separator),
            (Some(separator), true) => {
                rest.rsplit_once(separator).map(|(before, after)| (after, before))
            }
            (None, false) => rest.split_once(char::is_whitespace),
            (None, true) => {
                rest.rsplit_once(char::is_whitespace).map(|(before, after)| (after, before))
            }
        };
        let Some((part, after)) = cut else {
            parts.push(rest);
            break;
        };
        parts.push(part);
        rest = after;
    }
    if from_end {
        parts.reverse();
    }
    Ok(Value::list(parts.into_iter().map(Value::from).collect()))
}

fn title(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}
