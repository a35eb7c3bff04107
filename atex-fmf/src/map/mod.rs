//! The ordered map of metadata: keys keep the order in which they first appeared.

mod key;
mod layer;
mod origin;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::Hash;

use indexmap::Equivalent;
use triomphe::Arc;

use crate::value::Value;
pub use key::Key;
pub(crate) use layer::Entry;
use layer::{Entries, Layer};
pub use origin::Origin;

/// A map has at most so many layers, as every layer costs time when a key is looked up.
const MAX_LAYERS: usize = 12;

/// An ordered map from keys to values, each with the place where it was written.
///
/// Assigning to an existing key keeps its place; a new key goes to the end. Equality looks at keys and values, not at
/// order or places.
///
/// A map may share entries with others, in layers: what a node inherits, what is written about it, and what only this
/// map has. For each key, the youngest layer has the value, and the oldest decides the place.
#[derive(Clone, Default)]
pub struct Map {
    /// The oldest layers: what was inherited.
    base: Option<Arc<Self>>,
    /// The next layer: a map without layers, of which only entries without suffix count.
    written: Option<Arc<Self>>,
    /// The youngest layer.
    own: Entries,
}

impl Map {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A map of entries with different keys.
    pub(crate) fn from_entries(entries: Vec<Entry>) -> Self {
        Self { own: entries.into(), ..Self::default() }
    }

    /// A map with the entries of another, which it shares until they are changed.
    pub(crate) fn inheriting(base: &Arc<Self>) -> Self {
        // Two layers are left for this map.
        if base.layers().iter().flatten().count() + 2 > MAX_LAYERS {
            let mut copy = Self::clone(base);
            copy.flatten();
            return copy;
        }
        Self { base: (!base.is_empty()).then(|| Arc::clone(base)), ..Self::default() }
    }

    /// A map that inherits, and into which `written` is about to be merged: it shares the entries of `written` that
    /// are merely assigned, if their order allows it.
    pub(crate) fn inheriting_with(base: &Arc<Self>, written: &Arc<Self>) -> Self {
        let mut map = Self::inheriting(base);
        let shareable = map.base.is_some()
            && written.base.is_none()
            && written.written.is_none()
            && written.own.iter().any(|entry| crate::merge::is_assigned(&entry.key))
            // What a suffix makes of a key that was not there belongs between the entries around it.
            // So does what is assigned after it: until then, it is what was inherited.
            && written.own.iter().all(|entry| {
                let base = crate::merge::base_of(&entry.key);
                let is_assigned = crate::merge::is_assigned(&entry.key);
                base.is_some_and(|name| {
                    is_assigned || (map.contains_key(name) && written.own.get(name).is_none())
                })
            });
        if shareable {
            map.written = Some(Arc::clone(written));
        }
        map
    }

    /// Whether assigning the entry of `written` changes nothing, as it is shared and nothing younger hides it.
    pub(crate) fn has_from(&self, written: &Self, key: &Key) -> bool {
        self.written.as_deref().is_some_and(|own| std::ptr::eq(own, written))
            && self.own.get(key).is_none()
    }

    /// The map itself if nobody else has it, else one that inherits from it and takes its place.
    pub(crate) fn to_mut(map: &mut Arc<Self>) -> &mut Self {
        if Arc::get_mut(map).is_none() {
            *map = Arc::new(Self::inheriting(map));
        }
        Arc::make_mut(map)
    }

    /// The oldest first.
    fn layers(&self) -> [Option<Layer<'_>>; MAX_LAYERS] {
        let mut layers = [None; MAX_LAYERS];
        let mut count = 0;
        for layer in self.youngest_first() {
            layers[count] = Some(layer);
            count += 1;
        }
        layers[..count].reverse();
        layers
    }

    /// Layers with entries.
    fn youngest_first(&self) -> impl Iterator<Item = Layer<'_>> {
        let maps = std::iter::successors(Some(self), |map| map.base.as_deref());
        let layers = maps.flat_map(|map| {
            let own = Some(Layer { entries: &map.own, assigned_only: false });
            let written = map.written.as_ref();
            [own, written.map(|written| Layer { entries: &written.own, assigned_only: true })]
        });
        layers.flatten().filter(|layer| layer.entries.len() > 0)
    }

    /// Makes all entries its own.
    fn flatten(&mut self) {
        if !self.is_flat() {
            let entries =
                self.all().map(|(key, entry)| Entry { key: key.clone(), ..entry.clone() });
            *self = Self::from_entries(entries.collect());
        }
    }

    fn is_flat(&self) -> bool {
        self.base.is_none() && self.written.is_none()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        if self.is_flat() { self.own.len() } else { self.all().count() }
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // No layer has only entries that do not count.
        self.youngest_first().next().is_none()
    }

    fn entry<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Entry> {
        self.youngest_first().find_map(|layer| layer.get(key))
    }

    /// The value of a key; `key` is a `&str` or a [`Value`].
    pub fn get<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// Whether there is such a key.
    pub fn contains_key<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> bool {
        self.entry(key).is_some()
    }

    /// Where the entry of a key was written.
    pub fn origin<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<Origin> {
        self.entry(key).map(|entry| entry.origin)
    }

    /// The value of a key, to be changed; one that is shared becomes the map's own.
    pub(crate) fn get_mut<Q: Equivalent<Key> + Hash + ?Sized>(
        &mut self,
        key: &Q,
    ) -> Option<&mut Value> {
        if self.own.get(key).is_none() {
            let entry = self.entry(key)?.clone();
            self.own.push(entry);
        }
        self.own.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Sets a key; gives the value it had before.
    pub fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        self.insert_at(key, value, Origin::NONE)
    }

    pub(crate) fn insert_at(&mut self, key: Key, value: Value, origin: Origin) -> Option<Value> {
        if let Some(old) = self.own.get_mut(&key) {
            old.origin = origin;
            return Some(std::mem::replace(&mut old.value, value));
        }
        let old = self.get(&key).cloned();
        self.own.push(Entry { key, value, origin });
        old
    }

    /// Removes a key; the others keep their order.
    pub fn remove<Q: Equivalent<Key> + Hash + ?Sized>(&mut self, key: &Q) -> Option<Value> {
        if !self.is_flat() && self.contains_key(key) {
            self.flatten();
        }
        self.own.remove(key)
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Key) -> bool) {
        self.flatten();
        self.own.retain(keep);
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Value)> {
        self.all().map(|(key, entry)| (key, &entry.value))
    }

    /// The entries in order, with the place where each was written.
    pub fn entries(&self) -> impl Iterator<Item = (&Key, &Value, Origin)> {
        self.all().map(|(key, entry)| (key, &entry.value, entry.origin))
    }

    /// The keys as the oldest layer has them, with the youngest entry of each.
    fn all(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        let layers = self.layers();
        layers.into_iter().flatten().enumerate().flat_map(move |(level, layer)| {
            layer.iter().filter_map(move |entry| {
                let (older, younger) = (&layers[..level], &layers[level + 1..]);
                if older.iter().flatten().any(|layer| layer.get(&entry.key).is_some()) {
                    return None;
                }
                let latest = younger.iter().flatten().rev().find_map(|layer| layer.get(&entry.key));
                Some((&entry.key, latest.unwrap_or(entry)))
            })
        })
    }

    /// The keys in order.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.iter().map(|(key, _)| key)
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// The entries in order, taken out.
    pub(crate) fn into_entries(mut self) -> Vec<Entry> {
        self.flatten();
        self.own.into_vec()
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
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
