//! The journal, written and read.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use atex_core::{CancellationToken, EventSink, Failure, RemoteId, RunEvent};
use atex_report::{Entry, Journal, JournalReader, StoreError, Torn};

use crate::run::eventful;

fn read(path: &Path) -> (Result<Vec<Entry>, StoreError>, Option<Torn>) {
    let mut reader = JournalReader::open(path).unwrap();
    let entries = reader.by_ref().collect();
    assert!(reader.next().is_none(), "it ends for good");
    (entries, reader.torn())
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.jsonl");
    let mut run = eventful();
    let failure = Failure::infra("no");
    run.event(RunEvent::PrepareFailed { remote: RemoteId(7), failure });
    run.event(RunEvent::Interrupted).event(RunEvent::TimePassed);
    let journal = Journal::create(&path, CancellationToken::new()).unwrap();
    for entry in &run.entries {
        journal.emit(entry.at, &entry.event);
    }
    assert!(journal.failure().is_none());
    // Nothing has to be closed first.
    let (entries, torn) = read(&path);
    assert_eq!((entries.unwrap(), torn), (run.entries, None));
    Journal::create(&path, CancellationToken::new()).expect_err("a journal is never overwritten");
}

#[test]
fn lines_are_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let journal = Journal::create(&path, CancellationToken::new()).unwrap();
    journal.emit(Duration::from_micros(1_500_900), &RunEvent::Interrupted);
    let remote = RunEvent::RemoteRequested { remote: RemoteId(3), pool: "lab".into() };
    journal.emit(Duration::from_secs(2), &remote);
    let expected = "{\"v\":1,\"at_ms\":1500,\"event\":\"interrupted\"}\n\
        {\"v\":1,\"at_ms\":2000,\"event\":\"remote_requested\",\"remote\":3,\"pool\":\"lab\"}\n";
    assert_eq!(fs::read_to_string(path).unwrap(), expected);
}

const GOOD: &str = "{\"v\":1,\"at_ms\":5,\"event\":\"interrupted\",\"added_later\":[1]}\n";

#[test]
fn a_torn_end_is_told_and_no_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    for end in
        [GOOD.trim_end(), "{\"v\":1,\"at", "\0\0\0\0", "{\"v\":1,\"at_ms\":5,\"event\":\"\u{fffd}"]
    {
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(format!("{GOOD}{end}").as_bytes()).unwrap();
        let (entries, torn) = read(&path);
        assert_eq!(entries.unwrap().len(), 1);
        assert_eq!(torn, Some(Torn { line: 2, bytes: end.len() }));
    }
}

#[test]
fn what_is_not_ours_is_named_by_file_and_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j");
    let cases = [
        ("not json\n", "j:2: not written by a run: expected ident at line 1 column 2"),
        ("\n", "j:2: not written by a run: EOF while parsing a value at line 1 column 0"),
        ("{\"v\":1,\"at_ms\":1}\n", "j:2: not written by a run: missing field `event`"),
        (
            "{\"v\":1,\"at_ms\":1,\"event\":\"x\"}\n",
            "j:2: not written by a run: unknown variant `x`",
        ),
        (
            "{\"v\":2,\"anything\":0}\n",
            "j:2: written in format 2 by a newer version, this one reads formats up to 1",
        ),
        (
            "{\"v\":9,\"at_ms\":5,\"event\":\"interrupted\"}\n",
            "j:2: written in format 9 by a newer",
        ),
    ];
    for (line, expected) in cases {
        fs::write(&path, format!("{GOOD}{line}{GOOD}")).unwrap();
        let error = read(&path).0.unwrap_err();
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        let text = format!("{error}{}", cause.unwrap_or_default());
        assert!(text.contains(expected), "{text}");
        assert!(text.starts_with(&path.display().to_string()), "{text}");
    }
}
