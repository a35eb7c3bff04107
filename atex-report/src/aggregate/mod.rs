//! [`ResultsFile`]: the results of all tests in one file, and all files that they left beside it.

#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "sqlite")]
mod database;
mod json_lines;
mod junit;
mod layout;
mod pack_files;
mod plan;
mod several;
mod shape;
mod source;
mod tail;
mod yaml;

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use atex_core::{Aggregator, Error, Outcome, Record, Result, async_trait};

#[cfg(feature = "import")]
pub(crate) use self::layout::link_or_copy;
#[cfg(feature = "reportportal")]
pub(crate) use self::layout::open_regular;
use self::layout::{Keep, Layout};
pub use self::pack_files::PackFiles;
pub use self::plan::{ResultsFormat, ResultsPlan};
pub use self::several::Several;
use self::shape::{Buffer, Shape, Told};
#[cfg(not(feature = "reportportal"))]
use self::source::Source;
#[cfg(feature = "reportportal")]
pub(crate) use self::source::Source;
use self::source::Stop;
pub(crate) use self::source::{FiledLine, Reported, Said, said};
use self::tail::Tail;

/// The results of all tests in one file, plain or compressed, and all files that tests left beside it, as
/// `FILES/PLATFORM/TEST/SUBTEST/FILE`. [`ResultsPlan`] makes it.
///
/// * Files are hard links to the artifacts; copies where there can be none. Parts of paths are made safe as in
///   [`SafePath`](atex_core::SafePath). Links and special files among the artifacts are left out, never followed.
/// * Files of different tests never replace each other. Where two want the same place (`/a` with the file `b/x`, `/a/b` with
///   the file `x`), the second is called `x (1)`, and so its result lists it. Where a file is in the way of a test's folder, the
///   test goes in as `NAME (1)`.
/// * The same test of the same platform a second time is an error, unless
///   [`allow_duplicates`](ResultsPlan::allow_duplicates).
///
/// # Durability
/// When `ingest` returns, all results and files of the test have been handed to the system: they survive the end of this
/// process, however it dies. The file is whole then, as it is after the end: a compressed one can be unpacked by any program. It is
/// forced to the disk at most once a second, and by `finish`: a crash of the *machine* may
/// lose the last second, which can be made again from the artifacts. A crash of either in the middle of an `ingest` may leave
/// files without their results and, of a test with very many results, a part of them.
///
/// Memory is bounded, however many results a test has: each is held on its own, and 1 MiB of text at most. Compressing takes a
/// quarter of a megabyte with gzip, a few with zstd and up to 50 with xz, once for the results and for at most as many
/// files at a time as there are processors.
#[derive(Debug)]
pub struct ResultsFile {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: String,
    path: PathBuf,
    /// What text looks like; a database needs none.
    shape: Option<Box<dyn Shape>>,
    files: Option<(PathBuf, Keep)>,
    allow_duplicates: bool,
    state: Mutex<State>,
    /// Held by all that are at work; the end waits for them.
    at_work: RwLock<()>,
}

#[derive(Debug)]
struct State {
    medium: Medium,
    /// Platforms and tests that are in the file, or about to be.
    taken: HashSet<(String, String)>,
}

/// What results go into.
#[derive(Debug)]
enum Medium {
    Text(Tail),
    #[cfg(feature = "sqlite")]
    Database(database::Database),
}

impl Medium {
    fn check(&self) -> Result<()> {
        match self {
            Self::Text(tail) => tail.check(),
            #[cfg(feature = "sqlite")]
            Self::Database(database) => database.check(),
        }
    }

    fn finish(&mut self) -> Result<()> {
        match self {
            Self::Text(tail) => tail.finish(),
            #[cfg(feature = "sqlite")]
            Self::Database(database) => database.finish(),
        }
    }
}

#[async_trait]
impl Aggregator for ResultsFile {
    fn name(&self) -> String {
        self.shared.name.clone()
    }

