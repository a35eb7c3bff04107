//! The folder of a run.

use std::fs;
use std::time::Duration;

use atex_core::{CancellationToken, EventSink, RunEvent, Verdict};
use atex_report::{RunInfo, RunStore, StoreError};

use crate::run::eventful;

fn info() -> RunInfo {
    let started = "2026-11-22T15:04:05.678Z".parse().unwrap();
    RunInfo::new("nightly-7", "atex 0.1.0", started).asked(serde_json::json!({"reruns": 2}))
}

#[test]
fn a_run_is_found_again() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("runs/1");
    let store = RunStore::create(&dir, &info()).unwrap();
    let journal = store.journal(CancellationToken::new()).unwrap();
    let mut run = eventful();
    run.entries.sort_by_key(|entry| entry.at);
    for entry in &run.entries {
        journal.emit(entry.at, &entry.event);
    }
    let store = RunStore::open(&dir).unwrap();
    assert_eq!(store.info(), &info());
    assert!(store.artifacts_dir().is_dir());
    let (report, torn) = store.report().unwrap();
    assert_eq!(torn, None);
    assert_eq!(report.counts().of(Verdict::Failed), 2);
    insta::assert_snapshot!(fs::read_to_string(dir.join("run.json")).unwrap(), @r#"
    {
      "format": 1,
      "run": "nightly-7",
      "tool": "atex 0.1.0",
      "started": "2026-11-22T15:04:05.678Z",
      "asked": {
        "reruns": 2
      }
    }
    "#);
}

#[test]
fn a_folder_that_holds_anything_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    RunStore::create(tmp.path(), &info()).expect("an empty one is fine");
    let error = RunStore::create(tmp.path(), &info()).unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty { .. }));
    let expected = format!("{} is not empty: a run needs", tmp.path().display());
    assert!(error.to_string().starts_with(&expected), "{error}");
}

#[test]
fn what_is_not_the_folder_of_a_run_is_refused() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("run.json");
    let error = || RunStore::open(tmp.path()).unwrap_err();
    assert!(matches!(error(), StoreError::NotARun { .. }), "{}", error());
    let cases = [
        ("{\n\"format\": ", "run.json:2: not written by a run"),
        ("{\"format\": 1}", "run.json:1: not written by a run"),
        ("[]", "run.json:1: not written by a run"),
        ("{\"format\": 2, \"run\": []}", "run.json:1: written in format 2 by a newer version"),
    ];
    for (text, expected) in cases {
        fs::write(&path, text).unwrap();
        assert!(error().to_string().contains(expected), "{}", error());
    }
}

#[test]
fn a_journal_that_does_not_exist_is_an_error() {
    let tmp = tempfile::tempdir().unwrap();
    let store = RunStore::create(tmp.path(), &info()).unwrap();
    assert!(matches!(store.report().unwrap_err(), StoreError::Io { .. }));
    let journal = store.journal(CancellationToken::new()).unwrap();
    journal.emit(Duration::ZERO, &RunEvent::RunFinished);
    assert!(store.report().unwrap().0.is_finished());
}
