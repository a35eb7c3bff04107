//! The ordered map of metadata: keys keep the order in which they first appeared.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use indexmap::{Equivalent, IndexMap};

use crate::value::Value;

/// Maps up to this size are searched one by one, which is faster than hashing, and smaller.
const SMALL: usize = 16;

/// Maps inherit from each other at most so deep, as every layer costs time when a key is looked up.
const MAX_LAYERS: usize = 6;

/// Where an entry was written: a file of the tree, a line and a column.
///
/// [`Tree::locate`](crate::Tree::locate) turns it into a path. Packed into eight bytes, because every entry has one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
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

#[derive(Clone, Debug)]
struct Slot {
    value: Value,
    origin: Origin,
}

/// Entries of one layer.
#[derive(Clone, Debug)]
enum Slots {
    Small(Vec<(Key, Slot)>),
    Large(Box<IndexMap<Key, Slot>>),
}

/// An ordered map from keys to values, each with the place where it was written.
///
/// Assigning to an existing key keeps its place; a new key goes to the end. Equality looks at keys and values, not at
/// order or places.
#[derive(Clone)]
pub struct Map {
    /// What was inherited; the entries of `own` come before those of the same key here.
    base: Option<Arc<Self>>,
    own: Slots,
}

impl Slots {
    fn iter(&self) -> impl Iterator<Item = (&Key, &Slot)> {
        let (small, large) = match self {
            Self::Small(entries) => (Some(entries.iter()), None),
            Self::Large(entries) => (None, Some(entries.iter())),
        };
        let small = small.into_iter().flatten().map(|(key, slot)| (key, slot));
        small.chain(large.into_iter().flatten())
    }

    fn get<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Slot> {
        match self {
            Self::Small(entries) => {
                entries.iter().find(|(own, _)| key.equivalent(own)).map(|(_, slot)| slot)
            }
            Self::Large(entries) => entries.get(key),
        }
    }

    fn get_mut<Q: Equivalent<Key> + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut Slot> {
        match self {
            Self::Small(entries) => {
                entries.iter_mut().find(|(own, _)| key.equivalent(own)).map(|(_, slot)| slot)
            }
            Self::Large(entries) => entries.get_mut(key),
        }
    }

