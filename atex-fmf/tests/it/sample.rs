//! Small trees on disk, for tests.

use std::path::Path;

use atex_fmf::{Error, Result, Tree};

/// A tree of the given files, in a directory that goes away with it.
pub(crate) struct Sample(tempfile::TempDir);

impl Sample {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let sample = Self(tempfile::tempdir().unwrap());
        sample.write(".fmf/version", "1\n");
        for (path, text) in files {
            sample.write(path, text);
        }
        sample
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn open(&self) -> Result<Tree> {
        Tree::open(self.path())
    }

    /// What a user gets to see of an error, with the directory replaced.
    pub(crate) fn show(&self, error: &Error) -> String {
        let mut text = format!("{:?}: {error}\n", error.kind());
        text.extend(error.snippet().map(|snippet| snippet + "\n"));
        text.extend(error.history().iter().map(|written| format!("after {written}\n")));
        text.extend(error.hint().map(|hint| format!("hint: {hint}\n")));
        self.relative(&text)
    }

    /// A text with the directory replaced.
    pub(crate) fn relative(&self, text: &str) -> String {
        text.replace(&*self.path().to_string_lossy(), "ROOT")
    }
}
