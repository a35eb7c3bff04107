//! Files with variables that a plan names: `KEY=VALUE` lines as a shell has them, or YAML.

use std::path::{Component, Path};

use indexmap::IndexMap;

use crate::discover::variables;
use crate::error::{Error, ErrorKind, Result};
use crate::tree::Node;
use crate::value::Value;

/// Larger files are no files of variables.
const MAX_SIZE: u64 = 1 << 20;

/// The variables in a file below the root of the tree of a plan; nothing outside the tree is ever read.
///
/// # Errors
/// There is no such file in the tree, it is too large, or it has anything but variables.
pub(crate) fn read(plan: Node<'_>, name: &str) -> Result<IndexMap<String, String>> {
    let wrong = |kind, what: &str| {
        let message = format!("'environment-file' of {}: {what}", plan.name());
        Error::new(kind, message).at(plan.locate("environment-file"))
    };
    if name.contains("://") {
        let error =
            wrong(ErrorKind::Unsupported, &format!("'{name}' is not fetched from the network"));
        return Err(error.with_hint(
            "put the file into the metadata tree, or its variables into 'environment' of the plan",
        ));
    }
    let relative = Path::new(name.trim_start_matches('/'));
    let outside = || wrong(ErrorKind::File, &format!("'{name}' is not in the metadata tree"));
    if relative.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(outside());
    }
    let root = plan.tree().root().ok_or_else(outside)?;
    let root = root.canonicalize().map_err(|_| outside())?;
    let read = |error: std::io::Error| {
        let message = format!("'environment-file' of {}: cannot read '{name}'", plan.name());
        Error::io(message, error).at(plan.locate("environment-file"))
    };
    let path = root.join(relative).canonicalize().map_err(read)?;
    // Links may lead outside.
    if !path.starts_with(&root) {
        return Err(outside());
    }
    let metadata = path.metadata().map_err(read)?;
    if !metadata.is_file() || metadata.len() > MAX_SIZE {
        return Err(wrong(ErrorKind::Limit, &format!("'{name}' is no file of at most 1 MiB")));
    }
    let text = std::fs::read_to_string(&path).map_err(read)?;
    let broken = |what: String| wrong(ErrorKind::Format, &format!("'{name}' {what}"));
    if path.extension().is_some_and(|suffix| suffix == "yaml" || suffix == "yml") {
        let value =
            Value::from_yaml(&text).map_err(|error| broken(format!("is no YAML: {error}")))?;
        return match value {
            Value::Null => Ok(IndexMap::new()),
            Value::Map(map) => {
                let fail = |message: &str, _| broken(message.to_owned());
                Ok(variables(&map, fail, plan.tree())?.into_iter().collect())
            }
            _ => Err(broken("must be a map of variables".to_owned())),
        };
    }
    assignments(&text).map_err(broken)
}

/// The assignments in a text of shell words.
fn assignments(text: &str) -> Result<IndexMap<String, String>, String> {
    let mut variables = IndexMap::new();
    for (word, line) in words(text)? {
        match word.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                variables.insert(key.to_owned(), value.to_owned());
            }
            _ => return Err(format!("has '{word}' in line {line}, which is no KEY=VALUE")),
        }
    }
    Ok(variables)
}

/// Words as a shell splits them, each with its line: quotes, backslashes, comments; nothing is expanded.
fn words(text: &str) -> Result<Vec<(String, usize)>, String> {
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut line = 1;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '#' => {
                // A comment ends a word, too.
                words.extend(word.take());
                chars.by_ref().find(|c| *c == '\n');
                line += 1;
            }
            c if c.is_whitespace() => {
                words.extend(word.take());
                line += usize::from(c == '\n');
            }
            quote @ ('\'' | '"') => {
                let (inner, _) = word.get_or_insert_with(|| (String::new(), line));
                let start = line;
                loop {
                    match chars.next() {
                        None => {
                            return Err(format!("has a quote in line {start} that does not end"));
                        }
                        Some(c) if c == quote => break,
                        Some('\\') if quote == '"' => match chars.next() {
                            Some(c @ ('"' | '\\')) => inner.push(c),
                            other => inner.extend(['\\'].into_iter().chain(other)),
                        },
                        Some(c) => {
                            line += usize::from(c == '\n');
                            inner.push(c);
                        }
                    }
                }
            }
            '\\' => {
                let (inner, _) = word.get_or_insert_with(|| (String::new(), line));
                inner.extend(chars.next());
            }
            c => word.get_or_insert_with(|| (String::new(), line)).0.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_words_of_a_shell() {
        let text = "A=1 # one\nB='x y'\n\nC=\"q \\\" \\n\"\nD=a\\ b E=\nA=2\n";
        let read = assignments(text).unwrap();
        let shown: Vec<String> = read.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(shown, ["A=2", "B=x y", "C=q \" \\n", "D=a b", "E="]);
        assert_eq!(
            assignments("A=1\nB\n").unwrap_err(),
            "has 'B' in line 2, which is no KEY=VALUE"
        );
        assert_eq!(assignments("A='").unwrap_err(), "has a quote in line 1 that does not end");
    }
}
