//! [`Rows`]: results as columns of numbers; [`Row`]: one of them.

use std::ops::Range;
use std::time::Duration;

use super::{AttemptId, Key};

/// One result of a test, as keys into the dictionaries of its [`Dataset`](super::Dataset).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The attempt that reported it, which says the platform, the test and the guest.
    pub attempt: AttemptId,
    /// The subtest; none for a result of the test itself.
    pub subtest: Option<Key>,
    /// The status, if it has one.
    pub status: Option<Key>,
    /// The note, if it has one.
    pub note: Option<Key>,
    /// The list of its files, if it has any; see [`Dataset::files_of`](super::Dataset::files_of).
    pub files: Option<Key>,
    /// When it began, since its run did, in whole milliseconds; few formats say.
    pub started: Option<Duration>,
    /// How long it took, in whole milliseconds; few formats say.
    pub took: Option<Duration>,
}

/// The results of a run: 16 bytes each, and 8 more if any of them says when it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) subtest: Vec<u32>,
    pub(super) status: Vec<u32>,
    pub(super) note: Vec<u32>,
    pub(super) files: Vec<u32>,
    started: Times,
    took: Times,
}

/// Times by row, which take no room while there are none.
#[derive(Debug, Clone, Default)]
struct Times(Vec<u32>);

impl Times {
    fn push(&mut self, before: usize, time: Option<Duration>) {
        if time.is_some() && self.0.is_empty() {
            self.0.resize(before, u32::MAX);
        }
        if time.is_some() || !self.0.is_empty() {
            // 49 days are enough for a result; what is longer counts as that.
            let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
            self.0.push(time.map_or(u32::MAX, |time| millis(time).min(u32::MAX - 1)));
        }
    }

    fn get(&self, row: usize) -> Option<Duration> {
        let millis = *self.0.get(row)?;
        (millis != u32::MAX).then(|| Duration::from_millis(millis.into()))
    }
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.status.len()
    }

    pub(super) fn push(&mut self, row: &Row) {
        let before = self.len();
        self.started.push(before, row.started);
        self.took.push(before, row.took);
        self.subtest.push(Key::packed(row.subtest));
        self.note.push(Key::packed(row.note));
        self.files.push(Key::packed(row.files));
        self.status.push(Key::packed(row.status));
    }

    pub(super) fn get(&self, attempt: AttemptId, row: usize) -> Row {
        Row {
            attempt,
            subtest: Key::unpacked(self.subtest[row]),
            status: Key::unpacked(self.status[row]),
            note: Key::unpacked(self.note[row]),
            files: Key::unpacked(self.files[row]),
            started: self.started.get(row),
            took: self.took.get(row),
        }
    }

    /// Brings the rows of each attempt together, in the order of the attempts, without changing their order within one.
    /// `attempts` has the attempt of each row. Gives the rows of each attempt.
    pub(super) fn group(&mut self, attempts: &[u32], count: usize) -> Vec<Range<usize>> {
        let mut ends = vec![0_usize; count];
        for &attempt in attempts {
            ends[attempt as usize] += 1;
        }
        let mut begin = 0;
        for end in &mut ends {
            begin += *end;
            *end = begin;
        }
        let ranges: Vec<_> =
            ends.iter().scan(0, |from, &to| Some(std::mem::replace(from, to)..to)).collect();
        if attempts.is_sorted() {
            return ranges;
        }
        let mut next: Vec<usize> = ranges.iter().map(|range| range.start).collect();
        let places: Vec<u32> = attempts
            .iter()
            .map(|&attempt| {
                let place = next[attempt as usize];
                next[attempt as usize] += 1;
                u32::try_from(place).unwrap_or(u32::MAX)
            })
            .collect();
        let Self { subtest, status, note, files, started, took } = self;
        for column in [subtest, status, note, files, &mut started.0, &mut took.0] {
            if column.is_empty() {
                continue;
            }
            let mut sorted = vec![0; column.len()];
            for (&place, &value) in places.iter().zip(column.iter()) {
                sorted[place as usize] = value;
            }
            *column = sorted;
        }
        ranges
    }
}
