//! Lays the files of a test below the folder of all files: `FILES/PLATFORM/TEST/SUBTEST/FILE`.
//!
//! Tests share folders: `/a` with the file `b/x` and `/a/b` with the file `x` both want `a/b/x`. Whoever comes second gives way,
//! and its results say where its file lies:
//! * a file whose place is taken is called `x (1)`, or `x (1).log`, and so it is listed in its result;
//! * where a file of one test lies in the way of a *folder* of another, the folder of the second test is called `b (1)`, and the
//!   test goes in under that name, because the name is what its files are found by.
//!
//! Only regular files are taken. A link is never followed, neither to a file nor to a folder: it is left out, as are pipes,
//! devices and sockets.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use atex_core::{Error, Result, SafePath};
use rustix::fs::OFlags;
use walkdir::WalkDir;

use super::pack_files::{PackFiles, Slots};

/// What was laid out for one test.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The name that the test had to take, if its own was in the way of somebody's file.
    pub(super) test: Option<String>,
    /// Files that had to take another name: their path below the folder of files, and the new last part of it.
    renamed: HashMap<PathBuf, OsString>,
    /// All that was made, for the way back.
    made: Vec<PathBuf>,
}

/// How files come to lie below the folder of all files.
#[derive(Debug)]
pub(super) enum Keep {
    /// As another name for the file that is there.
    Linked,
    /// Compressed.
    Packed(PackFiles, Slots),
}

/// Why a test could not be laid out in the folder that was tried.
enum Stop {
    /// This part of the test's folder (counted from the top) cannot be one.
    Folder(usize),
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Layout {
    /// Lays out all files in the folder `from`, which need not exist, for a test of a platform below `root`.
    ///
    /// All or none: when it fails, what was laid out so far is removed.
    pub(super) fn make(
        from: &Path,
        (root, keep): (&Path, &Keep),
        platform: &str,
        test: &str,
    ) -> Result<Self> {
        match fs::symlink_metadata(from) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                tracing::warn!(path = %from.display(), "left out: it should be a folder");
                return Ok(Self::default());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::io("cannot read", from)(error)),
        }
        let root = root.join(SafePath::new(platform).as_ref().map_or("_", SafePath::as_str));
        let wanted: Vec<OsString> = SafePath::new(test)
            .as_ref()
            .map_or("_", SafePath::as_str)
            .split('/')
            .map(OsString::from)
            .collect();
        let mut tries = vec![0; wanted.len()];
        loop {
            let folder: Vec<OsString> = wanted
                .iter()
                .zip(&tries)
                .map(|(part, tries)| numbered(part, *tries, false))
                .collect();
            let mut layout = Self::default();
            match layout.fill(from, (&root, keep), &folder) {
                Ok(()) => {
                    layout.test = (folder != wanted).then(|| named(test, &folder));
                    return Ok(layout);
                }
                Err(Stop::Folder(part)) => {
                    layout.undo();
                    tries[part] += 1;
                }
                Err(Stop::Error(error)) => {
                    layout.undo();
                    return Err(error);
                }
            }
        }
    }

    /// Lays the files out in this folder.
    fn fill(
        &mut self,
        from: &Path,
        (root, keep): (&Path, &Keep),
        folder: &[OsString],
    ) -> Result<(), Stop> {
        let top: PathBuf = folder.iter().collect();
        let walk = WalkDir::new(from).min_depth(1).follow_links(false).follow_root_links(false);
        let mut last_dir = None;
        for entry in walk {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(from).to_owned();
                Error::io("cannot read", path)(error.into())
            })?;
            if entry.file_type().is_dir() {
                continue;
            }
            if !entry.file_type().is_file() {
                tracing::warn!(path = %entry.path().display(), "left out: not a regular file");
                continue;
            }
            let inside = entry.path().strip_prefix(from).unwrap_or(entry.path());
            let dir = top.join(inside.parent().unwrap_or(Path::new("")));
            if last_dir.as_ref() != Some(&dir) {
                make_folders(root, &dir, folder.len())?;
            }
            self.put(entry.path(), (&root.join(&dir), keep), inside)?;
            last_dir = Some(dir);
        }
        Ok(())
    }

    /// Puts one file into a folder, under the first name that is free.
    fn put(&mut self, source: &Path, (dir, keep): (&Path, &Keep), inside: &Path) -> Result<()> {
        let name = inside.file_name().unwrap_or_default();
        let mut tries = 0;
        loop {
            let mut free = numbered(name, tries, true);
            let done = match keep {
                Keep::Packed(how, slots) if how.is_for(name) => {
                    free.push(how.suffix());
                    how.pack(source, &dir.join(&free), slots)
                }
                _ => link_or_copy(source, &dir.join(&free)),
            };
            let target = dir.join(&free);
            match done {
                Ok(()) => {
                    if free != name {
                        self.renamed.insert(inside.to_owned(), free);
                    }
                    self.made.push(target);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => tries += 1,
                Err(error) => {
                    return Err(Error::infra(
                        format!("{} to {}", source.display(), target.display()),
                        format!("cannot keep the file: {error}"),
                    ));
                }
            }
        }
    }

    /// The name under which a file of a result has to be listed, if it is another than the result says.
    pub(super) fn name_of(&self, subtest: Option<&str>, file: &str) -> Option<String> {
        if self.renamed.is_empty() {
            return None;
        }
        let subtest = subtest.and_then(SafePath::new);
        let file = SafePath::new(file)?;
        let inside = match &subtest {
            Some(subtest) => file.below(Path::new(subtest.as_str())),
            None => PathBuf::from(file.as_str()),
        };
        let renamed = self.renamed.get(&inside)?;
        Some(Path::new(file.as_str()).with_file_name(renamed).to_string_lossy().into_owned())
    }

    /// Removes what was laid out. Folders stay: another test may be about to use them.
    pub(super) fn undo(self) {
        for path in self.made {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %error, "cannot remove");
            }
        }
    }
}

