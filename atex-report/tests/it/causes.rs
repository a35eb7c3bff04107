//! Causes: failures that say the same are one.

use atex_report::{Causes, Dataset};

use crate::waivers::dataset;

fn shown(dataset: &Dataset, causes: &Causes) -> String {
    let one = |cause: &atex_report::Cause| {
        let row = dataset.runs()[0].attempt(cause.example.0);
        let kind = if cause.infra { "infra" } else { "failure" };
        format!(
            "{} results of {} tests on {:?}, {kind}: {} (as in {})",
            cause.results,
            cause.tests,
            cause.platforms,
            cause.text,
            dataset.tests().text(row.test)
        )
    };
    causes.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn one_cause_for_what_says_the_same() {
    let dataset = dataset(&[
        ("p", "/a", None, "fail", Some("lost: took 3 s")),
        ("p", "/b", Some("x"), "error", Some("exit code 17 at 12:30:05")),
        ("q", "/b", Some("x"), "error", Some("exit code 3 at 9:30:05")),
        ("p", "/b", Some("y"), "fail", Some("exit code 2 at 12:30:06")),
        ("p", "/b", Some("y"), "pass", Some("exit code 0 at 12:30:06")),
        ("p", "/c", None, "infra", Some("lost: took 17 s")),
        ("p", "/c#2", None, "infra", Some("lost: took 18 s")),
        ("p", "/d", None, "infra", Some("lost: took 18 s")),
        ("p", "/e", None, "infra", Some("lost: took 19 s")),
        ("p", "/f", None, "fail", None),
        ("p", "/g", Some("waived"), "fail", Some("known")),
    ]);
    let run = &dataset.runs()[0];
    let known = |row: usize| {
        run.rows()
            .nth(row)
            .unwrap()
            .subtest
            .is_some_and(|it| dataset.subtests().text(it) == "waived")
    };
    let causes = Causes::of(&dataset, run, known);
    insta::assert_snapshot!(shown(&dataset, &causes), @r#"
    3 results of 1 tests on {"p": 2, "q": 1}, failure: exit code <n> at <time> (as in /b)
    1 results of 1 tests on {"p": 1}, failure: lost: took <n> s (as in /a)
    3 results of 3 tests on {"p": 3}, infra: lost: took <n> s (as in /c)
    "#);
    assert_eq!(causes.unexplained(), 1);
    let number = |test: &str| {
        let row =
            run.rows().position(|row| dataset.tests().text(run.attempt(row.attempt).test) == test);
        causes.of_row(row.unwrap())
    };
    assert_eq!(["/a", "/b", "/d", "/f", "/g"].map(number), [Some(1), Some(0), Some(2), None, None]);
    // What a test printed explains what has no note, and joins what has.
    let causes = Causes::find(&dataset, run, known, |_, _| Some("lost: took 99 s".into()));
    assert_eq!((causes.iter().nth(1).unwrap().results, causes.unexplained()), (2, 0));
}
