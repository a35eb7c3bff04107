//! One test: its metadata, with the keys that are understood given their types.

use std::path::Path;
use std::time::Duration;

use atex_core::{Test, TestName};

use crate::error::{Error, ErrorKind, Result};
use crate::tree::Node;
use crate::value::Value;

use super::metadata::parse_duration;
use super::{test_name, variables, wrong};

/// The test that a node describes; `prefix` is the name of its section, or empty.
pub(super) fn from_node(node: Node<'_>, prefix: &str) -> Result<(TestName, Test)> {
    let lead = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    let name = test_name(&format!("{lead}{}", node.name()), node)?;
    let mut test = Test::new(script(node)?);
    test.dir = directory(node, prefix)?;
    test.duration = node.get("duration").map(|value| duration(node, value)).transpose()?;
    test.tags = tags(node)?;
    test.tty = tty(node)?;
    test.environment = match node.get("environment") {
        None | Some(Value::Null) => Default::default(),
        Some(Value::Map(map)) => {
            let fail = |message: &str, location| {
                let message = format!("'environment' of {} {message}", node.name());
                Error::new(ErrorKind::Format, message).at(location).at(node.locate("environment"))
            };
            variables(map, fail, node.tree())?.into_iter().collect()
        }
        Some(other) => {
            let found = other.type_name();
            return Err(wrong(node, "environment", &format!("must be a map, got '{found}'")));
        }
    };
    test.metadata = match Value::from(node.data().clone()).to_json() {
        serde_json::Value::Object(metadata) => metadata,
        _ => serde_json::Map::new(),
    };
    Ok((name, test))
}

fn script(node: Node<'_>) -> Result<&str> {
    match node.get("test") {
        Some(Value::Str(script)) if !script.trim().is_empty() => Ok(script),
        Some(Value::Str(_) | Value::Null) | None => Err(wrong(node, "test", "is empty")),
        Some(other) => {
            let found = other.type_name();
            Err(wrong(node, "test", &format!("must be a string (a shell script), got '{found}'")))
        }
    }
}

/// The directory of the test below the root of the uploaded tree: its `path`, else that of the file that defines it.
fn directory(node: Node<'_>, prefix: &str) -> Result<String> {
    let path = match node.get("path") {
        None | Some(Value::Null) => None,
        Some(Value::Str(path)) => Some(&**path),
        Some(other) => {
            let found = other.type_name();
            return Err(wrong(node, "path", &format!("must be a string, got '{found}'")));
        }
    };
    if let Some(path) = path {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<&str> =
            Some(prefix).filter(|prefix| !prefix.is_empty()).into_iter().chain(parts).collect();
        if parts.contains(&"..") {
            return Err(wrong(node, "path", &format!("leads out of the tree: '{path}'")));
        }
        return Ok(parts.join("/"));
    }
    let sources = node.sources();
    // A node that inherits nothing and has no file of its own is where its script was written.
    let written = node.locate("test").map(|location| location.path);
    let source = sources.last().copied().or(written.as_deref());
    let root = node.tree().root();
    let relative = source.zip(root).and_then(|(source, root)| source.strip_prefix(root).ok());
    let Some(relative) = relative.and_then(Path::parent) else {
        return Err(wrong(node, "test", "is not defined by a file of the tree"));
    };
    let Some(relative) = relative.to_str() else {
        return Err(wrong(node, "test", "is in a directory whose name is not UTF-8"));
    };
    Ok(match (prefix, relative) {
        ("", relative) => relative.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, relative) => format!("{prefix}/{relative}"),
    })
}

fn duration(node: Node<'_>, value: &Value) -> Result<Duration> {
    let text = value.to_text();
    let is_scalar = matches!(value, Value::Str(_) | Value::Int(_));
    let parsed = parse_duration(&text).filter(|_| is_scalar);
    parsed.ok_or_else(|| {
        let what = format!("is '{text}', which is no duration");
        wrong(node, "duration", &what).with_hint("durations are like 90, 90s, 5m, 2h, 1d or 1h 30m")
    })
}

fn tags(node: Node<'_>) -> Result<Vec<String>> {
    match node.get("tag") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(items)) if items.iter().all(is_scalar) => {
            Ok(items.iter().map(|item| item.to_text().into_owned()).collect())
        }
        Some(value) if is_scalar(value) => Ok(vec![value.to_text().into_owned()]),
        Some(_) => Err(wrong(node, "tag", "must be a string or a list of strings")),
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Int(_) | Value::Float(_) | Value::Bool(_))
}

fn tty(node: Node<'_>) -> Result<bool> {
    match node.get("tty") {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(tty)) => Ok(*tty),
        Some(other) => {
            let found = other.to_text();
            Err(wrong(node, "tty", &format!("must be true or false, got '{found}'")))
        }
    }
}
