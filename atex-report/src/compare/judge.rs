//! What a series of marks means: pure, one item at a time.

use std::time::Duration;

use super::{Kind, Mark};

/// How one item went, run after run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series<'a> {
    /// In the earlier runs, the oldest first.
    pub(super) before: &'a [Mark],
    pub(super) now: Mark,
    /// Whether it failed and then passed within the run.
    pub(super) recovered: bool,
    /// Whether it takes longer than it used to.
    pub(super) slower: bool,
}

impl Series<'_> {
    /// What changed, if anything did.
    pub(super) fn kind(self) -> Option<Kind> {
        let last = self.before.last().copied().unwrap_or(Mark::Absent);
        if self.now == Mark::Absent {
            return (last != Mark::Absent).then_some(Kind::Removed);
        }
        if self.before.iter().all(|mark| *mark == Mark::Absent) && self.now != Mark::Fail {
            return Some(Kind::Added);
        }
        // Trouble says nothing of the test: what it was before the trouble counts.
        let known = self.before.iter().rev().find_map(|mark| mark.failed());
        match (known, self.now.failed()) {
            (Some(true), Some(true)) => Some(Kind::StillFailing),
            (_, Some(true)) => Some(Kind::NewFailure),
            (Some(true), Some(false)) => Some(Kind::Fixed),
            (Some(_), None) => Some(Kind::Undecided),
            (None, None) => None,
            (_, Some(false)) if self.is_flaky() => Some(Kind::Flaky),
            (_, Some(false)) => self.slower.then_some(Kind::Slower),
        }
    }

    /// Whether it goes back and forth: it failed and passed within the run, or changed at least twice over the runs.
    pub(super) fn is_flaky(self) -> bool {
        let known = self.before.iter().chain([&self.now]).filter_map(|mark| mark.failed());
        let (changes, _) = known.fold((0, None), |(changes, last), failed| {
            (changes + usize::from(last.is_some_and(|last| last != failed)), Some(failed))
        });
        self.recovered || changes >= 2
    }
}

/// The middle one of several times; the longer of the two in the middle.
pub(super) fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The series as signs, the last of which is now; `^` after it for recovered, `>` for slower.
    fn kind(signs: &str) -> (Option<Kind>, bool) {
        let all = [Mark::Absent, Mark::Skip, Mark::Pass, Mark::Open, Mark::Infra, Mark::Fail];
        let plain = signs.trim_end_matches(['^', '>']);
        let of = |sign| all.into_iter().find(|mark| mark.sign() == sign).unwrap();
        let marks: Vec<Mark> = plain.chars().map(of).collect();
        let (now, before) = marks.split_last().unwrap();
        let (recovered, slower) = (signs.contains('^'), signs.contains('>'));
        let series = Series { before, now: *now, recovered, slower };
        (series.kind(), series.is_flaky())
    }

    #[test]
    fn what_series_mean() {
        use Kind::{Added, Fixed, Flaky, NewFailure, Removed, Slower, StillFailing, Undecided};
        let table = [
            ("..", None, false),
            (".-", None, false),
            (".F", Some(NewFailure), false),
            ("-F", Some(NewFailure), false),
            ("F.", Some(Fixed), false),
            ("FF", Some(StillFailing), false),
            // Trouble in between is passed over.
            ("F!F", Some(StillFailing), false),
            (".!F", Some(NewFailure), false),
            ("!F", Some(NewFailure), false),
            ("F! .", Some(Fixed), false),
            ("!.", None, false),
            (".!", Some(Undecided), false),
            (".?", Some(Undecided), false),
            ("!!", None, false),
            (" .", Some(Added), false),
            ("  F", Some(NewFailure), false),
            (" !", Some(Added), false),
            (". ", Some(Removed), false),
            // It was gone already.
            (".  ", None, false),
            (". .", None, false),
            (".F.F", Some(NewFailure), true),
            ("F.F.", Some(Fixed), true),
            (".F..", Some(Flaky), true),
            (".F!.", Some(Fixed), true),
            ("..^", Some(Flaky), true),
            ("F.^", Some(Fixed), true),
            ("..>", Some(Slower), false),
            (".F>", Some(NewFailure), false),
            (" ^", None, true),
        ];
        for (signs, expected, flaky) in table {
            assert_eq!(kind(signs), (expected, flaky), "{signs:?}");
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let median = |times: &[u64]| {
            super::median(times.iter().map(|time| Duration::from_secs(*time)).collect())
        };
        let seconds = |time| Some(Duration::from_secs(time));
        let table =
            [(&[][..], None), (&[3], seconds(3)), (&[9, 1, 3], seconds(3)), (&[9, 1], seconds(9))];
        for (times, expected) in table {
            assert_eq!(median(times), expected, "{times:?}");
        }
    }
}
