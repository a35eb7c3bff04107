//! [`Dictionary`]: each different text once, known by a number; [`KeySet`]: some of them.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

/// A text in one [`Dictionary`]: its number there, in the order in which texts were first seen. Worth nothing elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(u32);

impl Key {
    /// The number, counted from 0 without gaps: an index into whatever is kept per text.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) fn packed(key: Option<Self>) -> u32 {
        key.map_or(u32::MAX, |key| key.0)
    }

    pub(super) fn unpacked(number: u32) -> Option<Self> {
        (number != u32::MAX).then_some(Self(number))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Each different text once, one after the other in one buffer, in the order in which they were first seen.
#[derive(Clone, Default)]
pub struct Dictionary {
    text: String,
    /// Where each text ends in `text`.
    ends: Vec<usize>,
    places: HashTable<u32>,
    hasher: RandomState,
}

impl Dictionary {
    /// The key of a text, which is added if it was not there.
    pub(super) fn add(&mut self, text: &str) -> Key {
        let Self { text: all, ends, places, hasher } = self;
        let found = places.entry(
            hasher.hash_one(text),
            |&place| of(all, ends, place as usize) == text,
            |&place| hasher.hash_one(of(all, ends, place as usize)),
        );
        let place = match found {
            hashbrown::hash_table::Entry::Occupied(place) => *place.get(),
            hashbrown::hash_table::Entry::Vacant(free) => {
                // One less than u32 can say: the greatest stands for "none". Rows are counted by u32 as well.
                let place = u32::try_from(ends.len()).unwrap_or(u32::MAX - 1);
                free.insert(place);
                all.push_str(text);
                ends.push(all.len());
                place
            }
        };
        Key(place)
    }

    /// The key of a text, if it is there.
    pub fn find(&self, text: &str) -> Option<Key> {
        let same = |&place: &u32| of(&self.text, &self.ends, place as usize) == text;
        self.places.find(self.hasher.hash_one(text), same).map(|&place| Key(place))
    }

    /// The text of a key of this dictionary; the empty text for a key that is none of its.
    pub fn text(&self, key: Key) -> &str {
        if key.index() < self.ends.len() { of(&self.text, &self.ends, key.index()) } else { "" }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All texts with their keys, in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Key, &str)> {
        (0..self.len()).map(|place| {
            let key = Key(u32::try_from(place).unwrap_or(u32::MAX - 1));
            (key, of(&self.text, &self.ends, place))
        })
    }

    /// The texts that this holds for: asked once for each different text, however many rows have it.
    pub fn matching(&self, mut holds: impl FnMut(&str) -> bool) -> KeySet {
        let mut set = KeySet::default();
        for (key, text) in self.iter() {
            if holds(text) {
                set.insert(key);
            }
        }
        set
    }
}

fn of<'a>(text: &'a str, ends: &[usize], place: usize) -> &'a str {
    let from = if place == 0 { 0 } else { ends[place - 1] };
    &text[from..ends[place]]
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Some of the texts of one [`Dictionary`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet {
    bits: Vec<u64>,
}

impl KeySet {
    /// Adds a key.
    pub fn insert(&mut self, key: Key) {
        let word = key.index() / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (key.index() % 64);
    }

    /// Whether the key is one of them.
    pub fn contains(&self, key: Key) -> bool {
        self.bits.get(key.index() / 64).is_some_and(|word| word >> (key.index() % 64) & 1 == 1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bits.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bits.iter().all(|word| *word == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_has_one_key(texts in prop::collection::vec("[a-c]{0,3}", 0..40)) {
            let mut dictionary = Dictionary::default();
            let keys: Vec<Key> = texts.iter().map(|text| dictionary.add(text)).collect();
            for (text, key) in texts.iter().zip(&keys) {
                prop_assert_eq!(dictionary.text(*key), text);
                prop_assert_eq!(dictionary.find(text), Some(*key));
            }
            let different: std::collections::BTreeSet<_> = texts.iter().collect();
            prop_assert_eq!(dictionary.len(), different.len());
            let some = dictionary.matching(|text| text.contains('a'));
            for (key, text) in dictionary.iter() {
                prop_assert_eq!(some.contains(key), text.contains('a'));
            }
            prop_assert_eq!(some.len(), different.iter().filter(|text| text.contains('a')).count());
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let dictionary = Dictionary::default();
        assert_eq!(dictionary.find("x"), None);
        assert_eq!(dictionary.text(Key(3)), "");
        assert!(!KeySet::default().contains(Key(100)));
    }
}
