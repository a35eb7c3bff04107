//! [`Report`]: one reported result, parsed and checked.

use std::collections::BTreeSet;

use atex_core::SafePath;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::weight;
use crate::control::{ControlError, shown};
use crate::secret::Secrets;

/// One result as a test reported it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// All keys but `testout` and `partial`, in their order; `files` is a list of names.
    pub fields: Map<String, Value>,
    /// The files whose contents follow, in their order.
    pub files: Vec<FileAnnouncement>,
    /// The name under which the output of the test is attached.
    #[serde(with = "stored_path::option", default)]
    pub testout: Option<SafePath>,
    /// Whether more may come for the same name.
    pub partial: bool,
}

/// A file that a result announces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileAnnouncement {
    /// Its name, made safe: relative to the folder of the result.
    #[serde(with = "stored_path")]
    pub path: SafePath,
    /// Its length in bytes, as announced: never a reason to allocate anything.
    pub length: u64,
}

impl Report {
    /// Parses the JSON of a `result` word.
    ///
    /// # Errors
    /// [`ControlError::Report`] for what is no JSON object, or has a malformed `files` or `testout`.
    pub fn parse(json: &[u8]) -> Result<Self, ControlError> {
        let problem = |problem: String| ControlError::Report { problem, json: shown(json) };
        let text = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        if let Some(refusal) = weight::refusal(text) {
            return Err(problem(refusal));
        }
        let mut fields = match serde_json::from_slice(text)
            .map_err(|error| problem(error.to_string()))?
        {
            Value::Object(fields) => fields,
            other => return Err(problem(format!("expected an object, found {}", kind(&other)))),
        };
        let files = match fields.get_mut("files") {
            None | Some(Value::Null) => Vec::new(),
            Some(value) => {
                let files = announced(value).map_err(&problem)?;
                let names: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
                *value = names.into_iter().map(Value::from).collect();
                files
            }
        };
        let testout = match fields.shift_remove("testout") {
            None => None,
            Some(Value::String(name)) => match SafePath::new(&name) {
                Some(path) => Some(path),
                None => {
                    return Err(problem(format!(
                        "`testout` is {:?}, which names no file",
                        shown(name.as_bytes())
                    )));
                }
            },
            Some(other) => {
                return Err(problem(format!(
                    "`testout` must be a file name, found {}",
                    kind(&other)
                )));
            }
        };
        let partial = fields.shift_remove("partial").is_some_and(|value| is_true(&value));
        Ok(Self { fields, files, testout, partial })
    }

    /// Hides secrets in all its texts, and in the names of its files.
    pub(crate) fn hide(&mut self, secrets: &Secrets) {
        if secrets.is_empty() {
            return;
        }
        let mut fields = Value::Object(std::mem::take(&mut self.fields));
        secrets.hide_in(&mut fields);
        if let Value::Object(fields) = fields {
            self.fields = fields;
        }
        let names = self.files.iter_mut().map(|file| &mut file.path).chain(&mut self.testout);
        for path in names {
            let mut name = path.as_str().to_owned();
            secrets.hide(&mut name);
            *path = SafePath::new(&name).unwrap_or_else(|| path.clone());
        }
    }

    /// The subtest, or `None` for the test itself: what partial results are merged by. A name that is no text counts by its
    /// JSON.
    pub(crate) fn key(&self) -> Option<String> {
        self.fields
            .get("name")
            .map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned))
    }
}

fn announced(value: &Value) -> Result<Vec<FileAnnouncement>, String> {
    let files = value
        .as_array()
        .ok_or_else(|| format!("`files` must be an array, found {}", kind(value)))?;
    files
        .iter()
        .map(|file| {
            let name = file.get("name").and_then(Value::as_str).unwrap_or_default();
            let path = SafePath::new(name).ok_or_else(|| {
                format!("a file needs a name, found {}", shown(file.to_string().as_bytes()))
            })?;
            let length = file.get("length").and_then(Value::as_u64);
            let length = length.ok_or_else(|| {
                format!("file {:?} needs a length in bytes", shown(name.as_bytes()))
            })?;
            Ok(FileAnnouncement { path, length })
        })
        .collect()
}

/// Truth as Python sees it, since any value was always accepted for `partial`.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A safe path as text, in checkpoints. What is safe stays as it is when it is made safe again.
mod stored_path {
    use atex_core::SafePath;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(path: &SafePath, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(path.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<SafePath, D::Error> {
        let text = String::deserialize(from)?;
        SafePath::new(&text).ok_or_else(|| D::Error::custom("no file name"))
    }

    pub(super) mod option {
        use super::{Deserialize, Deserializer, SafePath, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            path: &Option<SafePath>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match path {
                Some(path) => super::serialize(path, to),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<SafePath>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            Ok(text.as_deref().and_then(SafePath::new))
        }
    }
}
