//! Datasets: what is fed is what comes out, and what a stored run becomes.

use std::fs;
use std::time::Duration;

use atex_core::{Artifacts, CancellationToken, EventSink, Verdict};
use atex_report::{Dataset, DatasetRun, Key, NewAttempt, NewRow, RunInfo, RunStore};
use proptest::prelude::*;

use crate::run::eventful;

pub(crate) fn info(run: &str) -> RunInfo {
    RunInfo::new(run, "atex 0.1.0", "2026-11-22T15:04:05Z".parse().unwrap())
}

/// A run that is fed rows of a few attempts in any order.
fn fed(rows: &[(u8, u32)]) -> Dataset {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("r"));
    for (attempt, number) in rows {
        let id = run.attempt("p", &format!("/t{attempt}"), 1);
        let subtest = format!("s{number}");
        // Only some say how long they took.
        let took = number.is_multiple_of(3).then(|| Duration::from_millis(u64::from(*number)));
        run.row(
            id,
            NewRow { subtest: Some(&subtest), status: Some("pass"), took, ..NewRow::default() },
        );
    }
    run.finish();
    dataset.finish()
}

proptest! {
    #[test]
    fn rows_of_an_attempt_come_together_in_their_order(rows in prop::collection::vec((0_u8..4, 0_u32..50), 0..60)) {
        let dataset = fed(&rows);
        let run = &dataset.runs()[0];
        prop_assert_eq!(run.len(), rows.len());
        let mut expected = rows.clone();
        let first = |attempt| rows.iter().position(|row| row.0 == attempt);
        expected.sort_by_key(|row| first(row.0));
        let got: Vec<(u8, u32)> = run.rows().map(|row| {
            let test = dataset.tests().text(run.attempt(row.attempt).test);
            let subtest = dataset.subtests().text(row.subtest.unwrap());
            let number: u32 = subtest[1..].parse().unwrap();
            assert_eq!(row.took, number.is_multiple_of(3).then(|| Duration::from_millis(number.into())));
            (test[2..].parse().unwrap(), number)
        }).collect();
        prop_assert_eq!(got, expected);
    }
}

/// All of a run as text.
fn shown(dataset: &Dataset, run: &DatasetRun) -> String {
    let text = |dictionary: &atex_report::Dictionary, key: Option<Key>| {
        key.map_or("-".to_owned(), |key| format!("{:?}", dictionary.text(key)))
    };
    let mut lines = Vec::new();
    for outcome in run.outcomes() {
        let (test, note) =
            (dataset.tests().text(outcome.test), text(dataset.notes(), outcome.note));
        let platform = text(dataset.platforms(), outcome.platform);
        lines.push(format!("{test} on {platform}: {:?}, {note}", outcome.verdict));
        for id in &outcome.attempts {
            let attempt = run.attempt(*id);
            let (guest, note) =
                (text(dataset.guests(), attempt.guest), text(dataset.notes(), attempt.note));
            let (number, last, verdict) = (attempt.number, attempt.last, attempt.verdict);
            lines.push(format!(
                "  {number} on {guest}, last: {last}, {verdict:?}, {:?} for {:?}, {note}",
                attempt.started, attempt.took
            ));
            for row in run.rows_of(*id) {
                let subtest = text(dataset.subtests(), row.subtest);
                let (status, note) =
                    (text(dataset.statuses(), row.status), text(dataset.notes(), row.note));
                lines.push(format!("    {subtest}: {status} {note} {:?}", dataset.files_of(&row)));
            }
        }
    }
    lines.join("\n")
}

/// The folder of the eventful run; two of its attempts have artifacts.
pub(crate) fn stored(dir: &std::path::Path) -> RunStore {
    let store = RunStore::create(dir, &info("nightly-7")).unwrap();
    let journal = store.journal(CancellationToken::new()).unwrap();
    let mut run = eventful();
    run.entries.sort_by_key(|entry| entry.at);
    run.entries.iter().for_each(|entry| journal.emit(entry.at, &entry.event));
    let results = |test: &str, number: u32, lines: &str| {
        let platform = "rhel-9.6@x86_64";
        let artifacts = Artifacts::create(&store.artifacts_dir(), platform, test, number).unwrap();
        fs::write(artifacts.results_file(), lines).unwrap();
    };
    results(
        "/net/flaky",
        1,
        "{\"name\": \"a\", \"status\": \"fail\", \"note\": \"reset\"}\n{\"status\": \"fail\", \"files\": [\"output.txt\"]}\n",
    );
    results(
        "/net/flaky",
        2,
        "{\"name\": \"a\", \"status\": \"pass\"}\n{\"sta\n{\"status\": \"pass\", \"files\": [\"output.txt\"]}\n",
    );
    store
}

#[test]
fn a_stored_run_becomes_rows() {
    let tmp = tempfile::tempdir().unwrap();
    let store = stored(tmp.path());
    // Only what has no artifacts is taken from here; a test of another run that nobody planned is kept.
    let lines = [
        r#"["rhel-9.6@x86_64", "pass", "/net/flaky", null, [], "from the results"]"#,
        r#"["rhel-9.6@x86_64", "fail", "/net/dns", "ipv6", ["log", "x/y"], "no answer"]"#,
        r#"["rhel-9.6@x86_64", "fail", "/net/dns", null, [], null]"#,
        r#"["other", "error", "/stray", null, [], null]"#,
    ];
    fs::write(store.results_path(), lines.join("\n")).unwrap();
    let mut dataset = Dataset::builder();
    dataset.add_store(&store).unwrap();
    let dataset = dataset.finish();
    let run = &dataset.runs()[0];
    insta::assert_snapshot!(shown(&dataset, run));
    let place = tmp.path().display().to_string();
    let problems: Vec<_> = run.problems().iter().map(|line| line.replace(&place, "RUN")).collect();
    insta::assert_snapshot!(problems.join("\n"), @"RUN/artifacts/rhel-9.6@x86_64/net/flaky/attempt-2/results:2: not a result: EOF while parsing a string at line 1 column 5");
}

#[test]
fn what_nobody_judged_is_judged_by_its_results() {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("import"));
    let rows = [
        ("/own", None, "fail"),
        ("/own", None, "pass"),
        ("/own", Some("sub"), "fail"),
        ("/subtests", Some("a"), "pass"),
        ("/subtests", Some("b"), "error"),
        ("/odd", None, "whatever"),
        ("/said", None, "pass"),
    ];
    for (test, subtest, status) in rows {
        let id = run.attempt("p", test, 1);
        run.row(id, NewRow { subtest, status: Some(status), ..NewRow::default() });
    }
    let said = run.attempt("p", "/said", 1);
    run.describe(said, NewAttempt { verdict: Some(Verdict::Infra), ..NewAttempt::default() });
    run.finish();
    let dataset = dataset.finish();
    let verdicts: Vec<_> = dataset.runs()[0].outcomes().iter().map(|one| one.verdict).collect();
    use Verdict::{Failed, Infra, Passed};
    assert_eq!(verdicts, [Some(Passed), Some(Failed), Some(Infra), Some(Infra)]);
}
