//! Comparisons: what changed from earlier runs to this one.

use std::time::Duration;

use atex_report::{Comparison, Dataset, Kind, Mark, NewAttempt, NewRow, Place, Slow};
use proptest::prelude::*;

use crate::dataset::info;

/// A run: platform, test (after a `#`, which attempt), subtest, status, and the seconds that the attempt took.
type Results<'a> = &'a [(&'a str, &'a str, Option<&'a str>, &'a str, u64)];

fn dataset(runs: &[Results<'_>]) -> Dataset {
    let mut dataset = Dataset::builder();
    for results in runs {
        let mut run = dataset.run(info("r"));
        for (platform, test, subtest, status, took) in *results {
            let (test, number) = test.split_once('#').unwrap_or((test, "1"));
            let attempt = run.attempt(platform, test, number.parse().unwrap());
            let took = (*took > 0).then(|| Duration::from_secs(*took));
            run.describe(attempt, NewAttempt { took, ..NewAttempt::default() });
            let status = Some(*status);
            run.row(attempt, NewRow { subtest: *subtest, status, ..NewRow::default() });
        }
        run.finish();
    }
    dataset.finish()
}

/// The last run compared with all others.
fn compared(dataset: &Dataset) -> Comparison {
    let now = dataset.runs().len() - 1;
    let before: Vec<usize> = (0..now).collect();
    Comparison::of(dataset, now, &before, Slow::default())
}

fn shown(dataset: &Dataset, comparison: &Comparison) -> String {
    let mut lines = Vec::new();
    for change in comparison.changes() {
        let subtest = change.item.subtest.map_or("", |key| dataset.subtests().text(key));
        lines.push(format!(
            "{}: {} {} {subtest} [{}]{}{}",
            change.kind.as_str(),
            dataset.platforms().text(change.item.platform),
            dataset.tests().text(change.item.test),
            comparison.history(change.item),
            if change.flaky { " flaky" } else { "" },
            change
                .slower
                .map_or(String::new(), |(now, median)| format!(" {now:?} after {median:?}")),
        ));
    }
    lines.join("\n")
}

#[test]
fn what_changed_is_told() {
    let dataset = dataset(&[
        &[
            ("p", "/same", None, "pass", 10),
            ("p", "/new", None, "pass", 10),
            ("p", "/still", None, "fail", 10),
            ("p", "/fixed", None, "error", 10),
            ("p", "/gone", None, "pass", 10),
            ("p", "/sub", Some("a"), "pass", 0),
            ("p", "/sub", Some("b"), "fail", 0),
            ("p", "/sub", Some("twice"), "pass", 0),
            ("p", "/sub", None, "fail", 0),
            ("q", "/moved", None, "fail", 10),
            ("p", "/both", None, "fail", 10),
            ("q", "/both", None, "pass", 10),
            ("p", "/flaky", None, "fail", 10),
            ("p", "/slow", None, "pass", 10),
        ],
        &[
            ("p", "/same", None, "info", 10),
            ("p", "/still", None, "infra", 10),
            ("p", "/new", None, "pass", 10),
            ("p", "/fixed", None, "fail", 10),
            ("p", "/gone", None, "pass", 10),
            ("p", "/flaky", None, "pass", 10),
            ("p", "/slow", None, "pass", 12),
            ("p", "/lost", None, "pass", 12),
        ],
        &[
            ("p", "/same", None, "pass", 15),
            ("p", "/new", None, "fail", 10),
            ("p", "/still", None, "fail", 10),
            ("p", "/fixed", None, "skip", 10),
            ("p", "/added", None, "pass", 10),
            ("p", "/added", Some("x"), "fail", 10),
            ("p", "/sub", Some("a"), "fail", 0),
            ("p", "/sub", Some("b"), "pass", 0),
            ("p", "/sub", Some("twice"), "fail", 0),
            ("p", "/sub", Some("twice"), "pass", 0),
            ("p", "/sub", None, "fail", 0),
            ("p", "/moved", None, "fail", 10),
            ("p", "/both", None, "fail", 10),
            ("p", "/flaky", None, "fail", 10),
            ("p", "/slow", None, "pass", 30),
            ("p", "/lost", None, "infra", 12),
            ("p", "/again#1", None, "fail", 12),
            ("p", "/again#2", None, "pass", 12),
        ],
    ]);
    let comparison = compared(&dataset);
    insta::assert_snapshot!(shown(&dataset, &comparison));
    let counts = Kind::ALL.map(|kind| (comparison.tests(kind), comparison.subtests(kind)));
    for (kind, (tests, subtests)) in Kind::ALL.into_iter().zip(counts) {
        assert_eq!(comparison.of_kind(kind).len(), tests + subtests, "{kind:?}");
    }
    // What it is in this run can be found there.
    let run = &dataset.runs()[2];
    for change in comparison.changes() {
        match change.place {
            Place::Nowhere => assert_eq!(change.now, Mark::Absent),
            Place::Outcome(place) => assert_eq!(run.outcomes()[place].test, change.item.test),
            Place::Row(place) => {
                assert_eq!(run.rows().nth(place).unwrap().subtest, change.item.subtest);
            }
        }
    }
}

fn a_run() -> impl Strategy<Value = Vec<(String, String, String, usize)>> {
    prop::collection::vec(("[pq]", "/[ab]", "[xy]{0,1}", 0..5_usize), 0..12)
}

fn results(run: &[(String, String, String, usize)]) -> Vec<(&str, &str, Option<&str>, &str, u64)> {
    let status = |number: usize| ["pass", "fail", "skip", "infra", "odd"][number];
    run.iter()
        .map(|(platform, test, subtest, number)| {
            let subtest = (!subtest.is_empty()).then_some(subtest.as_str());
            (platform.as_str(), test.as_str(), subtest, status(*number), 0)
        })
        .collect()
}

proptest! {
    #[test]
    fn a_run_does_not_differ_from_itself(run in a_run()) {
        let results = results(&run);
        let dataset = dataset(&[&results, &results]);
        let comparison = compared(&dataset);
        for change in comparison.changes() {
            prop_assert_eq!(change.kind, Kind::StillFailing);
        }
    }

    /// With the runs in the other order, what was fixed is new, and what was added is gone.
    #[test]
    fn comparing_the_other_way_round_turns_everything_round(a in a_run(), b in a_run()) {
        let (a, b) = (results(&a), results(&b));
        let there = compared(&dataset(&[&a, &b]));
        let back = compared(&dataset(&[&b, &a]));
        let count = |of: &Comparison, kind| of.of_kind(kind).len();
        let failing_news = |of: &Comparison| {
            of.of_kind(Kind::NewFailure).iter().filter(|change| of.history(change.item).starts_with(' ')).count()
        };
        let gone = |of: &Comparison| {
            of.of_kind(Kind::Removed).iter().filter(|change| of.history(change.item).starts_with('F')).count()
        };
        prop_assert_eq!(count(&there, Kind::StillFailing), count(&back, Kind::StillFailing));
        prop_assert_eq!(failing_news(&there), gone(&back));
        prop_assert_eq!(count(&there, Kind::Added) + failing_news(&there), count(&back, Kind::Removed));
        for change in there.of_kind(Kind::Fixed) {
            prop_assert!(["F.", "F-"].contains(&there.history(change.item).as_str()));
        }
        for change in there.changes() {
            let history = there.history(change.item);
            prop_assert_eq!(history.chars().last().unwrap(), change.now.sign());
        }
    }
}
