//! [`Comparison`]: what changed from earlier runs to this one.

mod items;
mod judge;
mod mark;

use std::time::Duration;

use self::items::Items;
use self::judge::Series;
pub use self::mark::Mark;
use crate::{Dataset, Key};

/// What changed from one or several earlier runs to this one: test by test and subtest by subtest, on each platform.
///
/// A test is the same if its name and platform are, a subtest if its test and name are. A test that has one platform in each of
/// two runs is the same, whichever they are: where any platform will do, a test runs now here, now there. Of a test with
/// several attempts, the last counts. What a test was before is what it was in the latest run that knows whether it worked: trouble of infrastructure
/// says nothing of a test.
///
/// Time and memory are linear in the number of results of all runs.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    items: Items,
    changes: Vec<Change>,
    counts: [[usize; 2]; Kind::ALL.len()],
}

/// A test on a platform, or a subtest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Item {
    /// The platform.
    pub platform: Key,
    /// The test.
    pub test: Key,
    /// The subtest; none for the test itself.
    pub subtest: Option<Key>,
}

/// What an item is in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is not there.
    Nowhere,
    /// The test of this number in [`DatasetRun::outcomes`](crate::DatasetRun::outcomes).
    Outcome(usize),
    /// The result of this number in [`DatasetRun::rows`](crate::DatasetRun::rows).
    Row(usize),
}

/// What changed of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Of what.
    pub item: Item,
    /// What.
    pub kind: Kind,
    /// How it went in this run.
    pub now: Mark,
    /// What it is in this run.
    pub place: Place,
    /// Whether it goes back and forth, over the runs or within this one.
    pub flaky: bool,
    /// How long it took, and the median of the earlier runs, if it takes longer than it used to.
    pub slower: Option<(Duration, Duration)>,
}

/// What can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// It fails, and did not before, or was not there.
    NewFailure,
    /// It fails as before.
    StillFailing,
    /// It failed before, and does not any more.
    Fixed,
    /// It was in no earlier run, and does not fail.
    Added,
    /// It was in the run before this one, and is not any more.
    Removed,
    /// Nobody can tell this time: trouble of infrastructure, or it was not run.
    Undecided,
    /// It passed as before, but goes back and forth.
    Flaky,
    /// It passed as before, but takes longer.
    Slower,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 8] = [
        Self::NewFailure,
        Self::StillFailing,
        Self::Fixed,
        Self::Added,
        Self::Removed,
        Self::Undecided,
        Self::Flaky,
        Self::Slower,
    ];

    /// As words: `new failures`, `still failing`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewFailure => "new failures",
            Self::StillFailing => "still failing",
            Self::Fixed => "fixed",
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Undecided => "undecided",
            Self::Flaky => "flaky",
            Self::Slower => "slower",
        }
    }

    /// As one word for programs: `new_failure`, `still_failing`, …
    pub fn key(self) -> &'static str {
        match self {
            Self::NewFailure => "new_failure",
            Self::StillFailing => "still_failing",
            _ => self.as_str(),
        }
    }
}

/// When a test that passed counts as slower.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slow {
    /// It took more than this many times the median of the earlier runs in which it passed,
    pub times: f64,
    /// and at least this much longer.
    pub more: Duration,
}

impl Default for Slow {
    /// Twice as long, and five seconds.
    fn default() -> Self {
        Self { times: 2.0, more: Duration::from_secs(5) }
    }
}

impl Comparison {
    /// The longest history that is told.
    pub const HISTORY: usize = 20;

    /// Compares one run of a dataset, by its place in [`Dataset::runs`], with others, the oldest first.
    pub fn of(dataset: &Dataset, now: usize, before: &[usize], slow: Slow) -> Self {
        let mut items = Items::default();
        let here = items::only_platforms(&dataset.runs()[now]);
        for run in before.iter().chain([&now]) {
            items.take(dataset, &dataset.runs()[*run], &here);
        }
        let mut comparison = Self { items, ..Self::default() };
        for number in 0..u32::try_from(comparison.items.all.len()).unwrap_or(u32::MAX) {
            comparison.changes.extend(comparison.change(number, slow));
        }
        let text = |item: &Item| {
            let subtest = item.subtest.map(|subtest| dataset.subtests().text(subtest));
            (dataset.tests().text(item.test), dataset.platforms().text(item.platform), subtest)
        };
        comparison.changes.sort_by(|a, b| (a.kind, text(&a.item)).cmp(&(b.kind, text(&b.item))));
        for change in &comparison.changes {
            comparison.counts[change.kind as usize][usize::from(change.item.subtest.is_some())] +=
                1;
        }
        comparison
    }

    fn change(&self, number: u32, slow: Slow) -> Option<Change> {
        let item = self.items.all[number as usize];
        let series: Vec<Mark> = self.items.series(number).collect();
        let (now, before) = series.split_last()?;
        let slower = self.slower(number, (before.len(), slow));
        let recovered = self.items.recovered.contains(&number);
        let series = Series { before, now: *now, recovered, slower: slower.is_some() };
        let mut kind = series.kind()?;
        let not_run = kind == Kind::Removed && self.items.nowhere.contains(&item.test);
        if not_run {
            kind = Kind::Undecided;
        }
        let place = self.items.places[number as usize];
        Some(Change { item, kind, now: *now, place, flaky: series.is_flaky(), slower })
    }

    fn slower(&self, number: u32, (run, slow): (usize, Slow)) -> Option<(Duration, Duration)> {
        let took = self.items.took.get(&number)?;
        let now = took.iter().find(|(of, _)| *of == run)?.1;
        let before = took.iter().filter(|(of, _)| *of != run).map(|(_, took)| *took);
        let median = judge::median(before.collect())?;
        let is_long = now.as_secs_f64() > median.as_secs_f64() * slow.times
            && now > median.saturating_add(slow.more);
        is_long.then_some((now, median))
    }

    /// What changed: by kind, then by test, platform and subtest.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What changed in this way.
    pub fn of_kind(&self, kind: Kind) -> &[Change] {
        let begin = self.changes.partition_point(|change| change.kind < kind);
        let end = self.changes.partition_point(|change| change.kind <= kind);
        &self.changes[begin..end]
    }

    /// How many tests changed in this way.
    pub fn tests(&self, kind: Kind) -> usize {
        self.counts[kind as usize][0]
    }

    /// How many subtests changed in this way.
    pub fn subtests(&self, kind: Kind) -> usize {
        self.counts[kind as usize][1]
    }

    /// How an item went, run after run, the oldest first and this one last, at most the last [`HISTORY`](Self::HISTORY) of them:
    /// a character each, as [`Mark::sign`] has them.
    pub fn history(&self, item: Item) -> String {
        let Some(number) = self.items.number(item) else { return String::new() };
        let series = self.items.series(number);
        let skip = series.len().saturating_sub(Self::HISTORY);
        series.skip(skip).map(Mark::sign).collect()
    }
}
