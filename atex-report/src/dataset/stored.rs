//! The results of stored runs, brought into a dataset.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use atex_core::Artifacts;
use atex_core::bounded_lines::{BoundedLines, Next};

use super::{AttemptId, DatasetBuilder, NewRow, RunBuilder};
use crate::aggregate::{FiledLine, Reported, Said, said};
use crate::{RunStore, StoreError};

impl DatasetBuilder {
    /// Adds a run with all that its folder tells: the journal, and of every attempt what it reported. Where the artifacts are
    /// gone, the results of each test's last attempt are taken from `results.jsonl`.
    ///
    /// Works while the run goes on, and after a crash. A line of results that cannot be read costs only itself, and is in
    /// [`DatasetRun::problems`](super::DatasetRun::problems).
    ///
    /// # Errors
    /// What is wrong with the journal; [`StoreError::Io`] when results are there and cannot be read. Nothing of the run is added
    /// then.
    pub fn add_store(&mut self, store: &RunStore) -> Result<(), StoreError> {
        let (report, _torn) = store.report()?;
        let mut run = self.run(store.info().clone());
        run.report(report);
        // Runs of older versions, and those that were imported, have no suite.
        for suite in store.suites().unwrap_or_default() {
            for (test, of) in &suite.tests {
                of.tags.iter().for_each(|tag| run.tag(test.as_str(), tag));
            }
        }
        let mut gone = false;
        for number in 0..run.run.attempts.len() {
            gone |= !run.artifacts(store, number)?;
        }
        if gone {
            run.results(&store.results_path())?;
        }
        run.finish();
        Ok(())
    }
}

impl RunBuilder<'_> {
    /// Adds what an attempt reported, from its artifacts. Says whether they are there.
    fn artifacts(&mut self, store: &RunStore, number: usize) -> Result<bool, StoreError> {
        let texts = &self.builder.texts;
        let attempt = &self.run.attempts[number];
        let (platform, test) =
            (texts.platforms.text(attempt.platform), texts.tests.text(attempt.test));
        let dir = Artifacts::path_of(&store.artifacts_dir(), platform, test, attempt.number);
        let id = AttemptId(u32::try_from(number).unwrap_or(u32::MAX));
        let path = Artifacts::open(dir).results_file();
        let add = |run: &mut Self, text: &[u8]| {
            run.reported(id, &serde_json::from_slice(text)?);
            Ok(())
        };
        self.lines(&path, add)
    }

    /// Adds results from a file of JSON lines, of those attempts that have none yet: to the last attempt that is known, or the first.
    fn results(&mut self, path: &Path) -> Result<(), StoreError> {
        let have = self.run.rows.len();
        let with_rows: std::collections::HashSet<u32> =
            self.of_row[..have].iter().copied().collect();
        let last: std::collections::HashMap<_, _> =
            self.run.attempts.iter().map(|one| ((one.platform, one.test), one.number)).collect();
        let add = |run: &mut Self, text: &[u8]| {
            let line: FiledLine<'_> = serde_json::from_slice(text)?;
            let (platform, test, reported) = line.into_parts();
            let (platform, test) = (&*platform.shown(), &*test.shown());
            let texts = &run.builder.texts;
            let place = texts.platforms.find(platform).zip(texts.tests.find(test));
            let number = place.and_then(|place| last.get(&place)).copied().unwrap_or(1);
            let id = run.attempt(platform, test, number);
            if !with_rows.contains(&id.0) {
                run.reported(id, &reported);
            }
            Ok(())
        };
        self.lines(path, add).map(|_| ())
    }

    /// Adds what an attempt reported. What is no text is shown as JSON, because tests may report what they like; `null` is nothing.
    fn reported(&mut self, id: AttemptId, one: &Reported<'_>) {
        let [subtest, status, note] =
            [&one.name, &one.status, &one.note].map(|what| said(what).map(Said::shown));
        let files = one.files.iter().filter(|file| !file.is_null()).map(Said::shown);
        let files: Vec<Cow<'_, str>> = files.collect();
        let files: Vec<&str> = files.iter().map(Cow::as_ref).collect();
        let (subtest, status, note) = (subtest.as_deref(), status.as_deref(), note.as_deref());
        self.row(id, NewRow { subtest, status, note, files: &files, ..NewRow::default() });
    }

    /// Reads a file line by line. Says whether it is there.
    fn lines(
        &mut self,
        path: &Path,
        mut add: impl FnMut(&mut Self, &[u8]) -> Result<(), serde_json::Error>,
    ) -> Result<bool, StoreError> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file.map_err(StoreError::io("cannot read", path))?,
        };
        let mut lines =
            BoundedLines::new(BufReader::with_capacity(1 << 16, file), Artifacts::RESULT_MAX);
        loop {
            let problem = match lines.next_line().map_err(StoreError::io("cannot read", path))? {
                Next::End => return Ok(true),
                Next::Whole(text) | Next::Torn(text) => match add(self, text) {
                    Ok(()) => continue,
                    Err(error) => format!("not a result: {error}"),
                },
                Next::TooLong => {
                    format!("the result is longer than {} bytes", Artifacts::RESULT_MAX)
                }
            };
            self.problem(format!("{}:{}: {problem}", path.display(), lines.number()));
        }
    }
}
