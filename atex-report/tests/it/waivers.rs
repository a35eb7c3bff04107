//! Waivers: what their file may say, what is wrong with others, and what they waive.

use std::path::Path;

use atex_report::{Blame, Dataset, NewRow, Subtest, Waived, Waivers};
use jiff::civil::{Date, date};
use proptest::prelude::*;

use crate::dataset::info;

const TODAY: Date = date(2026, 11, 22);

fn parsed(text: &str) -> Waivers {
    Waivers::parse(Path::new("w.yaml"), text).unwrap_or_else(|error| panic!("{error}"))
}

/// A result: platform, test, subtest, status, note. The test is that of its first attempt, or after a `#` another one.
pub(crate) type Result<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, Option<&'a str>);

pub(crate) fn dataset(results: &[Result<'_>]) -> Dataset {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("r"));
    for (platform, test, subtest, status, note) in results {
        let (test, number) = test.split_once('#').unwrap_or((test, "1"));
        let attempt = run.attempt(platform, test, number.parse().unwrap());
        let status = (!status.is_empty()).then_some(*status);
        run.row(attempt, NewRow { subtest: *subtest, status, note: *note, ..NewRow::default() });
    }
    run.finish();
    dataset.finish()
}

/// What is waived: a line for each result, then the waivers, then the tests.
fn applied(waivers: &Waivers, results: &[Result<'_>]) -> String {
    let dataset = dataset(results);
    let run = &dataset.runs()[0];
    let waived = waivers.apply(&dataset, run, TODAY);
    let mut text = String::new();
    for (number, row) in run.rows().enumerate() {
        let by = waived.of_row(number).map_or("-".into(), |by| format!("by {by}"));
        let test = dataset.tests().text(run.attempt(row.attempt).test);
        let subtest = row.subtest.map_or("", |key| dataset.subtests().text(key));
        text.push_str(&format!("{test} {subtest}: {by}\n"));
    }
    for (number, used) in waived.uses().iter().enumerate() {
        text.push_str(&format!("waiver {number}: {used:?}\n"));
    }
    for (number, outcome) in run.outcomes().iter().enumerate() {
        let by = waived.of_outcome(number).map_or("-".into(), |by| format!("by {by}"));
        text.push_str(&format!("test {}: {by}\n", dataset.tests().text(outcome.test)));
    }
    text + &format!("{} results, {} tests\n", waived.results(), waived.tests())
}

#[test]
fn mistakes_are_pointed_to() {
    let mistakes = [
        "a: b",
        "- just text",
        "- {test: /a}",
        "- {reason: because}",
        "- reason: because\n  platfrom: rhel-9\n",
        "- reason: because\n  test: /a\n  expires: 2027-01-01\n",
        "- reason: because\n  test: /a\n  colour: red\n",
        "- reason: because\n  test: /a\n  until: tomorrow\n",
        "- reason: because\n  test: /a\n  until: 2027-02-30\n",
        "- reason: because\n  test: {regex: '(a'}\n",
        "- reason: because\n  test: {rgx: 'a'}\n",
        "- reason: because\n  test: '[a'\n",
        "- reason: because\n  test: []\n",
        "- reason: because\n  test: [[/a]]\n",
        "- reason: because\n  test:\n",
        "- reason: [because]\n  test: /a\n",
        "- reason: because\n  test: /a\n  test: /b\n",
        "- reason: because\n  test: /a\n  status: fial\n",
        "- reason: because\n  test: /a\n  status: pass\n",
        "- reason: because\n  test: /a\n  [1]: x\n",
        "- reason: because\n  test: 'a\n",
        "- reason: because\n  test: *nobody\n",
        "- &a [*a]",
        "[]\n---\n[]",
        "- reason: because\n  \u{1b}[31mžest: /a\n",
    ];
    let shown = mistakes.map(|text| match Waivers::parse(Path::new("w.yaml"), text) {
        Err(error) => {
            let hint = error.hint().map_or(String::new(), |hint| format!("\nhint: {hint}"));
            format!("{error}\n{}{hint}\n", error.snippet().unwrap())
        }
        Ok(waivers) => panic!("{text:?} is understood: {waivers:?}"),
    });
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn what_is_written_is_what_is_meant() {
    let waivers = parsed(
        "- &common\n  reason: because\n  test: [/a*, {regex: '^/b$'}]\n  subtest: null\n  status: infra\n  until: 2027-01-31\n  link: https://example.org\n- note: '*no*'\n  reason: two\n  platform: p\n  subtest: x\n",
    );
    let shown: Vec<String> = waivers
        .iter()
        .map(|one| {
            format!(
                "{}: {} ({}, {:?}, until {:?}, {:?})",
                one.line,
                one.subject(),
                one.reason,
                one.link,
                one.until,
                one.blames
            )
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    2: test /a* or /^/b$/, without its subtests (because, Some("https://example.org"), until Some(2027-01-31), [Infra])
    8: subtest x, platform p, note *no* (two, None, until None, [Fail, Error])
    "#);
    for nothing in ["", "# only a comment\n", "[]", "---\n", "null"] {
        assert!(parsed(nothing).is_empty());
    }
    // What is shared by aliases is not written out.
    let bomb = "- {reason: &r because, test: &t [a, a, a]}\n".to_owned()
        + &"- {reason: *r, test: *t}\n".repeat(1000);
    assert_eq!(parsed(&bomb).len(), 1001);
}

#[test]
fn failures_are_waived_and_nothing_else() {
    let waivers = parsed(
        "- {test: /dns, subtest: ipv6, reason: a}
- {test: /dns, note: '*refused*', reason: b}
- {test: /old, reason: c, until: 2026-11-21}
- {test: /last-day, reason: d, until: 2026-11-22}
- {test: /lost, reason: e}
- {test: /lost2, reason: f, status: [fail, infra]}
- {test: /good, reason: g}
- {test: /nowhere, reason: h}
- {test: /dns, reason: the first counts}
- {test: /sub/*, subtest: known*, reason: i}
- {test: /rerun, reason: j}
",
    );
    let text = applied(
        &waivers,
        &[
            ("p", "/dns", Some("ipv6"), "fail", Some("connection refused")),
            ("p", "/dns", Some("ipv4"), "error", Some("connection refused")),
            ("p", "/dns", Some("ptr"), "pass", Some("connection refused")),
            ("p", "/dns", None, "fail", None),
            ("p", "/old", None, "fail", None),
            ("p", "/last-day", None, "fail", None),
            ("p", "/lost", None, "infra", Some("lost")),
            ("p", "/lost2", None, "infra", Some("lost")),
            ("p", "/good", Some("x"), "pass", None),
            ("p", "/good", None, "skip", None),
            // Failed because of its subtests, of which all are known.
            ("p", "/sub/1", Some("known1"), "fail", None),
            ("p", "/sub/1", None, "fail", None),
            // One is not.
            ("p", "/sub/2", Some("known1"), "fail", None),
            ("p", "/sub/2", Some("other"), "fail", None),
            ("p", "/sub/2", None, "fail", None),
            // It says itself why it failed.
            ("p", "/sub/3", Some("known1"), "fail", None),
            ("p", "/sub/3", None, "fail", Some("segfault")),
            // Something else than a failure.
            ("p", "/sub/4", Some("known1"), "fail", None),
            ("p", "/sub/4", None, "error", None),
            // Its own result is good: nothing is left to waive.
            ("p", "/sub/5", Some("known1"), "fail", None),
            ("p", "/sub/5", None, "pass", None),
            // Nobody says anything of the test itself.
            ("p", "/sub/6", Some("known1"), "fail", None),
            // Only the last attempt counts.
            ("p", "/rerun#1", None, "fail", None),
            ("p", "/rerun#2", None, "pass", None),
            ("p", "/custom", None, "weird", None),
        ],
    );
    insta::assert_snapshot!(text);
}

/// What a waiver is about, said directly.
fn naive(waivers: &Waivers, result: &Result<'_>) -> Option<usize> {
    let (platform, test, subtest, status, note) = *result;
    let blame = Blame::of(Some(status))?;
    waivers.iter().position(|one| {
        one.blames.contains(&blame)
            && !one.is_expired(TODAY)
            && one.platform.as_ref().is_none_or(|pattern| pattern.matches(platform))
            && one.test.as_ref().is_none_or(|pattern| pattern.matches(test))
            && one.subtest.as_ref().is_none_or(|about| match (about, subtest) {
                (Subtest::None, None) => true,
                (Subtest::Named(pattern), Some(subtest)) => pattern.matches(subtest),
                _ => false,
            })
            && one.note.as_ref().is_none_or(|pattern| note.is_some_and(|it| pattern.matches(it)))
    })
}

fn a_waiver() -> impl Strategy<Value = String> {
    let pattern = |key: &'static str| {
        let glob = prop::sample::select(vec!["a", "b", "a*", "[ab]", "?", "*", "{regex: 'a|b$'}"]);
        prop::option::of(glob).prop_map(move |glob| match glob {
            Some(glob) if glob.starts_with('{') => format!("  {key}: {glob}\n"),
            Some(glob) => format!("  {key}: '{glob}'\n"),
            None => String::new(),
        })
    };
    let until = prop::sample::select(vec!["", "  until: 2026-11-21\n", "  until: 2026-11-22\n"]);
    let status = prop::sample::select(vec!["", "  status: infra\n", "  status: [error, infra]\n"]);
    let keys = (pattern("platform"), pattern("test"), pattern("subtest"), pattern("note"));
    (keys, until, status).prop_map(|((platform, test, subtest, note), until, status)| {
        // None of the tests is called like this; without it, some waivers would be about everything, which is refused.
        let test = if test.is_empty() { "  test: {regex: '^'}\n".to_owned() } else { test };
        format!("- reason: r\n{platform}{test}{subtest}{note}{until}{status}")
    })
}

proptest! {
    /// The way by dictionaries comes to what each waiver says of each result; a test's own result has a note here, so that none
    /// is waived because of its subtests.
    #[test]
    fn waivers_mean_what_they_say(
        file in prop::collection::vec(a_waiver(), 0..6),
        results in prop::collection::vec(("[ab]", "[abc]", "[ab]{0,2}", 0..5_usize, "[ab]{0,2}"), 0..30),
    ) {
        let waivers = parsed(&file.concat());
        let results: Vec<Result<'_>> = results.iter().map(|(platform, test, subtest, status, note)| {
            let status = ["pass", "fail", "error", "infra", "other"][*status];
            let subtest = (!subtest.is_empty()).then_some(subtest.as_str());
            (platform.as_str(), test.as_str(), subtest, status, Some(note.as_str()))
        }).collect();
        let dataset = dataset(&results);
        let run = &dataset.runs()[0];
        let waived: Waived = waivers.apply(&dataset, run, TODAY);
        let mut count = 0;
        for (number, row) in run.rows().enumerate() {
            let attempt = run.attempt(row.attempt);
            let subtest = row.subtest.map(|key| dataset.subtests().text(key));
            let result = (
                dataset.platforms().text(attempt.platform), dataset.tests().text(attempt.test), subtest,
                row.status.map_or("", |key| dataset.statuses().text(key)), row.note.map(|key| dataset.notes().text(key)),
            );
            let expected = naive(&waivers, &result);
            prop_assert_eq!(waived.of_row(number), expected, "{:?}", result);
            count += usize::from(expected.is_some());
        }
        prop_assert_eq!(waived.results(), count);
        // Whatever is waived was said to be, and nothing good is.
        for (number, used) in waived.uses().iter().enumerate() {
            prop_assert!(!used.expired || waived.rows().iter().all(|(_, by)| *by != number));
        }
        for (number, outcome) in run.outcomes().iter().enumerate() {
            prop_assert!(waived.of_outcome(number).is_none() || outcome.verdict.is_some_and(|it| !it.is_ok()));
        }
    }

    /// Whatever the file holds, it is understood or pointed to.
    #[test]
    fn no_file_panics(text in "(- |  |reason: |test: |subtest: |\\[|\\]|\\{|\\}|: |,|'|&a |\\*a|[a*\u{1b}ž]|\n){0,30}") {
        if let Err(error) = Waivers::parse(Path::new("w"), &text) {
            error.snippet();
        }
    }
}
