//! [`ResultsPlan`]: what a file of results is to be, before it is begun.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, RwLock};

use atex_core::{Error, Result};

use super::layout::Keep;
use super::pack_files::{PackFiles, Slots};
use super::shape::Shape;
use super::tail::Tail;
use super::{Medium, ResultsFile, Shared, State, json_lines, yaml};
use crate::packing::Packing;
use crate::store::sync_dir;

/// What the results look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResultsFormat {
    /// `[platform, status, test, subtest, [files], note]`, one a line, as the Python ATEX writes it: pure ASCII, with a space after each
    /// comma. What a result does not say is `null`; keys other than these are left out.
    JsonLines,
    /// A YAML document a test, with the keys that the Python ATEX writes: `platform`, `name`, `status`, `files`, `note`,
    /// and `subtests`, a list with `name`, `status`, `files`, `note`. What is missing or empty is left out. Of several results of the
    /// test itself, the last status and note count.
    Yaml,
    /// JUnit XML, a `<testsuite>` a test. What XML cannot hold is replaced, and kept in a property as well.
    Junit,
    /// `platform,status,test,subtest,files,note`, with a line of names. Cells that a spreadsheet would take for a formula
    /// begin with an apostrophe.
    #[cfg(feature = "csv")]
    Csv,
    /// An SQLite database with the table `results(platform, status, test, subtest, files, note)`, files as a list in JSON. It
    /// has its own files beside it (`-wal`, `-shm`) until the end.
    #[cfg(feature = "sqlite")]
    Sqlite,
}

impl ResultsFormat {
    fn shape(self, size_limit: u64) -> Option<Box<dyn Shape>> {
        Some(match self {
            Self::JsonLines => Box::new(json_lines::JsonLines),
            Self::Yaml => Box::new(yaml::Yaml),
            Self::Junit => Box::new(super::junit::Junit::new(size_limit)),
            #[cfg(feature = "csv")]
            Self::Csv => Box::new(super::csv::Csv),
            #[cfg(feature = "sqlite")]
            Self::Sqlite => return None,
        })
    }
}

/// What a file of results is to be.
///
/// ```
/// # use atex_report::{ResultsPlan, ResultsFormat};
/// # fn main() -> atex_core::Result<()> {
/// # let dir = tempfile::tempdir().map_err(atex_core::Error::io("cannot create", "/tmp"))?;
/// # let out = dir.path();
/// let aggregator = ResultsPlan::new(ResultsFormat::JsonLines)
///     .files(out.join("files"))
///     .create(out.join("results.jsonl"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct ResultsPlan {
    format: ResultsFormat,
    packing: Option<Packing>,
    files: Option<PathBuf>,
    pack_files: Option<PackFiles>,
    allow_duplicates: bool,
    size_limit: u64,
}

/// What readers of JUnit files were seen to take.
const SIZE_LIMIT: u64 = 100 << 20;

impl ResultsPlan {
    /// Plain text, without the files of tests.
    pub fn new(format: ResultsFormat) -> Self {
        Self {
            format,
            packing: None,
            files: None,
            pack_files: None,
            allow_duplicates: false,
            size_limit: SIZE_LIMIT,
        }
    }

    /// Compresses the results.
    pub fn packed(mut self, packing: impl Into<Packing>) -> Self {
        self.packing = Some(packing.into());
        self
    }

    /// Keeps the files of tests below this folder, which is made and must not exist.
    pub fn files(mut self, folder: impl Into<PathBuf>) -> Self {
        self.files = Some(folder.into());
        self
    }

    /// Compresses the files of tests.
    pub fn pack_files(mut self, how: PackFiles) -> Self {
        self.pack_files = Some(how);
        self
    }

    /// Takes in the same test of the same platform more than once: as `NAME`, `NAME (1)`, `NAME (2)`, …
    pub fn allow_duplicates(mut self) -> Self {
        self.allow_duplicates = true;
        self
    }

    /// About how big a JUnit file may become, in bytes before it is compressed: 100 MiB, unless it is said. Once it is that big, subtests
    /// that did not fail are counted only (the property `atex.left_out` of the test) and notes are cut after 1 KiB; at twice that, only
    /// results of tests themselves go in. Other formats have no limit.
    pub fn size_limit(mut self, bytes: u64) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Begins the file and the folder of files. Neither may exist; the folders that hold them must.
    ///
    /// # Errors
    /// [`Error::Io`] when one exists or cannot be made, [`Error::Unsupported`] for a compression that this build does not have; then
    /// nothing is left.
    pub fn create(self, results: impl Into<PathBuf>) -> Result<ResultsFile> {
        let path = results.into();
        let shape = self.format.shape(self.size_limit);
        if let Some(how) = &self.pack_files {
            how.packing().packer(Some(0))?;
        }
        let (name, medium) = self.medium(shape.as_deref(), &path)?;
        if let Some(files) = &self.files {
            if let Err(error) = fs::create_dir(files) {
                fs::remove_file(&path).map_err(Error::io("cannot remove", &path))?;
                return Err(Error::io("cannot create", files)(error));
            }
            files.parent().map(sync_dir);
        }
        path.parent().map(sync_dir);
        let keep = match self.pack_files {
            Some(how) => Keep::Packed(how, Slots::new()),
            None => Keep::Linked,
        };
        let shared = Shared {
            name: format!("{name} into {}", path.display()),
            path,
            shape,
            files: self.files.map(|files| (files, keep)),
            allow_duplicates: self.allow_duplicates,
            state: Mutex::new(State { medium, taken: HashSet::new() }),
            at_work: RwLock::default(),
        };
        Ok(ResultsFile { shared: shared.into() })
    }

    /// Begins the file itself.
    fn medium(&self, shape: Option<&dyn Shape>, path: &Path) -> Result<(&'static str, Medium)> {
        match shape {
            Some(shape) => {
                let tail = Tail::create(path, self.packing, (shape.head(), shape.foot()))?;
                Ok((shape.name(), Medium::Text(tail)))
            }
            #[cfg(feature = "sqlite")]
            None if self.packing.is_none() => {
                Ok(("SQLite", Medium::Database(super::database::Database::create(path)?)))
            }
            None => Err(Error::Usage("a database cannot be compressed while it is written".into())),
        }
    }
}
