//! [`RunStore`]: the folder of a run.

use std::borrow::Cow;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use atex_core::{Artifacts, CancellationToken, TestName, TestSuite};
use serde::de::DeserializeOwned;

use crate::wire::{RUN_FORMAT, RunFile, RunFormat, SuiteFile};
use crate::{
    Entry, Journal, JournalReader, ResultsFile, ResultsFormat, ResultsPlan, RunInfo, RunReport,
    StoreError, Torn,
};

/// The folder of a run: everything that is left of it, and all that reports are made of.
///
/// | path | what | written by |
/// |---|---|---|
/// | `run.json` | what was asked, when, of which version | [`RunStore::create`] |
/// | `waivers.yaml` | the waivers that it was started with, if any | [`RunStore::keep_waivers`] |
/// | `suite.json` | the tests, as they were when the run began | [`RunStore::keep_suites`] |
/// | `journal.jsonl` | every event of the run | [`Journal`] |
/// | `artifacts/PLATFORM/TEST/attempt-N/` | what each attempt of a test left | [`Artifacts`] |
/// | `results.jsonl`, `files/` | the results and files of all tests | [`ResultsFile`] |
#[derive(Debug, Clone)]
pub struct RunStore {
    dir: PathBuf,
    info: RunInfo,
}

impl RunStore {
    /// Makes the folder of a new run, with its `run.json`, which is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when the folder holds anything; [`StoreError::Io`] when it cannot be made or written.
    pub fn create(dir: impl Into<PathBuf>, info: &RunInfo) -> Result<Self, StoreError> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(StoreError::io("cannot create", &dir))?;
        let mut entries = fs::read_dir(&dir).map_err(StoreError::io("cannot read", &dir))?;
        if entries.next().is_some() {
            return Err(StoreError::NotEmpty { path: dir });
        }
        let store = Self { dir, info: info.clone() };
        store.write_info()?;
        let artifacts = store.artifacts_dir();
        fs::create_dir(&artifacts).map_err(StoreError::io("cannot create", &artifacts))?;
        sync_dir(&store.dir);
        if let Some(parent) = store.dir.parent() {
            sync_dir(parent);
        }
        Ok(store)
    }

    fn write_info(&self) -> Result<(), StoreError> {
        let path = self.dir.join("run.json");
        // Only one of two runs that were started into the same folder at once gets past this.
        let mut file = match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::NotEmpty { path: self.dir.clone() });
            }
            file => file.map_err(StoreError::io("cannot create", &path))?,
        };
        let run = RunFile { format: RUN_FORMAT, info: Cow::Borrowed(&self.info) };
        serde_json::to_vec_pretty(&run)
            .map_err(io::Error::from)
            .and_then(|mut text| {
                text.push(b'\n');
                file.write_all(&text)?;
                file.sync_all()
            })
            .map_err(StoreError::io("cannot write", &path))
    }

    /// Opens the folder of a run that was started before. It is only read.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] when it has no `run.json`; [`StoreError::Foreign`] and [`StoreError::Newer`] when that is not
    /// one of ours, or of a later format.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let dir = dir.into();
        let path = dir.join("run.json");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NotARun { path: dir });
            }
            text => text.map_err(StoreError::io("cannot read", &path))?,
        };
        let run: RunFile<'_> = versioned(&path, &text)?;
        Ok(Self { dir, info: run.info.into_owned() })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What was asked.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The file with the events.
    pub fn journal_path(&self) -> PathBuf {
        self.dir.join("journal.jsonl")
    }

    /// The folder of what the attempts left; the root for [`Artifacts::create`].
    pub fn artifacts_dir(&self) -> PathBuf {
        self.dir.join("artifacts")
    }

    /// Where the artifacts of one attempt lie, whether they are there or not.
    pub fn attempt_dir(&self, platform: &str, test: &TestName, number: u32) -> PathBuf {
        Artifacts::path_of(&self.artifacts_dir(), platform, test.as_str(), number)
    }

    /// Where the results of all tests go.
    pub fn results_path(&self) -> PathBuf {
        self.dir.join("results.jsonl")
    }

    /// Where the files of all tests go.
    pub fn files_dir(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// Where the waivers are that the run was started with, if there are any.
    pub fn waivers_path(&self) -> PathBuf {
        self.dir.join("waivers.yaml")
    }

    /// Keeps the text of the waivers that the run is started with, so that what is reported of it stays the same.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be written.
    pub fn keep_waivers(&self, text: &str) -> Result<(), StoreError> {
        let path = self.waivers_path();
        fs::write(&path, text).map_err(StoreError::io("cannot write", &path))
    }

    /// Begins the journal of this run. See [`Journal::create`].
    ///
    /// # Errors
    /// [`StoreError::Io`] when it exists already or cannot be made.
    pub fn journal(&self, stop: CancellationToken) -> Result<Journal, StoreError> {
        Journal::create(self.journal_path(), stop)
    }

    /// Begins the results of all tests, JSON lines with the files beside them.
    ///
    /// # Errors
    /// As [`ResultsPlan::create`]: the file or the folder of files exists already.
    pub fn results(&self) -> atex_core::Result<ResultsFile> {
        ResultsPlan::new(ResultsFormat::JsonLines)
            .files(self.files_dir())
            .create(self.results_path())
    }

    /// Goes on with the journal of this run, whose controller died. See [`Journal::resume`]. A run that died before it had a journal begins
    /// one.
    ///
    /// # Errors
    /// As [`Journal::resume`].
    pub fn resume_journal(
        &self,
        stop: CancellationToken,
    ) -> Result<(Journal, Vec<Entry>), StoreError> {
        if self.journal_path().exists() {
            return Journal::resume(self.journal_path(), stop);
        }
        self.journal(stop).map(|journal| (journal, Vec::new()))
    }

    /// Keeps the tests of the run, as they are on each of its platforms: in `suite.json`, which is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it exists already or cannot be written.
    pub fn keep_suites<'a>(
        &self,
        suites: impl Iterator<Item = &'a TestSuite>,
    ) -> Result<(), StoreError> {
        let path = self.suite_path();
        let kept = SuiteFile { format: RUN_FORMAT, suites: suites.map(Cow::Borrowed).collect() };
        File::create_new(&path)
            .and_then(|mut file| {
                serde_json::to_writer(BufWriter::new(&file), &kept)?;
                file.write_all(b"\n")?;
                file.sync_all()
            })
            .map_err(StoreError::io("cannot write", &path))
    }

    /// The tests of the run, as they were when it began.
    ///
    /// # Errors
    /// [`StoreError::Io`] when they were not kept; [`StoreError::Foreign`] and [`StoreError::Newer`] as in [`open`](Self::open).
    pub fn suites(&self) -> Result<Vec<TestSuite>, StoreError> {
        let path = self.suite_path();
        let text = fs::read(&path).map_err(StoreError::io("cannot read", &path))?;
        let kept: SuiteFile<'_> = versioned(&path, &text)?;
        Ok(kept.suites.into_iter().map(Cow::into_owned).collect())
    }

    fn suite_path(&self) -> PathBuf {
        self.dir.join("suite.json")
    }

    /// Whether the run goes on, as far as that can be known: on some file systems of other machines it is never known.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the journal cannot be opened.
    pub fn goes_on(&self) -> Result<bool, StoreError> {
        let path = self.journal_path();
        match File::open(&path) {
            Ok(file) => Ok(matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io("cannot read", &path)(error)),
        }
    }

    /// Reads the journal of this run, event by event.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be opened.
    pub fn read_journal(&self) -> Result<JournalReader, StoreError> {
        JournalReader::open(self.journal_path())
    }

    /// Reads the whole journal into a report, and tells of the piece that was cut off at its end, if there is one.
    ///
    /// # Errors
    /// What is wrong with the journal.
    pub fn report(&self) -> Result<(RunReport, Option<Torn>), StoreError> {
        let (mut report, mut journal) = (RunReport::new(), self.read_journal()?);
        for entry in &mut journal {
            let entry = entry?;
            report.apply(entry.at, &entry.event);
        }
        Ok((report, journal.torn()))
    }
}

/// What a file of a run holds, if it is of a format that is known here.
fn versioned<T: DeserializeOwned>(path: &Path, text: &[u8]) -> Result<T, StoreError> {
    let foreign = |source: serde_json::Error| StoreError::Foreign {
        path: path.to_owned(),
        line: source.line().max(1),
        source,
    };
    // The version first: nobody knows what else there is in a newer one.
    let RunFormat { format } = serde_json::from_slice(text).map_err(foreign)?;
    if format > RUN_FORMAT {
        let (path, known) = (path.to_owned(), RUN_FORMAT);
        return Err(StoreError::Newer { path, line: 1, found: format, known });
    }
    serde_json::from_slice(text).map_err(foreign)
}

/// Puts the names in a folder on the disk. Some file systems cannot do that for folders; they are no worse off than before.
pub(crate) fn sync_dir(dir: &Path) {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    if let Err(error) = File::open(dir).and_then(|dir| dir.sync_all()) {
        tracing::debug!(dir = %dir.display(), %error, "cannot sync the folder");
    }
}
