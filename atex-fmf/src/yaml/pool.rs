//! Texts that come again and again in the files of a tree: each is kept once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::map::Key;
use crate::value::Value;

/// Longer texts are hardly ever repeated.
const MAX_LENGTH: usize = 48;

/// So many different texts are remembered, so that the pool itself stays small.
const MAX_TEXTS: usize = 8192;

/// What was read before by the same thread.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    texts: HashSet<Arc<str>>,
    keys: HashMap<Arc<str>, Key>,
}

impl Pool {
    /// A string value.
    pub(super) fn text(&mut self, text: &str) -> Value {
        if text.len() > MAX_LENGTH {
            return Value::from(text);
        }
        if let Some(known) = self.texts.get(text) {
            return Value::Str(Arc::clone(known));
        }
        let new: Arc<str> = text.into();
        if self.texts.len() < MAX_TEXTS {
            self.texts.insert(Arc::clone(&new));
        }
        Value::Str(new)
    }

    /// A value as a key.
    pub(super) fn key(&mut self, value: Value) -> Key {
        let Value::Str(text) = &value else { return value.into() };
        if let Some(known) = self.keys.get(text) {
            return known.clone();
        }
        let text = Arc::clone(text);
        let key = Key::from(value);
        if self.keys.len() < MAX_TEXTS {
            self.keys.insert(text, key.clone());
        }
        key
    }
}
