//! What is here against the shared suites of `atex-core`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use atex_core::testkit::conformance::{aggregator, event_sink};
use atex_core::{Aggregator, CancellationToken};
use atex_report::{Journal, JournalReader, JsonLines};

#[tokio::test]
async fn json_lines() {
    let (dir, count) = (tempfile::tempdir().unwrap(), AtomicU32::new(0));
    let make = async || {
        let out = dir.path().join(count.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&out).unwrap();
        let lines = JsonLines::create(out.join("results.jsonl"), out.join("files"))?;
        Ok(Arc::new(lines) as Arc<dyn Aggregator>)
    };
    aggregator::all(make).await;
}

#[test]
fn journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.jsonl");
    let journal = Journal::create(&path, CancellationToken::new()).unwrap();
    event_sink::all(&journal);
    assert!(journal.failure().is_none());
    let read: Vec<_> =
        JournalReader::open(&path).unwrap().map(|entry| entry.unwrap().event).collect();
    for event in event_sink::samples().unwrap() {
        assert!(read.contains(&event), "{event:?} is not in the journal");
    }
}
