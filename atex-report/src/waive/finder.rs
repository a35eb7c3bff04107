//! [`Finder`]: which waivers are about a result, with each different text looked at once for all waivers together.

use std::collections::HashMap;
use std::rc::Rc;

use regex::{RegexSet, RegexSetBuilder};

use super::pattern::Pattern;
use super::{Blame, Subtest, Waivers};
use crate::{Dataset, DatasetAttempt, Dictionary, Key, Row};

/// Answers which waivers are about a result.
pub(super) struct Finder<'a> {
    waivers: &'a Waivers,
    dataset: &'a Dataset,
    /// By the number of a status.
    blames: Vec<Option<Blame>>,
    pairs: HashMap<(Key, Key), Rc<Pair>>,
    subtests: Index<'a>,
    notes: Index<'a>,
}

/// The waivers that are about a platform and a test.
#[derive(Debug, Default)]
pub(super) struct Pair {
    /// Those that do not ask for names of subtests.
    free: Vec<usize>,
    /// By the number of a waiver: whether it does, and is one of them.
    bound: Vec<bool>,
    any_bound: bool,
}

impl Pair {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.free.is_empty() && !self.any_bound
    }

    /// Those of them that this holds for.
    pub(super) fn only(&self, holds: impl Fn(usize) -> bool) -> Self {
        let free = self.free.iter().copied().filter(|waiver| holds(*waiver)).collect();
        let bound: Vec<bool> =
            self.bound.iter().enumerate().map(|(waiver, is)| *is && holds(waiver)).collect();
        Self { free, any_bound: bound.contains(&true), bound }
    }
}

impl<'a> Finder<'a> {
    pub(super) fn new(waivers: &'a Waivers, dataset: &'a Dataset) -> Self {
        let blames = dataset.statuses().iter().map(|(_, status)| Blame::of(Some(status))).collect();
        let subtests = waivers.iter().map(|waiver| match &waiver.subtest {
            Some(Subtest::Named(pattern)) => Some(pattern),
            Some(Subtest::None) | None => None,
        });
        let subtests = Index::new(dataset.subtests(), subtests);
        let notes = Index::new(dataset.notes(), waivers.iter().map(|waiver| waiver.note.as_ref()));
        Self { waivers, dataset, blames, pairs: HashMap::new(), subtests, notes }
    }

    /// What is wrong with a result, if anything is.
    pub(super) fn blame(&self, row: &Row) -> Option<Blame> {
        row.status.and_then(|status| self.blames[status.index()])
    }

    /// Whether a waiver is meant for failures of this kind.
    pub(super) fn waives(&self, waiver: usize, blame: Blame) -> bool {
        self.waivers.list[waiver].blames.contains(&blame)
    }

    /// The waivers that are about the platform and the test of an attempt.
    pub(super) fn pair(&mut self, attempt: &DatasetAttempt) -> Rc<Pair> {
        let key = (attempt.platform, attempt.test);
        let (waivers, dataset) = (self.waivers, self.dataset);
        let found = self.pairs.entry(key).or_insert_with(|| {
            let platform = dataset.platforms().text(key.0);
            let test = dataset.tests().text(key.1);
            let holds = |pattern: &Option<Pattern>, text: &str| {
                pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
            };
            let mut pair = Pair { bound: vec![false; waivers.len()], ..Pair::default() };
            for (number, waiver) in waivers.iter().enumerate() {
                if !holds(&waiver.platform, platform) || !holds(&waiver.test, test) {
                    continue;
                }
                match &waiver.subtest {
                    Some(Subtest::Named(_)) => {
                        (pair.bound[number], pair.any_bound) = (true, true);
                    }
                    Some(Subtest::None) | None => pair.free.push(number),
                }
            }
            Rc::new(pair)
        });
        Rc::clone(found)
    }

    /// The waivers of these that are about a result, in the order of their file.
    pub(super) fn about(&mut self, pair: &Pair, row: &Row) -> Vec<usize> {
        let mut found: Vec<usize> = match (pair.any_bound, row.subtest) {
            (true, Some(subtest)) => {
                let named = self.subtests.of(subtest);
                named.iter().copied().filter(|waiver| pair.bound[*waiver]).collect()
            }
            (false, _) | (_, None) => Vec::new(),
        };
        let own = row.subtest.is_none();
        let free = pair.free.iter().copied();
        found.extend(free.filter(|waiver| own || self.waivers.list[*waiver].subtest.is_none()));
        if found.iter().any(|waiver| self.notes.is_bound[*waiver]) {
            let noted = row.note.map(|note| self.notes.of(note));
            found.retain(|waiver| {
                let here = || noted.as_ref().is_some_and(|all| all.contains(waiver));
                !self.notes.is_bound[*waiver] || here()
            });
        }
        found.sort_unstable();
        found
    }
}

/// Which waivers the texts of a dictionary satisfy: found for a text when it is first asked for, by all patterns together.
struct Index<'a> {
    texts: &'a Dictionary,
    /// By the number of a waiver: whether it asks for anything.
    is_bound: Vec<bool>,
    patterns: Vec<(usize, &'a Pattern)>,
    exact: HashMap<&'a str, Vec<usize>>,
    /// All regular expressions, and whose they are; none if they are too much to be looked for together.
    set: Option<RegexSet>,
    owners: Vec<usize>,
    known: Vec<Option<Rc<[usize]>>>,
}

/// How much memory all expressions together may take.
const SET_MAX: usize = 64 << 20;

impl<'a> Index<'a> {
    fn new(texts: &'a Dictionary, patterns: impl Iterator<Item = Option<&'a Pattern>>) -> Self {
        let all: Vec<Option<&Pattern>> = patterns.collect();
        let is_bound = all.iter().map(Option::is_some).collect();
        let patterns: Vec<(usize, &Pattern)> =
            (0..).zip(all).filter_map(|(number, one)| Some((number, one?))).collect();
        let mut exact: HashMap<&str, Vec<usize>> = HashMap::new();
        let (mut regexes, mut owners) = (Vec::new(), Vec::new());
        for (number, pattern) in &patterns {
            pattern.exact().for_each(|text| exact.entry(text).or_default().push(*number));
            for regex in pattern.regexes() {
                regexes.push(regex);
                owners.push(*number);
            }
        }
        let set =
            RegexSetBuilder::new(&regexes).size_limit(SET_MAX).dfa_size_limit(SET_MAX).build();
        let known = vec![None; texts.len()];
        Self { texts, is_bound, patterns, exact, set: set.ok(), owners, known }
    }

    /// The waivers whose patterns a text satisfies.
    fn of(&mut self, key: Key) -> Rc<[usize]> {
        if let Some(known) = &self.known[key.index()] {
            return Rc::clone(known);
        }
        let text = self.texts.text(key);
        let mut found: Vec<usize> = match &self.set {
            Some(set) => {
                let same = self.exact.get(text).into_iter().flatten().copied();
                same.chain(set.matches(text).into_iter().map(|one| self.owners[one])).collect()
            }
            None => {
                let matching = self.patterns.iter().filter(|(_, one)| one.matches(text));
                matching.map(|(number, _)| *number).collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        let found: Rc<[usize]> = found.into();
        self.known[key.index()] = Some(Rc::clone(&found));
        found
    }
}
