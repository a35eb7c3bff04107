//! [`Ranks`]: the texts of a dictionary that one run uses, sorted.

use crate::{Dictionary, Key};

/// The texts of a dictionary that are used, in the order of their bytes; 0 stands for none, so the first is number 1.
pub(super) struct Ranks<'d> {
    dictionary: &'d Dictionary,
    of_key: Vec<u32>,
    sorted: Vec<Key>,
}

impl<'d> Ranks<'d> {
    pub(super) fn new(dictionary: &'d Dictionary, used: impl Iterator<Item = Key>) -> Self {
        let mut of_key = vec![0; dictionary.len()];
        used.for_each(|key| of_key[key.index()] = 1);
        let keys = dictionary.iter().filter(|(key, _)| of_key[key.index()] == 1);
        let mut sorted: Vec<Key> = keys.map(|(key, _)| key).collect();
        sorted.sort_unstable_by_key(|key| dictionary.text(*key));
        for (rank, key) in (1..).zip(&sorted) {
            of_key[key.index()] = rank;
        }
        Self { dictionary, of_key, sorted }
    }

    /// The number of a text.
    pub(super) fn of(&self, key: Option<Key>) -> u32 {
        key.and_then(|key| self.of_key.get(key.index()).copied()).unwrap_or(0)
    }

    /// The texts, in the order of their numbers.
    pub(super) fn texts(&self) -> impl Iterator<Item = &'d str> {
        self.sorted.iter().map(|key| self.dictionary.text(*key))
    }
}
