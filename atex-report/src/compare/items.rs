//! [`Items`]: all tests and subtests of several runs, and how each went in each.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use atex_core::Verdict;

use super::{Item, Mark, Place};
use crate::{Dataset, DatasetRun, Key};

/// The platform of each test that has only one in a run.
pub(super) fn only_platforms(run: &DatasetRun) -> HashMap<Key, Key> {
    let mut all: HashMap<Key, Option<Key>> = HashMap::new();
    for attempt in run.attempts().iter().filter(|attempt| attempt.last) {
        let only = all.entry(attempt.test).or_insert(Some(attempt.platform));
        *only = only.filter(|only| *only == attempt.platform);
    }
    all.into_iter().filter_map(|(test, only)| Some((test, only?))).collect()
}

/// All tests and subtests of several runs: a number each, and by that number how it went in each run.
#[derive(Debug, Clone, Default)]
pub(super) struct Items {
    numbers: HashMap<Item, u32>,
    pub(super) all: Vec<Item>,
    /// By run, then by item; shorter where the rest is absent.
    marks: Vec<Vec<Mark>>,
    /// What each is in the run that was taken in last.
    pub(super) places: Vec<Place>,
    /// How long tests took where they passed, by item and run.
    pub(super) took: HashMap<u32, Vec<(usize, Duration)>>,
    /// Tests that failed and passed within the run that was taken in last.
    pub(super) recovered: HashSet<u32>,
    /// Tests of the run that was taken in last that had no platform: they were not run anywhere.
    pub(super) nowhere: HashSet<Key>,
}

impl Items {
    /// Takes in the next run. A test with one platform in it is filed under the platform that it has here, if it has one:
    /// where any platform would do, runs have it on different ones.
    pub(super) fn take(&mut self, dataset: &Dataset, run: &DatasetRun, here: &HashMap<Key, Key>) {
        let there = only_platforms(run);
        let filed = |test: Key, platform: Key| match (there.get(&test), here.get(&test)) {
            (Some(_), Some(here)) => *here,
            _ => platform,
        };
        let number = self.marks.len();
        self.marks.push(vec![Mark::Absent; self.all.len()]);
        self.places = vec![Place::Nowhere; self.all.len()];
        self.recovered.clear();
        self.nowhere.clear();
        for (place, outcome) in run.outcomes().iter().enumerate() {
            let Some(platform) = outcome.platform else {
                self.nowhere.insert(outcome.test);
                continue;
            };
            let platform = filed(outcome.test, platform);
            let item = Item { platform, test: outcome.test, subtest: None };
            let known = self.add(item, Mark::of_verdict(outcome.verdict), Place::Outcome(place));
            if outcome.verdict == Some(Verdict::Passed) {
                let last = outcome.attempts.last().map(|id| run.attempt(*id));
                let took = last.and_then(|attempt| attempt.took);
                self.took.entry(known).or_default().extend(took.map(|took| (number, took)));
                let failed =
                    |id: &crate::AttemptId| run.attempt(*id).verdict == Some(Verdict::Failed);
                if outcome.attempts.iter().any(failed) {
                    self.recovered.insert(known);
                }
            }
        }
        let statuses: Vec<Mark> =
            dataset.statuses().iter().map(|(_, status)| Mark::of_status(Some(status))).collect();
        for (id, attempt) in run.attempts_by_id().filter(|(_, attempt)| attempt.last) {
            let platform = filed(attempt.test, attempt.platform);
            for (place, row) in attempt.rows().zip(run.rows_of(id)) {
                if row.subtest.is_some() {
                    let mark = row.status.map_or(Mark::Open, |status| statuses[status.index()]);
                    let (platform, test) = (platform, attempt.test);
                    self.add(
                        Item { platform, test, subtest: row.subtest },
                        mark,
                        Place::Row(place),
                    );
                }
            }
        }
    }

    /// Adds what an item was in the run that is taken in; the worst of several counts.
    fn add(&mut self, item: Item, mark: Mark, place: Place) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(item).or_insert(next);
        if number == next {
            self.all.push(item);
            self.places.push(Place::Nowhere);
            if let Some(marks) = self.marks.last_mut() {
                marks.push(Mark::Absent);
            }
        }
        let index = number as usize;
        if let Some(marks) = self.marks.last_mut()
            && mark > marks[index]
        {
            (marks[index], self.places[index]) = (mark, place);
        }
        number
    }

    /// The number of an item.
    pub(super) fn number(&self, item: Item) -> Option<u32> {
        self.numbers.get(&item).copied()
    }

    /// How an item went in each run.
    pub(super) fn series(&self, number: u32) -> impl ExactSizeIterator<Item = Mark> {
        let mark = move |run: &Vec<Mark>| run.get(number as usize).copied().unwrap_or(Mark::Absent);
        self.marks.iter().map(mark)
    }
}
