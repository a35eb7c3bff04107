//! Writes generated metadata as YAML: nothing that needs a library, but with the styles that people use.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// What a text begins with that stands in the file as it is, without quotes whatever it looks like.
pub(super) const VERBATIM: char = '\u{1}';

/// The text of a file that has this map.
pub(super) fn file(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    block(map, 0, &mut out);
    out
}

fn block(map: &Map<String, Value>, indent: usize, out: &mut String) {
    for (key, value) in map {
        let _ = write!(out, "{:indent$}{}:", "", scalar(key));
        entry(value, indent, out);
    }
}

/// What follows a key, or the dash of a list.
fn entry(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(map, indent + 4, out);
        }
        // Lists of scalars in one line, if they are short.
        Value::Array(items) if items.len() > 2 || items.iter().any(Value::is_object) => {
            out.push('\n');
            for item in items {
                let _ = write!(out, "{:indent$}  -", "");
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        let mut inner = String::new();
                        block(map, indent + 4, &mut inner);
                        let _ = write!(out, " {}", inner.trim_start());
                    }
                    other => {
                        let _ = writeln!(out, " {}", flow(other));
                    }
                }
            }
        }
        other => {
            let _ = writeln!(
                out,
                "{}",
                if other.is_null() { String::new() } else { format!(" {}", flow(other)) }
            );
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let entries =
                map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text, quoted unless it is surely read as the same text without.
fn scalar(text: &str) -> String {
    if let Some(verbatim) = text.strip_prefix(VERBATIM) {
        return verbatim.to_owned();
    }
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./+<~".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let word = ["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    match starts && !word && text.chars().all(safe) {
        true => text.to_owned(),
        // JSON's quotes and escapes are YAML's as well.
        false => Value::String(text.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_look_as_people_write_them() {
        let value = json!({
            "tag+": ["a", "true"],
            "/x/y": {"n": null, "t": "say \"so\"", "d": "\u{1}2020-01-31", "e": {}},
            "adjust": [{"when": "d < 1", "environment+": {"A": 1}}, {}, [1]],
        });
        insta::assert_snapshot!(file(value.as_object().unwrap()), @r#"
        tag+: [a, "true"]
        /x/y:
            n:
            t: "say \"so\""
            d: 2020-01-31
            e: {}
        adjust:
          - when: "d < 1"
            environment+:
                A: 1
          - {}
          - [1]
        "#);
    }
}
