//! What failures without a note have to say: the last line that the test printed.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use atex_core::Artifacts;
use atex_report::{AttemptId, Dataset, DatasetRun, Row, RunStore};

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
        let attempt = run.attempt(id);
        let (platform, test) =
            (dataset.platforms().text(attempt.platform), dataset.tests().text(attempt.test));
        let dir = Artifacts::path_of(&store.artifacts_dir(), platform, test, attempt.number);
        let subtest = row.subtest.map(|subtest| dataset.subtests().text(subtest));
        let dir = Artifacts::open(dir).files_of(subtest);
        tail(&atex_core::SafePath::new(&name)?.below(&dir))
    }
}

/// The last line that is not blank.
fn tail(path: &Path) -> Option<String> {
    // Whatever a test left under this name: a pipe must not make us wait.
    if !std::fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let length = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).ok()?;
    let mut text = Vec::new();
    file.take(TAIL).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}