    /// Adds an entry whose key is not there yet.
    fn push(&mut self, key: Key, slot: Slot) {
        match self {
            Self::Small(entries) if entries.len() == SMALL => {
                let all = std::mem::take(entries).into_iter().chain([(key, slot)]);
                *self = Self::Large(Box::new(all.collect()));
            }
            Self::Small(entries) => {
                if entries.len() == entries.capacity() {
                    // Maps are many and small: doubling would waste more memory than it saves time.
                    entries.reserve_exact(2);
                }
                entries.push((key, slot));
            }
            Self::Large(entries) => {
                entries.insert(key, slot);
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Small(entries) => entries.len(),
            Self::Large(entries) => entries.len(),
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { base: None, own: Slots::Small(Vec::new()) }
    }

    /// A map with the entries of another, which it shares until they are changed, and room for some more.
    pub(crate) fn inheriting(base: &Arc<Self>, room: usize) -> Self {
        if base.layers().iter().flatten().count() == MAX_LAYERS {
            let mut copy = Self::clone(base);
            copy.flatten();
            return copy;
        }
        let base = (!base.is_empty()).then(|| Arc::clone(base));
        Self { base, own: Slots::Small(Vec::with_capacity(room.min(SMALL))) }
    }

    /// The map itself if nobody else has it, else one that inherits from it and takes its place.
    pub(crate) fn to_mut(map: &mut Arc<Self>, room: usize) -> &mut Self {
        if Arc::get_mut(map).is_none() {
            *map = Arc::new(Self::inheriting(map, room));
        }
        Arc::make_mut(map)
    }

    /// Itself and what it inherits from, the oldest first.
    fn layers(&self) -> [Option<&Slots>; MAX_LAYERS] {
        let mut layers = [None; MAX_LAYERS];
        let mut count = 0;
        let mut next = Some(self);
        while let Some(map) = next {
            layers[count] = Some(&map.own);
            count += 1;
            next = map.base.as_deref();
        }
        layers[..count].reverse();
        layers
    }

    /// Makes all entries its own.
    fn flatten(&mut self) {
        if self.base.is_none() {
            return;
        }
        let mut flat = Self::new();
        for (key, value, origin) in self.entries() {
            flat.own.push(key.clone(), Slot { value: value.clone(), origin });
        }
        *self = flat;
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.base {
            None => self.own.len(),
            Some(_) => self.entries().count(),
        }
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.len() == 0 && self.base.as_ref().is_none_or(|base| base.is_empty())
    }

    fn slot<Q: Equivalent<Key> + Hash + ?Sized>(&self, key: &Q) -> Option<&Slot> {
        let mut map = self;
        loop {
            match (map.own.get(key), &map.base) {
                (Some(slot), _) => return Some(slot),
                (None, Some(base)) => map = base,
                (None, None) => return None,
            }
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

    /// The value of a key, to be changed; one that is inherited becomes the map's own.
    pub(crate) fn get_mut<Q: Equivalent<Key> + Hash + ?Sized>(
        &mut self,
        key: &Q,
    ) -> Option<&mut Value> {
        if self.own.get(key).is_none() {
            let base = self.base.as_ref()?;
            let (key, value, origin) = base.entries().find(|(own, ..)| key.equivalent(own))?;
            let (key, value) = (key.clone(), value.clone());
            self.own.push(key, Slot { value, origin });
        }
        self.own.get_mut(key).map(|slot| &mut slot.value)
    }

    /// Sets a key; gives the value it had before.
    pub fn insert(&mut self, key: Key, value: Value) -> Option<Value> {
        self.insert_at(key, value, Origin::NONE)
    }

    pub(crate) fn insert_at(&mut self, key: Key, value: Value, origin: Origin) -> Option<Value> {
        let slot = Slot { value, origin };
        if let Some(old) = self.own.get_mut(&key) {
            return Some(std::mem::replace(old, slot).value);
        }
        let old = self.base.as_ref().and_then(|base| base.get(&key).cloned());
        self.own.push(key, slot);
        old
    }

    /// Removes a key; the others keep their order.
    pub fn remove<Q: Equivalent<Key> + Hash + ?Sized>(&mut self, key: &Q) -> Option<Value> {
        if self.base.as_ref().is_some_and(|base| base.contains_key(key)) {
            self.flatten();
        }
        match &mut self.own {
            Slots::Small(entries) => {
                let position = entries.iter().position(|(own, _)| key.equivalent(own))?;
                Some(entries.remove(position).1.value)
            }
            Slots::Large(entries) => entries.shift_remove(key).map(|slot| slot.value),
        }
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&Key) -> bool) {
        self.flatten();
        match &mut self.own {
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
        let layers = self.layers();
        layers.into_iter().flatten().enumerate().flat_map(move |(level, layer)| {
            layer.iter().filter_map(move |(key, slot)| {
                // The oldest layer with the key decides the place, the youngest the value.
                let (older, younger) = (&layers[..level], &layers[level + 1..]);
                if older.iter().flatten().any(|layer| layer.get(key).is_some()) {
                    return None;
                }
                let latest = younger.iter().flatten().rev().find_map(|layer| layer.get(key));
                let slot = latest.unwrap_or(slot);
                Some((key, &slot.value, slot.origin))
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
    pub(crate) fn into_entries(mut self) -> impl Iterator<Item = (Key, Value, Origin)> {
        self.flatten();
        let (small, large) = match self.own {
            Slots::Small(entries) => (Some(entries), None),
            Slots::Large(entries) => (None, Some(*entries)),
        };
        let entries = small.into_iter().flatten().chain(large.into_iter().flatten());
        entries.map(|(key, slot)| (key, slot.value, slot.origin))
    }

    /// Makes room for entries, so that no more is taken than is needed.
    pub(crate) fn reserve(&mut self, count: usize) {
        if let Slots::Small(entries) = &mut self.own {
            entries.reserve_exact(count.min(SMALL - entries.len()));
        }
    }

    pub(crate) fn shrink(&mut self) {
        if let Slots::Small(entries) = &mut self.own {
            entries.shrink_to_fit();
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A step: set, change, remove, keep some, or go on with a map that inherits from what there is.
    #[derive(Debug, Clone)]
    enum Step {
        Insert(u8, i64),
        Change(u8, i64),
        Remove(u8),
        Retain(u8),
        Inherit,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0u8..24, any::<i64>()).prop_map(|(key, value)| Step::Insert(key, value)),
            2 => (0u8..24, any::<i64>()).prop_map(|(key, value)| Step::Change(key, value)),
            1 => (0u8..24).prop_map(Step::Remove),
            1 => (0u8..24).prop_map(Step::Retain),
            2 => Just(Step::Inherit),
        ];
        prop::collection::vec(step, 0..80)
    }

    fn take(map: Map, model: &mut IndexMap<String, i64>, step: Step) -> Map {
        let name = |key: u8| format!("k{key}");
        let mut map = map;
        match step {
            Step::Insert(key, value) => {
                let old = map.insert(name(key).as_str().into(), value.into());
                assert_eq!(old, model.insert(name(key), value).map(Value::from));
            }
            Step::Change(key, value) => {
                let known = map.get_mut(name(key).as_str()).map(|old| *old = value.into());
                assert_eq!(known, model.get_mut(&name(key)).map(|old| *old = value));
            }
            Step::Remove(key) => {
                let old = map.remove(name(key).as_str());
                assert_eq!(old, model.shift_remove(&name(key)).map(Value::from));
            }
            Step::Retain(key) => {
                map.retain(|own| own.as_str() != Some(&name(key)));
                model.retain(|own, _| *own != name(key));
            }
            Step::Inherit => map = Map::inheriting(&Arc::new(map), 1),
        }
        map
    }

    proptest! {
        #[test]
        fn a_map_that_inherits_is_like_one_that_does_not(steps in steps()) {
            let (mut map, mut model) = (Map::new(), IndexMap::new());
            for step in steps {
                map = take(map, &mut model, step);
                let found: Vec<_> = map.iter().map(|(k, v)| (k.as_str().unwrap().to_owned(), v.clone())).collect();
                let wanted: Vec<_> = model.iter().map(|(k, v)| (k.clone(), Value::from(*v))).collect();
                prop_assert_eq!(found, wanted);
                prop_assert_eq!((map.len(), map.is_empty()), (model.len(), model.is_empty()));
                prop_assert!(model.iter().all(|(key, value)| map.get(key.as_str()) == Some(&Value::from(*value))));
            }
        }
    }
}
