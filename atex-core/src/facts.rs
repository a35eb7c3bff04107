//! [`Facts`]: what a remote is; [`Notes`]: what this run did to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a system is, as dimensions with values: `distro: [rhel-9.6]`, `arch: [x86_64]`, `memory: [4096]`.
///
/// The shape is that of an FMF context, so that a test's needs can be written as a context expression. A pool has facts
/// before it has any remote ([`Provisioner::offers`](crate::Provisioner::offers)); a remote may know more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<String, Vec<String>>);

impl Facts {
    /// The dimension that names the platform in results; see [`Facts::platform`].
    pub const PLATFORM: &'static str = "platform";

    /// The dimension that says where other systems find this one in the network, if its name is not enough.
    pub const ADDRESS: &'static str = "address";

    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more value for a dimension.
    #[must_use]
    pub fn with(mut self, dimension: impl Into<String>, value: impl Into<String>) -> Self {
        self.insert(dimension, value);
        self
    }

    /// Adds a value to a dimension; one that is there already is not added again.
    pub fn insert(&mut self, dimension: impl Into<String>, value: impl Into<String>) {
        let (values, value) = (self.0.entry(dimension.into()).or_default(), value.into());
        if !values.contains(&value) {
            values.push(value);
        }
    }

    /// These facts, and those of the others whose dimension is not known here.
    #[must_use]
    pub fn over(&self, others: &Self) -> Self {
        let mut facts = others.clone();
        facts
            .0
            .extend(self.0.iter().map(|(dimension, values)| (dimension.clone(), values.clone())));
        facts
    }

    /// The values of a dimension; none when it is not known.
    pub fn get(&self, dimension: &str) -> &[String] {
        self.0.get(dimension).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The dimensions with their values, sorted by dimension.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(dimension, values)| (dimension.as_str(), values.as_slice()))
    }

    /// The name under which results of such a system are filed: the fact `platform`, else `distro@arch` as far as known.
    pub fn platform(&self) -> Option<String> {
        let first = |dimension| self.get(dimension).first().cloned();
        first(Self::PLATFORM).or_else(|| match (first("distro"), first("arch")) {
            (Some(distro), Some(arch)) => Some(format!("{distro}@{arch}")),
            (distro, arch) => distro.or(arch),
        })
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (dimension, values)) in self.iter().enumerate() {
            write!(f, "{}{dimension}={}", if index > 0 { " " } else { "" }, values.join(","))?;
        }
        Ok(())
    }
}

/// What happened to a remote in this run ("snapshot of /setup is ready"): policies and executors read and write them.
///
/// Shared by reference; every call is short and safe from many tasks.
#[derive(Debug, Default)]
pub struct Notes(Mutex<BTreeMap<String, Value>>);

impl Notes {
    /// The note of this key, if there is one.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Writes a note and returns the one that was there before.
    pub fn set(&self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.into(), value.into())
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A copy of all notes, sorted by key.
    pub fn all(&self) -> BTreeMap<String, Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platform_is_the_fact_or_made_of_distro_and_arch() {
        assert_eq!(Facts::new().platform(), None);
        assert_eq!(Facts::new().with("arch", "x86_64").platform().as_deref(), Some("x86_64"));
        let facts = Facts::new().with("arch", "x86_64").with("distro", "rhel-9.6");
        assert_eq!(facts.platform().as_deref(), Some("rhel-9.6@x86_64"));
        assert_eq!(facts.with("platform", "lab").platform().as_deref(), Some("lab"));
    }

    #[test]
    fn a_dimension_may_have_several_values() {
        let facts = Facts::new().with("tag", "a").with("tag", "b").with("tag", "a");
        assert_eq!(facts.get("tag"), ["a", "b"]);
        assert_eq!(facts.to_string(), "tag=a,b");
        assert_eq!(serde_json::to_string(&facts).unwrap(), r#"{"tag":["a","b"]}"#);
    }

    #[test]
    fn notes_are_shared() {
        let notes = Notes::default();
        assert_eq!(notes.set("snapshot", "/setup"), None);
        assert_eq!(notes.set("snapshot", "/other"), Some("/setup".into()));
        assert_eq!(notes.get("snapshot"), Some("/other".into()));
    }
}
