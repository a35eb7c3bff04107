//! [`ResultLine`]: one result of a test, as it stands in the `results` file of its artifacts.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One line of a `results` file: what a test reported once, with the names of the files that it left.
///
/// Keys that nobody defined are kept, in the order in which they came. An empty object is a valid result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResultLine(pub Map<String, Value>);

impl ResultLine {
    /// The subtest; `None` for a result of the test itself.
    ///
    /// A name that is there but is no text (or `null`) still makes it a subtest's: see [`is_own`](Self::is_own).
    pub fn name(&self) -> Option<&str> {
        self.0.get("name").and_then(Value::as_str)
    }

    /// Whether it is a result of the test itself: it has no key `name`.
    pub fn is_own(&self) -> bool {
        !self.0.contains_key("name")
    }

    /// The status, if it is a text.
    pub fn status(&self) -> Option<&str> {
        self.0.get("status").and_then(Value::as_str)
    }

    /// The note, if it is a text.
    pub fn note(&self) -> Option<&str> {
        self.0.get("note").and_then(Value::as_str)
    }

    /// The names of its files, relative to the folder `files` and the name of the subtest.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0
            .get("files")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
    }
}
