//! [`Review`]: a run with all that can be said of it: what is waived, which causes there are, what changed.

use crate::{
    AttemptId, Causes, Change, Comparison, Conclusion, Dataset, DatasetRun, Place, Row, RunReport,
    Slow, Waived, WaivedTests, Waivers,
};

/// A run with all that can be said of it: what is waived, which causes the other failures have, what changed since earlier runs.
///
/// Everything that is shown of a run, on a terminal, in a page or for programs, is made of this.
#[derive(Debug)]
pub struct Review<'a> {
    /// All runs.
    pub dataset: &'a Dataset,
    /// The run that it is about.
    pub run: &'a DatasetRun,
    /// Those that were asked for.
    pub waivers: Option<&'a Waivers>,
    /// What they waive.
    pub waived: Waived,
    /// Which tests are waived as a whole.
    pub waived_tests: WaivedTests,
    /// What the failures that are not waived have in common.
    pub causes: Causes,
    /// The runs that it was compared with, the oldest first, and what changed.
    pub comparison: Option<(Vec<&'a DatasetRun>, Comparison)>,
    no_events: RunReport,
}

/// What is wanted to be known of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Failures that are known.
    pub waivers: Option<&'a Waivers>,
    /// Earlier runs to compare with, as places in [`Dataset::runs`].
    pub before: &'a [usize],
    /// When a test counts as slower.
    pub slow: Slow,
}

impl<'a> Review<'a> {
    /// Looks at one run of a dataset, by its place in [`Dataset::runs`].
    ///
    /// `says` tells what a failure without a note has to say, as for [`Causes::find`]. The day that decides on waivers is that on
    /// which the run was started, in UTC. Earlier runs are compared in the order in which they were started.
    pub fn of(
        dataset: &'a Dataset,
        now: usize,
        asked: &Asked<'a>,
        says: impl FnMut(AttemptId, &Row) -> Option<String>,
    ) -> Self {
        let run = &dataset.runs()[now];
        let today = run.info().started.to_zoned(jiff::tz::TimeZone::UTC).date();
        let waived = asked.waivers.map(|waivers| waivers.apply(dataset, run, today));
        let waived = waived.unwrap_or_default();
        let causes = Causes::find(dataset, run, |row| waived.of_row(row).is_some(), says);
        let mut before: Vec<usize> =
            asked.before.iter().copied().filter(|other| *other != now).collect();
        before.sort_by_key(|other| dataset.runs()[*other].info().started);
        let comparison = (!before.is_empty()).then(|| {
            let runs = before.iter().map(|other| &dataset.runs()[*other]).collect();
            (runs, Comparison::of(dataset, now, &before, asked.slow))
        });
        let waived_tests = WaivedTests::of(dataset, run, &waived);
        let (waivers, no_events) = (asked.waivers, RunReport::new());
        Self { dataset, run, waivers, waived, waived_tests, causes, comparison, no_events }
    }

    /// The run as its events tell it; an empty one if only results are known.
    pub fn report(&self) -> &RunReport {
        self.run.report().unwrap_or(&self.no_events)
    }

    /// The word on the run, which tests that are waived do not count for.
    pub fn conclusion(&self) -> Conclusion {
        Conclusion::waiving(self.report(), &self.waived_tests)
    }

    /// Whether what changed is waived in this run.
    pub fn is_waived(&self, change: &Change) -> bool {
        match change.place {
            Place::Nowhere => false,
            Place::Outcome(place) => self.waived.of_outcome(place).is_some(),
            Place::Row(row) => self.waived.of_row(row).is_some(),
        }
    }
}
