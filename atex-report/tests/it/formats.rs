//! What the formats look like, with texts that want to break them.

use atex_core::{Aggregator, Outcome, Verdict};
use atex_report::{Earlier, ResultsFormat, ResultsPlan};
use serde_json::json;
use std::time::Duration;

use crate::json_lines::{Place, jsonl};

/// Results of two tests: with everything, and with hardly anything.
async fn written(format: ResultsFormat) -> String {
    let place = Place::format(format);
    let results = [
        json!({"name": "sub/one", "status": "pass", "files": ["l", "d/x.log"], "note": "- ž: \"q\" #\u{7f}\u{1}\0\t\u{2028}😀\nnext"}),
        json!({"name": "yes", "status": "fail", "note": "=1+1|cmd"}),
        json!({"name": "a ]]> <b>&amp;'", "status": "error", "note": ""}),
        json!({"name": "5", "status": "infra", "note": "12:30:45"}),
        json!({"name": {"x": [1, 1e9, "a\nb"]}, "status": 5, "note": true}),
        json!({"name": "s", "status": "skip", "note": "null"}),
        json!({"name": "\u{fffe}w", "status": "warn", "files": ["a,b", " c"]}),
        json!({"name": "'quoted", "status": "", "files": [], "note": null}),
        json!({"status": "warn", "files": ["output.txt"]}),
        json!({"status": "fail", "note": "why", "files": ["more"], "extra": {"a": 1}}),
    ];
    let mut full = place.record(("9.8@x86_64", "/some/test: x"), &jsonl(&results), &[]);
    full.outcome = Outcome::new(Verdict::Failed, Duration::from_millis(1500));
    let earlier = |number, verdict| Earlier {
        number,
        outcome: Outcome::new(verdict, Duration::from_secs(2))
            .note(Some(format!("attempt {number}"))),
    };
    let attempts = vec![earlier(1, Verdict::Infra), earlier(2, Verdict::Failed)];
    place.lines.ingest_with(full, attempts.clone()).await.unwrap();
    let mut flaky = place.record(("true", "-"), "{\"status\": \"pass\"}\n", &[]);
    flaky.outcome = Outcome::new(Verdict::Passed, Duration::ZERO);
    place.lines.ingest_with(flaky, attempts).await.unwrap();
    place.lines.ingest(place.record(("p", "/none"), "", &[])).await.unwrap();
    place.results()
}

#[tokio::test]
async fn yaml() {
    insta::assert_snapshot!(written(ResultsFormat::Yaml).await);
}

#[tokio::test]
async fn junit() {
    insta::assert_snapshot!(written(ResultsFormat::Junit).await);
}

#[tokio::test]
async fn csv() {
    insta::assert_snapshot!(
        written(ResultsFormat::Csv).await.replace('\r', "␍").replace('\0', "␀")
    );
}

/// A file that becomes too big tells less of the tests that come after that, and says so.
#[tokio::test]
async fn junit_has_a_limit() {
    let place = Place::with(|_| ResultsPlan::new(ResultsFormat::Junit).size_limit(3000));
    let results = jsonl(&[
        json!({"name": "good", "status": "pass"}),
        json!({"name": "bad", "status": "fail", "note": "n".repeat(1200)}),
        json!({"status": "fail"}),
    ]);
    for test in ["/1", "/2", "/3", "/4", "/5", "/6"] {
        place.lines.ingest(place.record(("p", test), &results, &[])).await.unwrap();
    }
    place.lines.finish().await.unwrap();
    let text = place.results();
    let suites = text.split("<testsuite ").skip(1).map(|suite| {
        let count = |what: &str| suite.matches(what).count();
        let left_out = suite.split("atex.left_out\" value=\"").nth(1);
        let left_out = left_out.and_then(|rest| rest.split('"').next()).unwrap_or("none");
        let notes = suite.matches('n').count() / 1000;
        format!("{} cases, {left_out} left out, notes of {notes} KB", count("<testcase"))
    });
    insta::assert_snapshot!(suites.collect::<Vec<_>>().join("\n"), @r"
    3 cases, none left out, notes of 1 KB
    3 cases, none left out, notes of 1 KB
    2 cases, 1 left out, notes of 1 KB
    2 cases, 1 left out, notes of 1 KB
    1 cases, 2 left out, notes of 0 KB
    1 cases, 2 left out, notes of 0 KB
    ");
    assert!(text.contains(&"n".repeat(1200)) && text.ends_with("</testsuites>\n"));
    let third = text.split("<testsuite ").nth(3).unwrap();
    assert!(third.contains("tests=\"2\" failures=\"2\"") && !third.contains(&"n".repeat(1025)));
}

/// More results than are kept in memory are the same as few.
#[tokio::test]
async fn many_results_are_read_again() {
    for format in
        [ResultsFormat::JsonLines, ResultsFormat::Yaml, ResultsFormat::Junit, ResultsFormat::Csv]
    {
        let place = Place::format(format);
        let own = "{\"status\": \"pass\", \"files\": [\"own\"]}\n";
        let one = |n: usize| {
            format!(
                "{{\"name\": \"s{n}\", \"note\": \"{}\", \"files\": [\"f{n}\"]}}\n{own}",
                "x".repeat(100)
            )
        };
        let results: String = (0..10_000).map(one).collect();
        place.lines.ingest(place.record(("p", "/many"), &results, &[])).await.unwrap();
        let text = place.results();
        let (last, lasts) = match format {
            ResultsFormat::JsonLines => ("\"s9999\"", 1),
            ResultsFormat::Yaml => ("- name: s9999\n", 1),
            ResultsFormat::Junit => ("<testcase name=\"s9999\"", 1),
            _ => (",s9999,", 1),
        };
        assert_eq!(text.matches(last).count(), lasts, "{format:?}");
        assert_eq!(text.matches("own").count(), 10_000, "{format:?}");
        assert_eq!(text.matches("f9999").count(), 1, "{format:?}");
    }
}
