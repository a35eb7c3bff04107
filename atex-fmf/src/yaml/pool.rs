//! Texts that come again and again in the files of a tree: each is kept once.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use arcstr::ArcStr;

use crate::map::Key;
use crate::value::Value;

/// Longer texts are hardly ever repeated.
const MAX_LENGTH: usize = 48;

/// So many texts are remembered at most: a newer one takes the place of an older one.
const TEXTS: usize = 4096;

/// So many different keys are remembered, so that the pool itself stays small.
const MAX_KEYS: usize = 8192;

/// What was read before by the same thread.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Each text has one place, by its hash; empty before the first text.
    texts: Vec<ArcStr>,
    hasher: RandomState,
    keys: HashMap<ArcStr, Key>,
}

impl Pool {
    /// A string value.
    pub(super) fn text(&mut self, text: &str) -> Value {
        if text.len() > MAX_LENGTH {
            return Value::from(text);
        }
        if self.texts.is_empty() {
            self.texts.resize(TEXTS, ArcStr::new());
        }
        let place = self.hasher.hash_one(text) as usize % TEXTS;
        let known = &mut self.texts[place];
        if known != text {
            *known = text.into();
        }
        Value::Str(known.clone())
    }

    /// A value as a key.
    pub(super) fn key(&mut self, value: Value) -> Key {
        let Value::Str(text) = &value else { return value.into() };
        if let Some(known) = self.keys.get(text) {
            return known.clone();
        }
        let text = text.clone();
        let key = Key::from(value);
        if self.keys.len() < MAX_KEYS {
            self.keys.insert(text, key.clone());
        }
        key
    }
}
