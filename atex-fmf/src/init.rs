//! Making a new tree.

use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::tree::Tree;

/// The version of the format that new trees declare.
const VERSION: &str = "1\n";

impl Tree {
    /// Makes a directory the root of a new tree: creates `.fmf/version` in it, and the directory itself if necessary.
    /// Gives the path of the `.fmf` directory.
    ///
    /// # Errors
    /// There is a tree already, something else is called `.fmf`, or the file system refuses.
    pub fn init(path: impl AsRef<Path>) -> Result<PathBuf> {
        let directory = crate::root::absolute(Path::new(""), path.as_ref())?;
        let failed = |path: &Path, error: std::io::Error| {
            Error::io(format!("failed to create '{}'", path.display()), error)
        };
        std::fs::create_dir_all(&directory).map_err(|error| failed(&directory, error))?;
        let marker = directory.join(".fmf");
        std::fs::create_dir(&marker).map_err(|error| {
            let what = if marker.is_dir() { "directory" } else { "file" };
            match error.kind() {
                Io::AlreadyExists => Error::new(
                    ErrorKind::File,
                    format!("{what} '{}' already exists", marker.display()),
                ),
                _ => failed(&marker, error),
            }
        })?;
        let version = marker.join("version");
        if let Err(error) = std::fs::write(&version, VERSION) {
            // A directory without a version would be a broken tree.
            drop(std::fs::remove_file(&version));
            drop(std::fs::remove_dir(&marker));
            return Err(failed(&version, error));
        }
        Ok(marker)
    }
}
