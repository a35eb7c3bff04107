//! [`Waived`]: which results of a run are waived, by which waivers.

use std::collections::HashMap;

use jiff::civil::Date;

use super::finder::{Finder, Pair};
use super::{Blame, Waivers};
use crate::{AttemptId, Dataset, DatasetAttempt, DatasetRun, Key};

/// Which results of a run are waived, by which waivers, and which waivers did nothing. Made by [`Waivers::apply`].
#[derive(Debug, Clone, Default)]
pub struct Waived {
    /// Numbers of rows and waivers, in the order of the rows.
    rows: Vec<(usize, usize)>,
    uses: Vec<Use>,
    /// The waiver of each outcome that is waived as a whole.
    outcomes: HashMap<usize, usize>,
    results: usize,
}

/// What came of one waiver. Only results that count are counted: those of the last attempt of a test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Use {
    /// How many failures it is about and holds for. One that several waivers hold for counts for each of them.
    pub waived: usize,
    /// How many it would be about, had it not expired.
    pub missed: usize,
    /// How many results it is about that did not fail: counted only if it has no failure.
    pub good: usize,
    /// Whether it holds no more.
    pub expired: bool,
}

impl Use {
    /// Whether nothing that failed has anything to do with it.
    pub fn is_unused(&self) -> bool {
        self.waived == 0 && self.missed == 0
    }
}

impl Waivers {
    /// Finds the results of a run that are waived on a day, which should be the one on which the run was started: so the answer
    /// does not change when a report is made again.
    ///
    /// Of several waivers for one result, the first counts. A test whose own result is `fail`, without a note, and all of whose
    /// failed subtests are waived (there must be one) failed because of these, and is waived with them.
    ///
    /// Every different text is looked at once: the time is linear in the number of results that failed, times the waivers that
    /// are about their platform and test.
    pub fn apply(&self, dataset: &Dataset, run: &DatasetRun, today: Date) -> Waived {
        let mut waived =
            Waived { uses: vec![Use::default(); self.list.len()], ..Waived::default() };
        for (waiver, use_of) in self.list.iter().zip(&mut waived.uses) {
            use_of.expired = waiver.is_expired(today);
        }
        if self.is_empty() {
            return waived;
        }
        let mut finder = Finder::new(self, dataset);
        for attempt in run.attempts_by_id() {
            waived.take(&mut finder, run, attempt);
        }
        waived.look_for_good(&mut finder, run);
        waived.conclude(&finder, run);
        waived
    }
}

impl Waived {
    /// The waiver of a result, by the number of its row in the run: both count from 0.
    pub fn of_row(&self, row: usize) -> Option<usize> {
        let place = self.rows.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        Some(self.rows[place].1)
    }

    /// All results that are waived, as numbers of rows and waivers.
    pub fn rows(&self) -> &[(usize, usize)] {
        &self.rows
    }

    /// The waiver of what became of a test on a platform, by its place in [`DatasetRun::outcomes`].
    pub fn of_outcome(&self, outcome: usize) -> Option<usize> {
        self.outcomes.get(&outcome).copied()
    }

    /// How many tests are waived.
    pub fn tests(&self) -> usize {
        self.outcomes.len()
    }

    /// How many results are waived, of those that count: those of the last attempt of each test.
    pub fn results(&self) -> usize {
        self.results
    }

    /// What came of each waiver, in the order of the file.
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Looks at all failures of one attempt.
    fn take(
        &mut self,
        finder: &mut Finder<'_>,
        run: &DatasetRun,
        (id, attempt): (AttemptId, &DatasetAttempt),
    ) {
        let pair = finder.pair(attempt);
        if pair.is_empty() {
            return;
        }
        let (before, mut first, mut open) = (self.rows.len(), None, 0);
        let mut own = Vec::new();
        for (number, row) in attempt.rows().zip(run.rows_of(id)) {
            let Some(blame) = finder.blame(&row) else { continue };
            let mut about = finder.about(&pair, &row);
            about.retain(|waiver| self.waives(finder, (*waiver, attempt.last), blame));
            let chosen = about.first().copied();
            match (chosen, row.subtest) {
                (Some(waiver), subtest) => {
                    self.rows.push((number, waiver));
                    first = first.or(subtest.and(Some(waiver)));
                }
                (None, None) if blame == Blame::Fail && row.note.is_none() => own.push(number),
                (None, _) => open += 1,
            }
        }
        if let (Some(waiver), 0, false) = (first, open, own.is_empty()) {
            self.rows.extend(own.into_iter().map(|number| (number, waiver)));
            self.rows[before..].sort_unstable();
        }
        if attempt.last {
            self.results += self.rows.len() - before;
        }
    }

    /// Whether a waiver that is about a failure waives it; counts it for the waiver if the failure counts.
    fn waives(
        &mut self,
        finder: &Finder<'_>,
        (waiver, counts): (usize, bool),
        blame: Blame,
    ) -> bool {
        if !finder.waives(waiver, blame) {
            return false;
        }
        let use_of = &mut self.uses[waiver];
        *(if use_of.expired { &mut use_of.missed } else { &mut use_of.waived }) +=
            usize::from(counts);
        !use_of.expired
    }

    /// Counts, for waivers without any failure, the results that they are about.
    fn look_for_good(&mut self, finder: &mut Finder<'_>, run: &DatasetRun) {
        if self.uses.iter().all(|use_of| !use_of.is_unused()) {
            return;
        }
        let mut pairs: HashMap<(Key, Key), Pair> = HashMap::new();
        for (id, attempt) in run.attempts_by_id().filter(|(_, attempt)| attempt.last) {
            let pair = finder.pair(attempt);
            let idle = pairs
                .entry((attempt.platform, attempt.test))
                .or_insert_with(|| pair.only(|waiver| self.uses[waiver].is_unused()));
            if idle.is_empty() {
                continue;
            }
            for row in run.rows_of(id) {
                if finder.blame(&row).is_none() {
                    let about = finder.about(idle, &row);
                    about.into_iter().for_each(|waiver| self.uses[waiver].good += 1);
                }
            }
        }
    }

    /// Finds the tests that are waived: those that did not pass, and of whose own results every one that says so is waived; of
    /// tests without an own result, those whose subtests are.
    fn conclude(&mut self, finder: &Finder<'_>, run: &DatasetRun) {
        for (place, outcome) in run.outcomes().iter().enumerate() {
            let wrong = outcome.verdict.is_some_and(|verdict| {
                matches!(verdict, atex_core::Verdict::Failed | atex_core::Verdict::Infra)
            });
            let Some(&last) = outcome.attempts.last().filter(|_| wrong) else { continue };
            let numbers = run.attempt(last).rows();
            let bad = |own: bool| {
                let rows = numbers.clone().zip(run.rows_of(last));
                rows.filter(move |(_, row)| row.subtest.is_none() == own)
                    .filter(|(_, row)| finder.blame(row).is_some())
                    .map(|(number, _)| number)
                    .collect::<Vec<_>>()
            };
            let has_own = run.rows_of(last).any(|row| row.subtest.is_none());
            let by: Option<Vec<usize>> =
                bad(has_own).into_iter().map(|number| self.of_row(number)).collect();
            if let Some(waiver) = by.and_then(|by| by.first().copied()) {
                self.outcomes.insert(place, waiver);
            }
        }
    }
}
