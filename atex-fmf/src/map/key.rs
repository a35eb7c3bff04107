//! Keys of maps: values that can be hashed, shared by all entries that have them.

use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::Equivalent;
use triomphe::Arc;

use crate::value::Value;

/// A key of a [`Map`](crate::Map): any value that can be hashed. Equal numbers are one key, whatever their type.
///
/// Cloning shares it: a tree has few different keys, but each of them very often.
#[derive(Clone)]
pub struct Key(Arc<Value>);

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Key {}

impl Key {
    /// The key as a value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The text of a string key.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_str()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Value::from(text).into()
    }
}

impl From<Value> for Key {
    fn from(value: Value) -> Self {
        Self(Arc::new(value))
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash_key(state);
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl Equivalent<Key> for Value {
    fn equivalent(&self, key: &Key) -> bool {
        *self == *key.0
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_key(state);
    }
}
