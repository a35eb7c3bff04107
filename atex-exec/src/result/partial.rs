//! What merging partial results means. Pure.

use std::collections::BTreeSet;

use atex_core::SafePath;
use serde_json::{Map, Value};

use super::Report;

impl Report {
    /// Merges a later report of the same name into this one.
    pub(super) fn merge(&mut self, later: Self) {
        let mut later_fields = later.fields;
        // It is the same, or counts as the same. As `null`, it must not be deleted: the result would be another one's then.
        later_fields.shift_remove("name");
        match later_fields.shift_remove("files") {
            Some(Value::Null) => drop(self.fields.shift_remove("files")),
            Some(files) => self.add_files(files),
            None => {}
        }
        merge(&mut self.fields, later_fields);
        self.testout = later.testout.or(self.testout.take());
        self.partial = later.partial;
    }

    /// The union of the files so far and these, sorted.
    fn add_files(&mut self, more: Value) {
        let all = self.fields.entry("files").or_insert_with(|| Value::Array(Vec::new()));
        let lists = [std::mem::take(all), more];
        let names: BTreeSet<String> = lists
            .iter()
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        *all = names.into_iter().map(Value::from).collect();
    }

    /// Whether a file of this name belongs to it.
    pub(crate) fn has_file(&self, name: &str) -> bool {
        let files = self.fields.get("files").and_then(Value::as_array);
        files.is_some_and(|files| files.iter().any(|file| file.as_str() == Some(name)))
    }

    /// Puts the name of the attached output in front of its files.
    pub(crate) fn attach(&mut self, testout: &SafePath) {
        let files = self.fields.entry("files").or_insert_with(|| Value::Array(Vec::new()));
        // A test may have said `null`.
        if !files.is_array() {
            *files = Value::Array(Vec::new());
        }
        if let Value::Array(files) = files {
            files.retain(|file| file != testout.as_str());
            files.insert(0, testout.as_str().into());
        }
    }
}

/// Merges one object into another: null deletes a key (and adds none), arrays are appended, objects merge by the same
/// rules, anything else replaces, as does a value of another kind.
pub fn merge(into: &mut Map<String, Value>, later: Map<String, Value>) {
    for (key, value) in later {
        match (into.get_mut(&key), value) {
            (_, Value::Null) => drop(into.shift_remove(&key)),
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new),
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (Some(old), new) => *old = new,
            (None, new) => drop(into.insert(key, new)),
        }
    }
}
