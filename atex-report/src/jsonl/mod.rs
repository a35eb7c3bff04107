//! [`JsonLines`]: all results in one file of JSON lines, and all files beside it.

mod layout;
mod line;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use atex_core::bounded_lines::{BoundedLines, Next};
use atex_core::{Aggregator, Artifacts, Error, Record, Result, ResultLine, async_trait};
use serde_json::Value;

use self::layout::{Layout, open_regular};
use self::line::Line;
use crate::store::sync_dir;

/// All results in one file of JSON lines, `[platform, status, test, subtest, [files], note]`, and all files that tests left
/// beside it, as `FILES/PLATFORM/TEST/SUBTEST/FILE`: the format of the Python ATEX.
///
/// * What a result does not say is `null`; a result without files has `[]`; keys other than these are left out. Lines are pure
///   ASCII, with a space after each comma.
/// * Files are hard links to the artifacts; copies where there can be none. Parts of paths are made safe as in
///   [`SafePath`](atex_core::SafePath). Links and special files among the artifacts are left out, never followed.
/// * Files of different tests never replace each other. Where two want the same place (`/a` with the file `b/x`, `/a/b` with
///   the file `x`), the second is called `x (1)`, and so its result lists it. Where a file is in the way of a test's folder, the
///   test goes in as `NAME (1)`.
/// * The same test of the same platform a second time is an error, unless [`allow_duplicates`](Self::allow_duplicates).
///
/// # Durability
/// When `ingest` returns, all lines and files of the test have been handed to the system: they survive the end of this
/// process, however it dies. They are forced to the disk at most once a second, and by `finish`: a crash of the *machine* may
/// lose the last second, which can be made again from the artifacts. A crash of either in the middle of an `ingest` may leave
/// files without their lines and, of a test with very many results, a part of its lines.
///
/// Memory is bounded, however many results a test has: each is held on its own, and 1 MiB of lines at most.
#[derive(Debug)]
pub struct JsonLines {
    shared: Arc<Shared>,
    allow_duplicates: bool,
}

/// Lines of a test that are kept in memory; with more, the results are read twice.
const BUFFER_MAX: usize = 1 << 20;
/// How often the file is forced to the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Shared {
    results: PathBuf,
    files: PathBuf,
    state: Mutex<State>,
    /// Held by all that are at work; the end waits for them.
    at_work: RwLock<()>,
}

#[derive(Debug)]
struct State {
    out: File,
    /// Where the last whole test ends.
    end: u64,
    /// Platforms and tests that are in the file, or about to be.
    taken: HashSet<(String, String)>,
    /// Why nothing more can go in.
    closed: Option<&'static str>,
    synced: Instant,
}

impl JsonLines {
    /// Begins the file `results` and the folder `files`. Neither may exist; the folders that hold them must.
    ///
    /// # Errors
    /// [`Error::Io`] when one exists or cannot be made; then none is left.
    pub fn create(results: impl Into<PathBuf>, files: impl Into<PathBuf>) -> Result<Self> {
        let (results, files) = (results.into(), files.into());
        let out = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&results)
            .map_err(Error::io("cannot create", &results))?;
        if let Err(error) = fs::create_dir(&files) {
            fs::remove_file(&results).map_err(Error::io("cannot remove", &results))?;
            return Err(Error::io("cannot create", &files)(error));
        }
        for path in [&results, &files] {
            path.parent().map(sync_dir);
        }
        let state =
            State { out, end: 0, taken: HashSet::new(), closed: None, synced: Instant::now() };
        let (state, at_work) = (Mutex::new(state), RwLock::default());
        let shared = Shared { results, files, state, at_work };
        Ok(Self { shared: Arc::new(shared), allow_duplicates: false })
    }

    /// Takes in the same test of the same platform more than once: as `NAME`, `NAME (1)`, `NAME (2)`, …
    #[must_use]
    pub fn allow_duplicates(mut self) -> Self {
        self.allow_duplicates = true;
        self
    }
}

#[async_trait]
impl Aggregator for JsonLines {
    fn name(&self) -> String {
        format!("JSON lines into {}", self.shared.results.display())
    }

    async fn ingest(&self, record: Record) -> Result<()> {
        let (shared, again) = (self.shared.clone(), self.allow_duplicates);
        // Goes on to its end when this future is dropped: all of the test is in then, or nothing.
        blocking(move || shared.ingest(&record, again)).await
    }

    async fn finish(&self) -> Result<()> {
        let shared = self.shared.clone();
        blocking(move || shared.finish()).await
    }
}

async fn blocking(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::infra("JSON lines", error)),
    }
}

impl Shared {
    fn ingest(&self, record: &Record, again: bool) -> Result<()> {
        let _at_work = self.at_work.read().unwrap_or_else(PoisonError::into_inner);
        let name = self.claim(&record.platform, record.test.as_str(), again)?;
        let done = self.take_in(record, &name);
        if done.is_err() {
            self.state().taken.remove(&(record.platform.clone(), name));
        }
        done
    }

    /// Reserves the name that the test gets in the file.
    fn claim(&self, platform: &str, test: &str, again: bool) -> Result<String> {
        let mut state = self.state();
        state.check(&self.results)?;
        let mut key = (platform.to_owned(), test.to_owned());
        let mut number = 0;
        while state.taken.contains(&key) {
            if !again {
                return Err(Error::Usage(format!(
                    "{test} of {platform} is in {} already",
                    self.results.display()
                )));
            }
            number += 1;
            key.1 = format!("{test} ({number})");
        }
        state.taken.insert(key.clone());
        Ok(key.1)
    }

