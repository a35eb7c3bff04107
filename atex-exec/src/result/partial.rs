//! Partial results: kept open and merged until they are closed.

use std::collections::BTreeSet;

use atex_core::SafePath;
use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::Report;
use crate::control::ControlError;

/// The partial results of a test that are still open, in the order in which they first appeared.
///
/// ```
/// use atex_exec::result::{OpenResults, Report};
///
/// let mut open = OpenResults::default();
/// let report = |json: &str| Report::parse(json.as_bytes());
/// assert!(open.add(report(r#"{"name": "sub", "status": "fail", "partial": true}"#)?)?.is_none());
/// let closed = open.add(report(r#"{"name": "sub", "note": "late"}"#)?)?.unwrap();
/// assert_eq!(serde_json::Value::from(closed.fields).to_string(), r#"{"name":"sub","status":"fail","note":"late"}"#);
/// # Ok::<(), atex_exec::control::ControlError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OpenResults {
    open: IndexMap<Option<String>, Report>,
    /// How much JSON came for what is open, in bytes.
    size: usize,
}

impl OpenResults {
    /// How much may be open at once, in bytes of the JSON that came for it: what is open is kept in memory.
    pub const MAX_OPEN: usize = 16 << 20;

    /// Takes a reported result. A partial one is merged into the open one of its name and kept; any other closes the open
    /// one of its name, if there is one, and is given back, complete.
    ///
    /// # Errors
    /// [`ControlError::Report`] when too much is open.
    pub fn add(&mut self, report: Report) -> Result<Option<Report>, ControlError> {
        let key = report.key();
        if report.partial {
            self.size += report.size;
            if self.size > Self::MAX_OPEN {
                let problem =
                    format!("more than {} MiB of partial results are open", Self::MAX_OPEN >> 20);
                return Err(ControlError::Report { problem, json: String::new() });
            }
            match self.open.entry(key) {
                indexmap::map::Entry::Occupied(mut open) => open.get_mut().merge(report),
                indexmap::map::Entry::Vacant(free) => drop(free.insert(report)),
            }
            return Ok(None);
        }
        Ok(Some(match self.open.shift_remove(&key) {
            None => report,
            Some(mut open) => {
                self.size -= open.size;
                open.merge(report);
                open
            }
        }))
    }

    /// The open result of the test itself.
    pub fn own(&mut self) -> Option<&mut Report> {
        self.open.get_mut(&None)
    }

    /// Opens a result of the test itself, after all others that are open.
    pub fn open_own(&mut self) -> &mut Report {
        self.open.entry(None).or_default()
    }

    /// All that are open, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Report> {
        self.open.values()
    }

    /// Closes all, in order.
    pub fn close(&mut self) -> impl Iterator<Item = Report> + use<'_> {
        self.open.drain(..).map(|(_, report)| report)
    }
}

impl FromIterator<Report> for OpenResults {
    fn from_iter<I: IntoIterator<Item = Report>>(reports: I) -> Self {
        let open: IndexMap<_, _> =
            reports.into_iter().map(|report| (report.key(), report)).collect();
        let size = open.values().map(|report| report.size).sum();
        Self { open, size }
    }
}

impl Report {
    /// Merges a later report of the same name into this one.
    fn merge(&mut self, later: Self) {
        let mut later_fields = later.fields;
        match later_fields.shift_remove("files") {
            Some(Value::Null) => drop(self.fields.shift_remove("files")),
            Some(files) => self.add_files(files),
            None => {}
        }
        merge(&mut self.fields, later_fields);
        self.testout = later.testout.or(self.testout.take());
        self.partial = later.partial;
        self.size += later.size;
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
