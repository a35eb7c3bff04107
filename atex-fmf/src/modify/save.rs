//! Replacing the content of a file, all or nothing.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// How many names for the temporary file are tried.
const ATTEMPTS: u32 = 100;

/// The text of a file, with its own line breaks.
pub(super) fn read(path: &Path) -> Result<String> {
    // Checks of size, type and encoding are those of reading a tree.
    super::scan::read_text(path)?;
    std::fs::read_to_string(path).map_err(|error| failed("read", path, error))
}

fn failed(what: &str, path: &Path, error: std::io::Error) -> Error {
    Error::io(format!("failed to {what} '{}'", path.display()), error)
}

/// Writes a temporary file beside the real one, and renames it.
pub(super) fn replace(path: &Path, text: &str) -> Result<()> {
    let target = path.canonicalize().map_err(|error| failed("write", path, error))?;
    // Renaming would get around a file that must not be written.
    let old = OpenOptions::new().write(true).open(&target);
    let old = old.map_err(|error| failed("write", path, error))?;
    let (temporary, mut file) =
        create_beside(&target).map_err(|error| failed("write beside", path, error))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| like(&file, &old))
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&temporary, &target));
    written.map_err(|error| {
        drop(std::fs::remove_file(&temporary));
        failed("write", path, error)
    })
}

/// A new file in the same directory. Its name is hidden, so that no tree ever reads it.
fn create_beside(target: &Path) -> std::io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        let temporary =
            target.with_file_name(format!(".{name}.{}-{attempt}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::ErrorKind::AlreadyExists.into()))
}

/// Gives a file the permissions of another, and its owner where that is allowed.
fn like(file: &File, model: &File) -> std::io::Result<()> {
    let metadata = model.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only the administrator may give files away; everybody else's new files are their own, as they should be.
        drop(fchown(file, Some(metadata.uid()), Some(metadata.gid())));
    }
    file.set_permissions(metadata.permissions())
}
