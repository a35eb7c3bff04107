//! What an [`Aggregator`] promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Check, Suite, ensure, run_checks};
use crate::{Aggregator, Artifacts, BoxError, Error, Outcome, Record, Result, TestName, Verdict};

/// Runs all checks against aggregators of this factory, a fresh one for each, with a target of its own.
///
/// # Panics
/// With the list of the promises that are broken.
pub async fn all(make: impl AsyncFn() -> Result<Arc<dyn Aggregator>>) {
    let mut suite = Suite::new("Aggregator");
    run_checks!(
        suite,
        &*make().await?,
        [
            it_has_a_name,
            artifacts_are_only_read,
            a_test_is_taken_in_once_for_a_platform,
            what_cannot_be_read_is_not_taken_in_at_all,
            many_tests_are_taken_in_at_once,
            the_same_test_at_once_is_taken_in_once,
            after_the_end_nothing_is_taken_in,
            the_end_may_come_at_once_and_twice,
        ]
    );
    suite.finish();
}

/// A finished test with results of a subtest and of its own, and a file each.
fn record(folder: &Path, platform: &str, test: &str) -> Result<Record, BoxError> {
    let artifacts = Artifacts::create(folder, platform, test, 1)?;
    let results = concat!(
        r#"{"name": "sub/test", "status": "fail", "note": "why", "files": ["log.txt"]}"#,
        "\n",
        r#"{"status": "pass", "files": ["output.txt"], "unknown": [1, null, {"a": "b"}]}"#,
        "\n"
    );
    fs::write(artifacts.results_file(), results)?;
    for (name, file) in [(Some("sub/test"), "log.txt"), (None, "output.txt")] {
        let dir = artifacts.files_of(name);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join(file), format!("{file} of {test}\n"))?;
    }
    let outcome = Outcome::new(Verdict::Passed, Duration::from_millis(1)).exit_code(Some(0));
    let (platform, test) = (platform.to_owned(), TestName::new(test)?);
    Ok(Record { platform, test, artifacts, outcome, when: None })
}

/// All files below a folder, with their content.
fn content(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, BoxError> {
    let mut files = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry?;
        let bytes = if entry.file_type().is_file() { fs::read(entry.path())? } else { Vec::new() };
        files.insert(entry.path().to_owned(), bytes);
    }
    Ok(files)
}

/// It has a name.
pub async fn it_has_a_name(aggregator: &dyn Aggregator) -> Check {
    ensure!(!aggregator.name().is_empty(), "the name is empty");
    Ok(())
}

/// Taking a test in changes nothing of its artifacts, and does not need them afterwards.
pub async fn artifacts_are_only_read(aggregator: &dyn Aggregator) -> Check {
    let folder = tempfile::tempdir()?;
    let record = record(folder.path(), "p", "/a")?;
    let before = content(folder.path())?;
    aggregator.ingest(record).await?;
    ensure!(content(folder.path())? == before, "the artifacts are not what they were");
    folder.close()?;
    Ok(aggregator.finish().await?)
}

/// The same test is taken in once for each platform; a second time is refused.
pub async fn a_test_is_taken_in_once_for_a_platform(aggregator: &dyn Aggregator) -> Check {
    let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
    aggregator.ingest(record(first.path(), "p", "/a")?).await?;
    aggregator.ingest(record(first.path(), "q", "/a")?).await?;
    aggregator.ingest(record(first.path(), "p", "/a/b")?).await?;
    let again = aggregator.ingest(record(second.path(), "p", "/a")?).await;
    ensure!(again.is_err(), "the same test of the same platform was taken in twice");
    aggregator.ingest(record(second.path(), "p", "/c")?).await?;
    Ok(aggregator.finish().await?)
}

/// A test whose artifacts cannot be read leaves no trace: it is taken in later, when they can.
pub async fn what_cannot_be_read_is_not_taken_in_at_all(aggregator: &dyn Aggregator) -> Check {
    let folder = tempfile::tempdir()?;
    let record = record(folder.path(), "p", "/a")?;
    let results = fs::read(record.artifacts.results_file())?;
    fs::remove_file(record.artifacts.results_file())?;
    let missing = aggregator.ingest(record.clone()).await;
    ensure!(matches!(missing, Err(Error::Io { .. })), "missing results gave {missing:?}");
    let broken = [&results[..], b"{\"status\": \"pass\", \"na"].concat();
    fs::write(record.artifacts.results_file(), broken)?;
    let broken = aggregator.ingest(record.clone()).await;
    ensure!(broken.is_err(), "a broken line of results was taken in");
    fs::write(record.artifacts.results_file(), results)?;
    aggregator.ingest(record).await?;
    Ok(aggregator.finish().await?)
}

/// Many tasks hand in tests at once.
pub async fn many_tests_are_taken_in_at_once(aggregator: &dyn Aggregator) -> Check {
    let folder = tempfile::tempdir()?;
    let mut ingests = Vec::new();
    for number in 0..20 {
        let platform = if number % 2 == 0 { "p" } else { "q" };
        ingests.push(aggregator.ingest(record(folder.path(), platform, &format!("/t/{number}"))?));
    }
    for result in all_of(ingests).await {
        result?;
    }
    Ok(aggregator.finish().await?)
}

/// Of several that hand in the same test at once, one succeeds.
pub async fn the_same_test_at_once_is_taken_in_once(aggregator: &dyn Aggregator) -> Check {
    let mut folders = Vec::new();
    let mut ingests = Vec::new();
    for _ in 0..5 {
        let folder = tempfile::tempdir()?;
        ingests.push(aggregator.ingest(record(folder.path(), "p", "/a")?));
        folders.push(folder);
    }
    let taken = all_of(ingests).await.into_iter().filter(Result::is_ok).count();
    ensure!(taken == 1, "the same test was taken in {taken} times");
    Ok(aggregator.finish().await?)
}

/// After the end, a test is refused.
pub async fn after_the_end_nothing_is_taken_in(aggregator: &dyn Aggregator) -> Check {
    let folder = tempfile::tempdir()?;
    aggregator.ingest(record(folder.path(), "p", "/a")?).await?;
    aggregator.finish().await?;
    let late = aggregator.ingest(record(folder.path(), "p", "/b")?).await;
    ensure!(late.is_err(), "a test was taken in after the end");
    Ok(())
}

/// An output without tests can be ended, and an ended one again.
pub async fn the_end_may_come_at_once_and_twice(aggregator: &dyn Aggregator) -> Check {
    aggregator.finish().await?;
    Ok(aggregator.finish().await?)
}

/// Polls all futures until the last is done.
async fn all_of<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut running {
            if done.is_none()
                && let std::task::Poll::Ready(result) = future.as_mut().poll(context)
            {
                *done = Some(result);
            }
        }
        if running.iter().all(|(_, done)| done.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}
