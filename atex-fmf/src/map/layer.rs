//! The entries of one layer of a map: a slice while they are few, a hash table beyond.

use std::hash::Hash;

use indexmap::{Equivalent, IndexMap};

use super::{Key, Origin};
use crate::merge;
use crate::value::Value;

/// Maps up to this size are searched one by one, which is faster than hashing, and smaller.
const SMALL: usize = 16;

/// A key with its value, and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// Entries with different keys, in order. Never more room than entries: maps are many and small.
#[derive(Clone, Debug)]
pub(super) enum Entries {
    Small(Box<[Entry]>),
    Large(Box<IndexMap<Key, Entry>>),
}

impl Default for Entries {
    fn default() -> Self {
        Self::Small(Box::default())
    }
}

impl From<Vec<Entry>> for Entries {
    /// No key may be there twice.
    fn from(entries: Vec<Entry>) -> Self {
        if entries.len() <= SMALL {
            return Self::Small(entries.into_boxed_slice());
        }
        let entries = entries.into_iter().map(|entry| (entry.key.clone(), entry));
        Self::Large(Box::new(entries.collect()))
    }
}

impl Entries {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        let (small, large) = match self {
            Self::Small(entries) => (Some(entries.iter()), None),
            Self::Large(entries) => (None, Some(entries.values())),
        };
        small.into_iter().flatten().chain(large.into_iter().flatten())
    }

    pub(super) fn into_vec(self) -> Vec<Entry> {
        match self {
            Self::Small(entries) => entries.into_vec(),
            Self::Large(entries) => entries.into_values().collect(),
        }
    }

    pub(super) fn get<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Entry> {
        match self {
            Self::Small(entries) => entries.iter().find(|entry| key.equivalent(&entry.key)),
            Self::Large(entries) => entries.get(key),
        }
    }

    pub(super) fn get_mut<Q: Equivalent<Key> + Hash + ?Sized>(
        &mut self,
        key: &Q,
    ) -> Option<&mut Entry> {
        match self {
            Self::Small(entries) => entries.iter_mut().find(|entry| key.equivalent(&entry.key)),
            Self::Large(entries) => entries.get_mut(key),
        }
    }

    /// Adds an entry whose key is not there yet.
    pub(super) fn push(&mut self, entry: Entry) {
        match self {
            Self::Small(entries) => {
                let mut more = std::mem::take(entries).into_vec();
                more.reserve_exact(1);
                more.push(entry);
                *self = more.into();
            }
            Self::Large(entries) => {
                entries.insert(entry.key.clone(), entry);
            }
        }
    }

    pub(super) fn remove<Q: Equivalent<Key> + Hash + ?Sized>(&mut self, key: &Q) -> Option<Value> {
        match self {
            Self::Small(entries) => {
                let position = entries.iter().position(|entry| key.equivalent(&entry.key))?;
                let mut left = std::mem::take(entries).into_vec();
                let removed = left.remove(position);
                *self = left.into();
                Some(removed.value)
            }
            Self::Large(entries) => entries.shift_remove(key).map(|entry| entry.value),
        }
    }

    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Key) -> bool) {
        let mut left = std::mem::take(self).into_vec();
        left.retain(|entry| keep(&entry.key));
        *self = left.into();
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Small(entries) => entries.len(),
            Self::Large(entries) => entries.len(),
        }
    }
}

/// A layer, as the map sees it that has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer<'m> {
    pub(super) entries: &'m Entries,
    /// Only entries that are assigned count: those with a suffix were merged into a younger layer.
    pub(super) assigned_only: bool,
}

impl<'m> Layer<'m> {
    pub(super) fn iter(self) -> impl Iterator<Item = &'m Entry> {
        self.entries.iter().filter(move |entry| self.counts(entry))
    }

    pub(super) fn get<Q: Equivalent<Key> + Hash + ?Sized>(self, key: &Q) -> Option<&'m Entry> {
        self.entries.get(key).filter(|entry| self.counts(entry))
    }

    fn counts(self, entry: &Entry) -> bool {
        !self.assigned_only || merge::is_assigned(&entry.key)
    }
}
