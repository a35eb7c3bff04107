//! [`Import`]: results that somebody else wrote become the folder of a run.

mod csv_table;
mod format;
mod json_lines;
mod junit;
mod name;
mod pieces;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store_writer;
mod tmt;
mod yaml;
mod yaml_documents;

use std::path::{Path, PathBuf};

pub use self::format::ImportFormat;
use self::store_writer::StoreWriter;
use crate::packing::unpack;
use crate::{RunInfo, RunStore, StoreError};

/// What is wrong with a file: the line, and what.
pub(crate) type Mistake = (usize, String);

/// Reads results that somebody else wrote into the folder of a run, which everything else here reads then.
///
/// What it reads, compressed by gzip, xz or zstd or not, is in [`ImportFormat`]. Results come one after the other, so memory does not
/// depend on how many there are, only on the number of tests.
///
/// The run that is made has the results as the artifacts of one attempt of each test, with their files (linked, if they can be found), a
/// journal as if the tests had been run one after the other on one remote for each platform, and all results in `results.jsonl`. The verdict on a
/// test is that of its own results, the worst of several; of a test without any, the worst of its subtests.
#[derive(Debug)]
pub struct Import {
    writer: StoreWriter,
    platform: Option<String>,
    format: Option<ImportFormat>,
    files: Option<PathBuf>,
    notes: Vec<String>,
}

/// What came of an import.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The run.
    pub store: RunStore,
    /// How many tests there are, each on each platform counted.
    pub tests: usize,
    /// How many results.
    pub results: u64,
    /// What was not as it should be: a file that ends in the middle of a result, uploaded files that are not there.
    pub notes: Vec<String>,
}

impl Import {
    /// Begins a run in this folder, new or empty.
    ///
    /// # Errors
    /// Those of [`RunStore::create`].
    pub fn into_folder(dir: impl Into<PathBuf>, info: &RunInfo) -> Result<Self, StoreError> {
        let writer = StoreWriter::create(dir.into(), info)?;
        Ok(Self { writer, platform: None, format: None, files: None, notes: Vec::new() })
    }

    /// The platform of results that do not say theirs. Without it, `imported`.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// The format of all files. Without it, each file shows by itself what it is.
    #[must_use]
    pub fn format(mut self, format: ImportFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The folder where the files of all tests lie. Without it, `files` beside the results, or for tmt the folder of the results.
    #[must_use]
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Some(folder.into());
        self
    }

    /// Reads a file. Several may have results of the same test.
    ///
    /// # Errors
    /// What is wrong with it, with its name and the line. What came before is in the run, which is best removed then.
    pub fn read(&mut self, path: &Path) -> Result<(), StoreError> {
        let format = match self.format {
            Some(format) => format,
            None => ImportFormat::of(path)?,
        };
        let beside = path.parent().unwrap_or(Path::new("."));
        self.writer.default_platform(self.platform.as_deref().unwrap_or("imported"));
        self.writer.files_below(match (&self.files, format) {
            (Some(folder), _) => Some(folder.clone()),
            (None, ImportFormat::Tmt) => Some(beside.to_owned()),
            (None, ImportFormat::Junit) => None,
            (None, _) => Some(beside.join("files")),
        });
        let writer = &mut self.writer;
        let torn = match format {
            ImportFormat::JsonLines => json_lines::read(unpack::open(path)?, writer),
            ImportFormat::Yaml => yaml_documents::read(unpack::open(path)?, writer),
            ImportFormat::Tmt => tmt::read(unpack::open(path)?, writer),
            ImportFormat::Junit => junit::read(unpack::open(path)?, writer),
            ImportFormat::Csv => csv_table::read(unpack::open(path)?, writer),
            #[cfg(feature = "sqlite")]
            ImportFormat::Sqlite => sqlite::read(path, writer),
        };
        match torn {
            Ok(()) => Ok(()),
            Err(Stop::Torn(line)) => {
                self.notes.push(format!(
                    "{}:{line}: the file ends in the middle of a result; what came before it is there",
                    path.display()
                ));
                Ok(())
            }
            Err(Stop::Mistake((line, what))) => {
                Err(StoreError::Mistake { path: path.to_owned(), line, what })
            }
            Err(Stop::Store(error)) => Err(error),
        }
    }

    /// Writes the journal and the results of all tests.
    ///
    /// # Errors
    /// What cannot be written.
    pub async fn finish(self) -> Result<Imported, StoreError> {
        let mut notes = self.notes;
        let (store, tests, results, missing) = self.writer.finish().await?;
        if missing > 0 {
            notes.push(format!("{missing} files that results name are not there"));
        }
        Ok(Imported { store, tests, results, notes })
    }
}

/// Why reading a file ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The rest of it is missing: it was cut off in this line.
    Torn(usize),
    /// Something in it is wrong.
    Mistake(Mistake),
    /// The run could not be written.
    Store(StoreError),
}

impl Stop {
    pub(crate) fn mistake(line: usize, what: impl std::fmt::Display) -> Self {
        Self::Mistake((line, what.to_string()))
    }

    /// What an error of the reader means: compressed data without their end are torn.
    pub(crate) fn io(line: usize, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => Self::Torn(line),
            _ => Self::mistake(line, format!("cannot be read: {error}")),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
