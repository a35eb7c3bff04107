//! [`Artifacts`]: the folder with what one run of a test left.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::{Error, Result, ResultLine, SafePath};

/// The folder with what one run of a test left: `results`, one JSON object per line, and `files/`, what it uploaded.
///
/// An [`Executor`](crate::Executor) fills it, an [`Aggregator`](crate::Aggregator) reads it. A file that belongs to a result
/// with a name lies below `files/NAME/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifacts {
    dir: PathBuf,
}

impl Artifacts {
    /// Makes the folder for an attempt of a test below `root`: `root/PLATFORM/TEST/attempt-N`.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made or is not empty.
    pub fn create(root: &Path, platform: &str, test: &str, attempt: u32) -> Result<Self> {
        let dir =
            [platform, test].iter().fold(root.to_owned(), |dir, name| match SafePath::new(name) {
                Some(path) => path.below(&dir),
                None => dir.join("_"),
            });
        Self::at(dir.join(format!("attempt-{attempt}")))
    }

    /// Uses this folder, which is made if it is not there and must be empty.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made or is not empty.
    pub fn at(dir: impl Into<PathBuf>) -> Result<Self> {
        let dir = dir.into();
        fs::create_dir_all(&dir).map_err(Error::io("cannot create", &dir))?;
        let mut entries = fs::read_dir(&dir).map_err(Error::io("cannot read", &dir))?;
        if entries.next().is_some() {
            let taken = io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder for artifacts is not empty",
            );
            return Err(Error::io("cannot use", &dir)(taken));
        }
        Ok(Self { dir })
    }

    /// Opens what a run of a test left.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file with the results, one JSON object per line.
    pub fn results_file(&self) -> PathBuf {
        self.dir.join("results")
    }

    /// The folder of the files that the test left. It is not there when there are none.
    pub fn files_dir(&self) -> PathBuf {
        self.dir.join("files")
    }

    /// The folder of the files of a result with this name, or of the test itself.
    pub fn files_of(&self, name: Option<&str>) -> PathBuf {
        match name.and_then(SafePath::new) {
            Some(path) => path.below(&self.files_dir()),
            None => self.files_dir(),
        }
    }

    /// Reads the results, line by line.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no `results` file; each item is an error when its line is no JSON object.
    pub fn results(&self) -> Result<impl Iterator<Item = Result<ResultLine>> + use<>> {
        let path = self.results_file();
        let file = File::open(&path).map_err(Error::io("cannot read", &path))?;
        Ok(BufReader::new(file).lines().enumerate().map(move |(index, line)| {
            let line = line.map_err(Error::io("cannot read", &path))?;
            serde_json::from_str(&line).map_err(|error| {
                Error::infra(
                    format!("{}:{}", path.display(), index + 1),
                    format!("not a result: {error}"),
                )
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_below_the_root() {
        let root = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::create(root.path(), "../x", "/../../etc/passwd", 1).unwrap();
        assert_eq!(artifacts.dir(), root.path().join("x/etc/passwd/attempt-1"));
        assert_eq!(artifacts.files_of(Some("../../y")), artifacts.dir().join("files/y"));
        assert_eq!(artifacts.files_of(Some("..")), artifacts.dir().join("files"));
    }

    #[test]
    fn a_folder_is_used_once() {
        let root = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::create(root.path(), "p", "/t", 1).unwrap();
        fs::write(artifacts.results_file(), "{\"status\": \"pass\"}\n[]\n").unwrap();
        let error = Artifacts::create(root.path(), "p", "/t", 1).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        let results: Vec<_> = artifacts.results().unwrap().collect();
        assert_eq!(results[0].as_ref().unwrap().status(), Some("pass"));
        let wrong = results[1].as_ref().unwrap_err().to_string();
        assert!(wrong.contains("results:2: not a result"), "{wrong}");
    }
}
