//! What is here against the shared suites of `atex-core`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use atex_core::testkit::conformance::{aggregator, event_sink};
use atex_core::{Aggregator, CancellationToken};
use atex_report::{
    Journal, JournalReader, PackFiles, PackFormat, ResultsFormat, ResultsPlan, Several,
};

/// Runs the suite against what is made in a folder.
async fn conforms(make: impl Fn(&Path) -> atex_core::Result<Arc<dyn Aggregator>>) {
    let (dir, count) = (tempfile::tempdir().unwrap(), AtomicU32::new(0));
    let make = async || {
        let out = dir.path().join(count.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&out).unwrap();
        make(&out)
    };
    aggregator::all(make).await;
}

fn plans() -> Vec<ResultsPlan> {
    let formats = [ResultsFormat::JsonLines, ResultsFormat::Yaml, ResultsFormat::Junit];
    let mut plans: Vec<_> = formats.into_iter().map(ResultsPlan::new).collect();
    #[cfg(feature = "csv")]
    plans.push(ResultsPlan::new(ResultsFormat::Csv));
    #[cfg(feature = "sqlite")]
    plans.push(ResultsPlan::new(ResultsFormat::Sqlite));
    let built = [cfg!(feature = "gzip"), cfg!(feature = "xz"), cfg!(feature = "zstd")];
    for (packing, _) in PackFormat::ALL.into_iter().zip(built).filter(|(_, built)| *built) {
        plans.push(ResultsPlan::new(ResultsFormat::JsonLines).packed(packing));
        plans.push(
            ResultsPlan::new(ResultsFormat::Junit)
                .packed(packing)
                .pack_files(PackFiles::new(packing)),
        );
    }
    plans
}

#[tokio::test]
async fn files_of_results() {
    for number in 0..plans().len() {
        conforms(|out| {
            let plan = plans().swap_remove(number);
            Ok(Arc::new(plan.files(out.join("files")).create(out.join("results"))?))
        })
        .await;
    }
}

#[tokio::test]
async fn several() {
    conforms(|out| {
        let mut children: Vec<Arc<dyn Aggregator>> = Vec::new();
        for name in ["a", "b", "c"] {
            let plan =
                ResultsPlan::new(ResultsFormat::JsonLines).files(out.join(format!("{name}.files")));
            children.push(Arc::new(plan.create(out.join(name))?));
        }
        Ok(Arc::new(Several::new(children)?))
    })
    .await;
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
