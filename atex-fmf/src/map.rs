//! The ordered map of metadata: keys keep the order in which they first appeared.

use std::fmt;
use std::hash::{Hash, Hasher};

use indexmap::{Equivalent, IndexMap};

use crate::value::Value;

/// Maps up to this size are searched one by one, which is faster than hashing, and smaller.
const SMALL: usize = 12;

/// Where an entry was written: a file of the tree, a line and a column.
///
/// [`Tree::locate`](crate::Tree::locate) turns it into a path. Packed into eight bytes, because every entry has one.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin(u64);

impl Origin {
    pub(crate) const NONE: Self = Self(0);
    const LINE_BITS: u32 = 26;
    const COLUMN_BITS: u32 = 14;

    /// `document` counts from 0, `line` and `column` from 1. Too large numbers saturate.
    pub(crate) fn new(document: usize, line: usize, column: usize) -> Self {
        let clamp = |number: usize, bits: u32| (number as u64).min((1 << bits) - 1);
        let document = clamp(document + 1, 64 - Self::LINE_BITS - Self::COLUMN_BITS);
        let line = clamp(line, Self::LINE_BITS);
        Self(
            document << (Self::LINE_BITS + Self::COLUMN_BITS)
                | line << Self::COLUMN_BITS
                | clamp(column, Self::COLUMN_BITS),
        )
    }

    /// The index of the file among those of the tree, none for data that came from no file.
    pub(crate) fn document(self) -> Option<usize> {
        usize::try_from(self.0 >> (Self::LINE_BITS + Self::COLUMN_BITS)).ok()?.checked_sub(1)
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(self) -> usize {
        ((self.0 >> Self::COLUMN_BITS) & ((1 << Self::LINE_BITS) - 1)) as usize
    }

    /// The column, counted from 1.
    #[must_use]
    pub fn column(self) -> usize {
        (self.0 & ((1 << Self::COLUMN_BITS) - 1)) as usize
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line(), self.column())
    }
}

/// A key of a [`Map`]: any value that can be hashed. Equal numbers are one key, whatever their type.
#[derive(Clone, PartialEq)]
pub struct Key(pub(crate) Value);

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
        Self(text.into())
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
        *self == key.0
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_key(state);
    }
}

#[derive(Clone, Debug)]
struct Slot {
    value: Value,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Slots {
    Small(Vec<(Key, Slot)>),
    Large(IndexMap<Key, Slot>),
}

/// An ordered map from keys to values, each with the place where it was written.
///
/// Assigning to an existing key keeps its place; a new key goes to the end. Equality looks at keys and values, not at
/// order or places.
#[derive(Clone)]
pub struct Map(Slots);

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self(Slots::Small(Vec::new()))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Slots::Small(entries) => entries.len(),
            Slots::Large(entries) => entries.len(),
        }
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn slot<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Slot> {
        match &self.0 {
            Slots::Small(entries) => {
                entries.iter().find(|(own, _)| key.equivalent(own)).map(|(_, slot)| slot)
            }
            Slots::Large(entries) => entries.get(key),
        }
    }

    /// The value of a key; `key` is a `&str` or a [`Value`].
    pub fn get<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Value> {
        self.slot(key).map(|slot| &slot.value)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> bool {
        self.slot(key).is_some()
    }

    /// Where the entry of a key was written.
    pub fn origin<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<Origin> {
        self.slot(key).map(|slot| slot.origin)
    }

    pub(crate) fn get_mut<Q: Equivalent<Key> + Hash + ?Sized>(
        &mut self,
        key: &Q,
    ) -> Option<&mut Value> {
        match &mut self.0 {
            Slots::Small(entries) => entries
                .iter_mut()
                .find(|(own, _)| key.equivalent(own))
                .map(|(_, slot)| &mut slot.value),
            Slots::Large(entries) => entries.get_mut(key).map(|slot| &mut slot.value),
        }
    }

    /// Sets a key; gives the value it had before.
    pub fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        self.insert_at(key, value, Origin::NONE)
    }

    pub(crate) fn insert_at(&mut self, key: Key, value: Value, origin: Origin) -> Option<Value> {
        let slot = Slot { value, origin };
        match &mut self.0 {
            Slots::Small(entries) => {
                if let Some((_, old)) = entries.iter_mut().find(|(own, _)| *own == key) {
                    return Some(std::mem::replace(old, slot).value);
                }
                entries.push((key, slot));
                if entries.len() > SMALL {
                    self.0 = Slots::Large(std::mem::take(entries).into_iter().collect());
                }
                None
            }
            Slots::Large(entries) => entries.insert(key, slot).map(|old| old.value),
        }
    }

    /// Removes a key; the others keep their order.
    pub fn remove<Q: Equivalent<Key> + Hash + ?Sized>(&mut self, key: &Q) -> Option<Value> {
        match &mut self.0 {
            Slots::Small(entries) => {
                let position = entries.iter().position(|(own, _)| key.equivalent(own))?;
                Some(entries.remove(position).1.value)
            }
            Slots::Large(entries) => entries.shift_remove(key).map(|slot| slot.value),
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Key) -> bool) {
        match &mut self.0 {
            Slots::Small(entries) => entries.retain(|(key, _)| keep(key)),
            Slots::Large(entries) => entries.retain(|key, _| keep(key)),
        }
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.entries().map(|(key, value, _)| (key, value))
    }

    /// The entries in order, with the place where each was written.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Value, Origin)> {
        let (small, large) = match &self.0 {
            Slots::Small(entries) => (Some(entries.iter()), None),
            Slots::Large(entries) => (None, Some(entries.iter())),
        };
        let small = small.into_iter().flatten().map(|(key, slot)| (key, slot));
        small.chain(large.into_iter().flatten()).map(|(key, slot)| (key, &slot.value, slot.origin))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    pub(crate) fn shrink(&mut self) {
        if let Slots::Small(entries) = &mut self.0 {
            entries.shrink_to_fit();
        }
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get(key.value()) == Some(value))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl FromIterator<(Key, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Key, Value)>>(entries: I) -> Self {
        let mut map = Self::new();
        for (key, value) in entries {
            map.insert(key, value);
        }
        map
    }
}