    fn take_in(&self, record: &Record, name: &str) -> Result<()> {
        let source = Source::open(&record.artifacts.results_file())?;
        let layout =
            Layout::make(&record.artifacts.files_dir(), &self.files, &record.platform, name)?;
        let done = self.append(record, name, source, &layout);
        if done.is_err() {
            layout.undo();
        }
        done
    }

    fn append(&self, record: &Record, name: &str, source: Source, layout: &Layout) -> Result<()> {
        let name = layout.test.as_deref().unwrap_or(name);
        let lines = |source: Source, out: &mut dyn Write| {
            source.write_lines(&record.platform, name, layout, out).map_err(|stop| match stop {
                Stop::Read(error) => error,
                Stop::Write(error) => Error::io("cannot write", &self.results)(error),
            })
        };
        // Outside of the lock: most of the work, and everything that can be wrong with what the test reported.
        let mut buffer = Buffer::default();
        lines(source, &mut buffer)?;
        let mut state = self.state();
        state.check(&self.results)?;
        let written = if buffer.overflown {
            let mut out = Counted { out: BufWriter::with_capacity(1 << 16, &state.out), count: 0 };
            Source::open(&record.artifacts.results_file()).and_then(|source| {
                lines(source, &mut out)?;
                out.flush().map_err(Error::io("cannot write", &self.results))?;
                Ok(out.count)
            })
        } else {
            let length = buffer.bytes.len() as u64;
            (&state.out)
                .write_all(&buffer.bytes)
                .map(|()| length)
                .map_err(Error::io("cannot write", &self.results))
        };
        state.settle(written, &self.results)
    }

    fn finish(&self) -> Result<()> {
        let _all = self.at_work.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.closed.get_or_insert("it was finished");
        state.out.sync_data().map_err(Error::io("cannot sync", &self.results))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn check(&self, results: &Path) -> Result<()> {
        match self.closed {
            None => Ok(()),
            Some(why) => Err(Error::Usage(format!(
                "nothing more can be added to {}: {why}",
                results.display()
            ))),
        }
    }

    /// Keeps what was written, or cuts it off again.
    fn settle(&mut self, written: Result<u64>, results: &Path) -> Result<()> {
        match written {
            Ok(length) => self.end += length,
            Err(error) => {
                if let Err(error) = self.out.set_len(self.end) {
                    tracing::error!(path = %results.display(), %error, "cannot cut off half a test");
                    self.closed = Some("a part of a test could not be removed from it");
                }
                return Err(error);
            }
        }
        if self.synced.elapsed() >= SYNC_EVERY {
            // A failure says nothing about this test alone; `finish` tries again, and tells.
            if let Err(error) = self.out.sync_data() {
                tracing::warn!(path = %results.display(), %error, "cannot sync");
            }
            self.synced = Instant::now();
        }
        Ok(())
    }
}

/// The results of a test, as they are read.
struct Source {
    path: PathBuf,
    lines: BoundedLines<BufReader<File>>,
}

/// Whether a result could not be read or a line not be written.
enum Stop {
    Read(Error),
    Write(io::Error),
}

impl Source {
    fn open(path: &Path) -> Result<Self> {
        let file = open_regular(path).map_err(Error::io("cannot read", path))?;
        let lines =
            BoundedLines::new(BufReader::with_capacity(1 << 16, file), Artifacts::RESULT_MAX);
        Ok(Self { path: path.to_owned(), lines })
    }

    fn write_lines(
        mut self,
        platform: &str,
        test: &str,
        layout: &Layout,
        out: &mut dyn Write,
    ) -> Result<(), Stop> {
        let mut text = Vec::new();
        while let Some(result) = self.next().map_err(Stop::Read)? {
            let files = files_of(&result, layout);
            let part = |key| result.0.get(key);
            text.clear();
            Line(platform, part("status"), test, part("name"), files, part("note"))
                .append_to(&mut text)
                .map_err(Stop::Write)?;
            out.write_all(&text).map_err(Stop::Write)?;
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<ResultLine>> {
        let next = self.lines.next_line().map_err(Error::io("cannot read", &self.path))?;
        let parsed = match next {
            Next::End => return Ok(None),
            Next::Whole(text) | Next::Torn(text) => {
                serde_json::from_slice(text).map_err(|error| format!("not a result: {error}"))
            }
            Next::TooLong => {
                Err(format!("the result is longer than {} bytes", Artifacts::RESULT_MAX))
            }
        };
        let line = self.lines.number();
        parsed
            .map(Some)
            .map_err(|what| Error::infra(format!("{}:{line}", self.path.display()), what))
    }
}

/// The files of a result, under the names that they were given.
fn files_of(result: &ResultLine, layout: &Layout) -> Vec<Value> {
    let files = result.0.get("files").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let place = |file: &Value| {
        file.as_str()
            .and_then(|file| layout.name_of(result.name(), file))
            .map_or_else(|| file.clone(), Value::String)
    };
    files.iter().map(place).collect()
}

/// Keeps what is written until it is too much.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    overflown: bool,
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.overflown && self.bytes.len() + bytes.len() > BUFFER_MAX {
            self.overflown = true;
            self.bytes = Vec::new();
        }
        if !self.overflown {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts what is written.
struct Counted<W> {
    out: W,
    count: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.count += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_test_is_cut_off_when_the_disk_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let lines = JsonLines::create(&path, dir.path().join("f")).unwrap();
        let mut state = lines.shared.state();
        state.out.write_all(b"whole\n").unwrap();
        state.settle(Ok(6), &path).unwrap();
        state.out.write_all(b"hal").unwrap();
        let full = Error::io("cannot write", &path)(io::ErrorKind::StorageFull.into());
        state.settle(Err(full), &path).unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\n");
        // What comes next does not glue to it.
        state.out.write_all(b"next\n").unwrap();
        state.settle(Ok(5), &path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nnext\n");
    }
}