/// Makes the folders of `dir` below `root`, of which the first `own` parts are the test's folder.
fn make_folders(root: &Path, dir: &Path, own: usize) -> Result<(), Stop> {
    fs::create_dir_all(root).map_err(Error::io("cannot create", root))?;
    let mut path = root.to_owned();
    for (index, part) in dir.iter().enumerate() {
        path.push(part);
        match fs::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
                    return Err(Stop::Folder(index.min(own - 1)));
                }
            }
            Err(error) => return Err(Error::io("cannot create", path)(error).into()),
        }
    }
    Ok(())
}

/// Makes a file appear at a place where there is none: as another name for the same file, or as a copy where that cannot be.
pub(crate) fn link_or_copy(source: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(source, target) {
        // A link to a symbolic link is one itself: the file was exchanged after it was looked at.
        Ok(()) if fs::symlink_metadata(target)?.is_file() => Ok(()),
        Ok(()) => {
            fs::remove_file(target)?;
            Err(io::Error::other("it is not a regular file any more"))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Another file system, one without links, a file with too many of them, or one of somebody else.
        Err(_) => copy(source, target),
    }
}

fn copy(source: &Path, target: &Path) -> io::Result<()> {
    let mut from = open_regular(source)?;
    let mode = from.metadata()?.mode() & 0o777;
    let mut to = OpenOptions::new().write(true).create_new(true).mode(mode).open(target)?;
    io::copy(&mut from, &mut to).map(drop).inspect_err(|_| {
        if let Err(error) = fs::remove_file(target) {
            tracing::warn!(path = %target.display(), %error, "cannot remove");
        }
    })
}

/// Opens a regular file. Never follows a link to one, and never waits for the other end of a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<fs::File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// `x`, `x (1)`, `x (2)`, …; for a file the number goes before its extension.
fn numbered(name: &OsStr, number: u32, is_file: bool) -> OsString {
    if number == 0 {
        return name.to_owned();
    }
    let bytes = name.as_bytes();
    let dot = bytes.iter().rposition(|byte| *byte == b'.').filter(|at| is_file && *at > 0);
    let (stem, extension) = bytes.split_at(dot.unwrap_or(bytes.len()));
    OsString::from_vec([stem, format!(" ({number})").as_bytes(), extension].concat())
}

/// The name of a test in this folder.
fn named(test: &str, folder: &[OsString]) -> String {
    let parts: Vec<_> = folder.iter().map(|part| part.to_string_lossy()).collect();
    format!("{}{}", if test.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_before_the_extension() {
        let cases = [("x", "x (2)"), ("x.tar.gz", "x.tar (2).gz"), (".x", ".x (2)")];
        for (name, expected) in cases {
            assert_eq!(numbered(OsStr::new(name), 2, true), expected);
        }
        assert_eq!(numbered(OsStr::new("v1.2"), 2, false), "v1.2 (2)");
    }

    #[test]
    fn a_copy_is_made_where_a_link_cannot_be_and_never_of_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        fs::write(path("a"), "a").unwrap();
        std::os::unix::fs::symlink(path("a"), path("l")).unwrap();
        copy(&path("a"), &path("b")).unwrap();
        assert_eq!(fs::read_to_string(path("b")).unwrap(), "a");
        assert_eq!(copy(&path("a"), &path("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        copy(&path("l"), &path("c")).unwrap_err();
        link_or_copy(&path("l"), &path("c")).unwrap_err();
        assert!(fs::symlink_metadata(path("c")).is_err(), "nothing is left of it");
    }
}
