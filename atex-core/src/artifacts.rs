//! [`Artifacts`]: the folder with what one run of a test left.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use crate::bounded_lines::{BoundedLines, Next};
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
    /// The longest result that is read, in bytes: 64 MiB. A longer one is an error, so that no test can fill the memory.
    pub const RESULT_MAX: usize = 64 << 20;

    /// Makes the folder for an attempt of a test below `root`: `root/PLATFORM/TEST/attempt-N`.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be made or is not empty.
    pub fn create(root: &Path, platform: &str, test: &str, attempt: u32) -> Result<Self> {
        Self::at(Self::path_of(root, platform, test, attempt))
    }

    /// The folder that [`create`](Self::create) makes, whether it is there or not.
    pub fn path_of(root: &Path, platform: &str, test: &str, attempt: u32) -> PathBuf {
        let dir =
            [platform, test].iter().fold(root.to_owned(), |dir, name| match SafePath::new(name) {
                Some(path) => path.below(&dir),
                None => dir.join("_"),
            });
        dir.join(format!("attempt-{attempt}"))
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

    /// Reads the results, line by line, each of at most [`RESULT_MAX`](Self::RESULT_MAX) bytes.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no `results` file. Each item is an error when its line is no JSON object, not UTF-8, or too
    /// long; those after it can still be read. A file that cannot be read any further ends with the error.
    pub fn results(&self) -> Result<impl Iterator<Item = Result<ResultLine>> + use<>> {
        let path = self.results_file();
        let file = File::open(&path).map_err(Error::io("cannot read", &path))?;
        let mut lines = BoundedLines::new(BufReader::new(file), Self::RESULT_MAX);
        let mut ended = false;
        Ok(std::iter::from_fn(move || {
            if ended {
                return None;
            }
            let parsed = match lines.next_line() {
                Ok(Next::End) => return None,
                Ok(Next::Whole(text) | Next::Torn(text)) => {
                    serde_json::from_slice(text).map_err(|error| format!("not a result: {error}"))
                }
                Ok(Next::TooLong) => {
                    Err(format!("the result is longer than {} bytes", Self::RESULT_MAX))
                }
                Err(error) => {
                    ended = true;
                    return Some(Err(Error::io("cannot read", &path)(error)));
                }
            };
            let line = lines.number();
            Some(parsed.map_err(|what| Error::infra(format!("{}:{line}", path.display()), what)))
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
        let path = Artifacts::path_of(root.path(), "../x", "/../../etc/passwd", 1);
        assert_eq!(artifacts.dir(), path);
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

    #[test]
    fn a_result_that_is_too_long_or_no_text_costs_only_itself() {
        let root = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::at(root.path().join("a")).unwrap();
        let mut text = b"{\"note\": \"\xff\"}\n".to_vec();
        text.resize(text.len() + Artifacts::RESULT_MAX + 1, b' ');
        text.extend_from_slice(b"\n{\"status\": \"pass\"}\n");
        fs::write(artifacts.results_file(), text).unwrap();
        let results: Vec<_> = artifacts.results().unwrap().collect();
        let wrong = results[0].as_ref().unwrap_err().to_string();
        assert!(wrong.contains("results:1: not a result"), "{wrong}");
        let long = results[1].as_ref().unwrap_err().to_string();
        assert!(long.ends_with("results:2: the result is longer than 67108864 bytes"), "{long}");
        assert_eq!(results[2].as_ref().unwrap().status(), Some("pass"));
        assert_eq!(results.len(), 3);
    }
}
