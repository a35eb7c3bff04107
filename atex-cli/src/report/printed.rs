//! What failing tests printed last: the line that says why, and the end of their logs.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use atex_core::Artifacts;
use atex_report::{AttemptId, Dataset, DatasetRun, LogTail, Review, Row, RunStore};

/// How much of the end of a file is looked at.
const TAIL: u64 = 4 << 10;
/// How many files are looked into: so many failures without a note are a pattern of their own.
const FILES: usize = 2000;

/// Looks into the first file of each failure without a note, which is what the test printed.
pub(crate) fn last_lines<'a>(
    store: &'a RunStore,
    dataset: &'a Dataset,
    run: &'a DatasetRun,
) -> impl FnMut(AttemptId, &Row) -> Option<String> + 'a {
    let left = Cell::new(FILES);
    move |id, row| {
        let name = dataset.files_of(row).into_iter().next()?;
        left.set(left.get().checked_sub(1)?);
        let text = end_of(&path(store, (dataset, run), (id, row), &name)?)?;
        text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
    }
}

/// Looks into the first log of each failure that a page asks for.
pub(super) fn ends<'a>(
    store: &'a RunStore,
    review: &Review<'a>,
) -> impl FnMut(AttemptId, &Row) -> Option<LogTail> + use<'a> {
    let (dataset, run) = (review.dataset, review.run);
    move |id, row| {
        let file = dataset.files_of(row).into_iter().find(|name| is_log(name))?;
        let text = end_of(&path(store, (dataset, run), (id, row), &file)?)?;
        Some(LogTail { file, text })
    }
}

/// Whether a file is text for people, by its name.
fn is_log(name: &str) -> bool {
    let end = Path::new(name).extension().and_then(|end| end.to_str());
    end.is_none_or(|end| ["txt", "log", "out", "err", "stdout", "stderr"].contains(&end))
}

/// Where a file of a result lies.
fn path(
    store: &RunStore,
    (dataset, run): (&Dataset, &DatasetRun),
    (id, row): (AttemptId, &Row),
    name: &str,
) -> Option<PathBuf> {
    let attempt = run.attempt(id);
    let (platform, test) =
        (dataset.platforms().text(attempt.platform), dataset.tests().text(attempt.test));
    let dir = Artifacts::path_of(&store.artifacts_dir(), platform, test, attempt.number);
    let subtest = row.subtest.map(|subtest| dataset.subtests().text(subtest));
    let dir = Artifacts::open(dir).files_of(subtest);
    Some(atex_core::SafePath::new(name)?.below(&dir))
}

/// The last few kilobytes of a file.
fn end_of(path: &Path) -> Option<String> {
    // Whatever a test left under this name: a pipe must not make us wait.
    if !std::fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let length = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}