    async fn ingest(&self, record: Record) -> Result<()> {
        self.ingest_with(record, Vec::new()).await
    }

    async fn finish(&self) -> Result<()> {
        let shared = self.shared.clone();
        blocking(&self.shared.name, move || shared.finish()).await
    }
}

impl ResultsFile {
    /// Takes in a finished test, and tells of its earlier attempts where the format has a place for them: JUnit has.
    ///
    /// # Errors
    /// As [`ingest`](Aggregator::ingest).
    pub async fn ingest_with(&self, record: Record, earlier: Vec<Earlier>) -> Result<()> {
        let shared = self.shared.clone();
        // Goes on to its end when this future is dropped: all of the test is in then, or nothing.
        blocking(&self.shared.name, move || shared.ingest(&record, &earlier)).await
    }
}

/// An attempt of a test that did not count in the end.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Which attempt.
    pub number: u32,
    /// How it went.
    pub outcome: Outcome,
}

/// Does what waits for disks, on a thread for that.
pub(crate) async fn blocking(
    name: &str,
    work: impl FnOnce() -> Result<()> + Send + 'static,
) -> Result<()> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::infra(name, error)),
    }
}

impl Shared {
    fn ingest(&self, record: &Record, earlier: &[Earlier]) -> Result<()> {
        let _at_work = self.at_work.read().unwrap_or_else(PoisonError::into_inner);
        let name = self.claim(&record.platform, record.test.as_str())?;
        let done = self.take_in(record, &name, earlier);
        if done.is_err() {
            self.state().taken.remove(&(record.platform.clone(), name));
        }
        done
    }

    /// Reserves the name that the test gets in the file.
    fn claim(&self, platform: &str, test: &str) -> Result<String> {
        let mut state = self.state();
        state.medium.check()?;
        let mut key = (platform.to_owned(), test.to_owned());
        let mut number = 0;
        while state.taken.contains(&key) {
            if !self.allow_duplicates {
                return Err(Error::Usage(format!(
                    "{test} of {platform} is in {} already",
                    self.path.display()
                )));
            }
            number += 1;
            key.1 = format!("{test} ({number})");
        }
        state.taken.insert(key.clone());
        Ok(key.1)
    }

    fn take_in(&self, record: &Record, name: &str, earlier: &[Earlier]) -> Result<()> {
        let results = record.artifacts.results_file();
        layout::open_regular(&results).map_err(Error::io("cannot read", &results))?;
        let layout = match &self.files {
            Some((root, keep)) => {
                let from = record.artifacts.files_dir();
                Layout::make(&from, (root, keep), &record.platform, name)?
            }
            None => Layout::default(),
        };
        let name = layout.test.as_deref().unwrap_or(name);
        let source = Source::of(&record.artifacts);
        let done = self.append(&Told { record, name, source, layout: &layout, earlier });
        if done.is_err() {
            layout.undo();
        }
        done
    }

    fn append(&self, told: &Told<'_>) -> Result<()> {
        // Outside of the lock: most of the work, and everything that can be wrong with what the test reported.
        let mut buffer = Buffer::default();
        let error = |stop: Stop| stop.into_error(&self.path);
        let write = |out: &mut dyn Write| match &self.shape {
            Some(shape) => shape.write(told, out).map_err(error),
            None => Ok(()),
        };
        write(&mut buffer)?;
        match &mut self.state().medium {
            Medium::Text(tail) => tail.add(|out| match buffer.bytes() {
                Some(bytes) => out.write_all(bytes).map_err(Error::io("cannot write", &self.path)),
                None => write(out),
            }),
            #[cfg(feature = "sqlite")]
            Medium::Database(database) => database.add(told),
        }?;
        self.shape.iter().for_each(|shape| shape.written(buffer.total()));
        Ok(())
    }

    fn finish(&self) -> Result<()> {
        let _all = self.at_work.write().unwrap_or_else(PoisonError::into_inner);
        self.state().medium.finish()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
