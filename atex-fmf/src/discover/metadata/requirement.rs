//! [`Requirement`]: what a test wants installed before it runs.

use crate::map::Map;
use crate::value::Value;

use super::Reader;

/// What a test wants to be there before it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// A package, or whatever a package manager takes for one.
    Package(String),
    /// A library of another tree.
    Library(Library),
    /// Files of the tree that the test needs beside its own, as regular expressions.
    Files(Vec<String>),
}

/// A library that a test requires.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Library {
    /// The requirement in one string, `library(repo/name)`, if it was written so.
    pub text: Option<String>,
    /// The git repository.
    pub url: Option<String>,
    /// The branch, tag or commit.
    pub reference: Option<String>,
    /// The folder of a local tree, or of the tree in the repository.
    pub path: Option<String>,
    /// The name of the library in its tree.
    pub name: Option<String>,
    /// Under which name its content is laid, if not that of its repository.
    pub nick: Option<String>,
    /// Where it is laid, relative to the folder of the tests.
    pub destination: Option<String>,
}

/// The requirements under `require` or `recommend`.
pub(super) fn read(reader: &mut Reader<'_>, key: &str) -> Vec<Requirement> {
    let Some(value) = reader.value(key) else { return Vec::new() };
    let items = match value {
        Value::List(items) => &**items,
        single => std::slice::from_ref(single),
    };
    let read = items.iter().filter_map(|item| match item {
        Value::Str(text) if text.starts_with("library(") => {
            let text = Some(text.to_string());
            Some(Requirement::Library(Library { text, ..Library::default() }))
        }
        Value::Str(text) => Some(Requirement::Package(text.to_string())),
        Value::Map(map) => from_map(reader, key, map),
        other => {
            let found = other.type_name();
            let what = format!("must be a string, a map, or a list of these, got '{found}'");
            reader.wrong(key, &what);
            None
        }
    });
    read.collect()
}

fn from_map(outer: &mut Reader<'_>, key: &str, map: &Map) -> Option<Requirement> {
    // The map is read by a reader of its own, which ends before the outer one goes on.
    let mut found = None;
    let mut wrong = None;
    match map.get("type").map(|kind| kind.as_str()) {
        None | Some(Some("library")) => {}
        Some(Some("file")) => {
            let patterns = map.get("pattern").and_then(crate::discover::texts);
            match patterns {
                Some(patterns) => found = Some(Requirement::Files(patterns)),
                None => wrong = Some("has a 'file' without a 'pattern'".to_owned()),
            }
        }
        Some(_) => wrong = Some("has a 'type' that is neither 'library' nor 'file'".to_owned()),
    }
    if found.is_none() && wrong.is_none() {
        let mut text = |key: &str| match map.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::Str(text)) => Some(text.to_string()),
            // Branches are often numbers.
            Some(number @ (Value::Int(_) | Value::Float(_))) => Some(number.to_text().into_owned()),
            Some(other) => {
                let found = other.type_name();
                wrong = Some(format!("has a '{key}' that must be a string, got '{found}'"));
                None
            }
        };
        found = Some(Requirement::Library(Library {
            text: None,
            url: text("url"),
            reference: text("ref"),
            path: text("path"),
            name: text("name"),
            nick: text("nick"),
            destination: text("destination"),
        }));
    }
    if let Some(wrong) = wrong {
        outer.wrong(key, &wrong);
        return None;
    }
    found
}
