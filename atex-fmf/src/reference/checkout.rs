//! The files of one commit, in a folder of the cache that never changes once it is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::clone::{Claim, remove, unwritable};
use crate::error::Result;

/// How long the files of a commit are kept after they were last asked for.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The files of a repository as they are in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkout {
    /// The folder with the files, and without `.git`. It never changes, and belongs to the [`Cache`](super::Cache): nothing may be
    /// written there.
    pub path: PathBuf,
    /// The full name of the commit.
    pub commit: String,
}

/// Writes the files of a commit, unless they are there.
pub(super) fn make(claim: &Claim<'_>, commit: String) -> Result<Checkout> {
    let trees = claim.beside("trees");
    let path = trees.join(&commit);
    if !path.is_dir() {
        fs::create_dir_all(&trees).map_err(|error| unwritable("create", &trees, error))?;
        remove_unused(&trees);
        write(claim, &trees, &commit)?;
    }
    mark_as_used(&path);
    Ok(Checkout { path, commit })
}

/// Writes into another folder, which gets its name when it is complete. The work tree and the index of the clone are left
/// alone: they belong to whoever else shares the cache.
fn write(claim: &Claim<'_>, trees: &Path, commit: &str) -> Result<()> {
    let partial = trees.join("partial");
    remove(&partial)?;
    fs::create_dir(&partial).map_err(|error| unwritable("create", &partial, error))?;
    let index = trees.join("partial.index");
    let stale = [index.clone(), trees.join("partial.index.lock")];
    stale.iter().for_each(|stale| {
        // If it cannot be removed, git says so itself.
        fs::remove_file(stale).ok();
    });
    let git = claim.git().index(&index);
    git.checked(["read-tree", commit])?;
    let mut prefix = std::ffi::OsString::from("--prefix=");
    prefix.push(&partial);
    prefix.push("/");
    let wanted = ["checkout-index", "--all", "--force", "--quiet"];
    git.checked(wanted.iter().map(std::ffi::OsStr::new).chain([prefix.as_os_str()]))?;
    // Only a copy for git: what is checked out has what counts.
    fs::remove_file(&index).ok();
    let path = trees.join(commit);
    fs::rename(&partial, &path).map_err(|error| unwritable("put files at", &path, error))
}

/// The time of the folder says when it was last used. Without the right to set it, it is removed earlier, no more.
fn mark_as_used(path: &Path) {
    let marked = fs::File::open(path).and_then(|folder| folder.set_modified(SystemTime::now()));
    if let Err(error) = marked {
        tracing::debug!("cannot mark {} as used: {error}", path.display());
    }
}

fn remove_unused(trees: &Path) {
    for entry in fs::read_dir(trees).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|metadata| metadata.modified());
        let age = used.ok().and_then(|used| SystemTime::now().duration_since(used).ok());
        if age.is_some_and(|age| age > KEPT) && entry.path().is_dir() {
            tracing::debug!("removing {}, which nothing used for long", entry.path().display());
            if let Err(error) = remove(&entry.path()) {
                tracing::warn!("{error}");
            }
        }
    }
}
