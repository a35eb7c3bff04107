//! The clone of one repository in the cache: made, kept up to date, mended, and asked for commits.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::cache::Cache;
use super::git::{Git, redacted};
use super::lock::Lock;
use crate::error::{Error, ErrorKind, Result};

/// The key in the configuration of a clone that keeps the url as it was asked for: git changes relative ones.
const ASKED: &str = "fmf.url";

/// Names of folders end before this many bytes, so that there is room for suffixes.
const LONGEST_NAME: usize = 200;

/// A clone that this process alone may read and change; it need not be there yet.
#[derive(Debug)]
pub(super) struct Claim<'c> {
    cache: &'c Cache,
    url: &'c str,
    /// The folder of the clone; what belongs to it lies beside it, under the same name with suffixes.
    directory: PathBuf,
    reading: Lock,
}

impl<'c> Claim<'c> {
    /// Waits until no other process uses the clone of this url.
    pub(super) fn new(cache: &'c Cache, parent: &Path, url: &'c str) -> Result<Self> {
        let [first, second] = names(url).map(|name| parent.join(name));
        for directory in [first, second.clone()] {
            let reading = Lock::acquire(&beside(&directory, "read.lock"), cache.read_patience)?;
            let claim = Self { cache, url, directory, reading };
            if !claim.is_cloned() || claim.is_of(url)? || claim.directory == second {
                return Ok(claim);
            }
            // Another url has the same name (`a/b` and `a_b`): the second name has a digest in it.
        }
        Err(Error::new(
            ErrorKind::General,
            format!("no place for the clone of '{}'", redacted(url)),
        ))
    }

    /// Whether there is a clone that needs no news. Does not wait for others.
    pub(super) fn is_fresh(cache: &Cache, parent: &Path, url: &str) -> bool {
        names(url).map(|name| parent.join(name)).iter().any(|directory| {
            let git = Git::new(directory, cache.git_limit);
            !expired(cache, directory) && asked(git).is_ok_and(|own| own == url)
        })
    }

    /// Git in the clone, which keeps the claim as long as it runs.
    pub(super) fn git(&self) -> Git<'_> {
        Git::new(&self.directory, self.cache.git_limit).holding(self.reading.file())
    }

    /// A path beside the clone.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.directory, suffix)
    }

    /// The commit that a revision (none: the default branch) stands for, which the clone has afterwards.
    pub(super) fn commit(&mut self, revision: Option<&str>) -> Result<String> {
        let patience = self.cache.fetch_patience;
        let fetching = Lock::acquire(&self.beside("fetch.lock"), patience)?;
        let made = self.is_cloned();
        if !made {
            self.make(revision.is_none(), &fetching)?;
        }
        let result = self.update(revision, &fetching);
        if result.is_err() && made && !self.is_sound() {
            tracing::warn!("the clone {} is broken: cloning again", self.directory.display());
            self.make(revision.is_none(), &fetching)?;
            return self.update(revision, &fetching);
        }
        result
    }

    fn is_cloned(&self) -> bool {
        self.directory.join(".git").is_dir()
    }

    fn is_of(&self, url: &str) -> Result<bool> {
        let known = asked(self.git())?;
        // A clone without any url was never finished, and will be made again.
        Ok(known.is_empty() || known == url)
    }

    /// Clones into another folder, which takes its place when it is complete: whoever is killed leaves no half of one.
    fn make(&self, shallow: bool, fetching: &Lock) -> Result<()> {
        let url = redacted(self.url);
        tracing::info!("cloning {url}");
        let partial = self.beside("partial");
        let clone = |depth: Option<&str>| {
            remove(&partial)?;
            let parent = self.directory.parent().unwrap_or(&self.directory);
            let git = Git::new(parent, self.cache.git_limit).holding(fetching.file());
            let options = ["clone", "--quiet", "--no-checkout"].into_iter().chain(depth);
            let arguments = options.chain(["--", self.url]).map(OsStr::new);
            git.network()?.checked(arguments.chain([partial.as_os_str()]))
        };
        if shallow {
            // Some servers cannot do it; if the reason is another, it comes again.
            clone(Some("--depth=1")).or_else(|error| {
                tracing::debug!("no shallow clone: {error}");
                clone(None)
            })?;
        } else {
            clone(None)?;
        }
        Git::new(&partial, self.cache.git_limit).checked(["config", ASKED, self.url])?;
        remove(&self.directory)?;
        touch(&partial.join(".git/FETCH_HEAD"))?;
        fs::rename(&partial, &self.directory)
            .map_err(|error| unwritable("put a clone at", &self.directory, error))
    }

    fn update(&self, revision: Option<&str>, fetching: &Lock) -> Result<String> {
        let git = Git::new(&self.directory, self.cache.git_limit).holding(fetching.file());
        remove_stale_locks(&self.directory.join(".git"), 0);
        let branch = match revision {
            Some(_) => None,
            None => Some(default_branch(git)?),
        };
        if expired(self.cache, &self.directory) {
            tracing::info!("fetching {}", redacted(self.url));
            fetch(git, &[])?;
            touch(&self.directory.join(".git/FETCH_HEAD"))?;
        }
        let revision = revision.or(branch.as_deref()).unwrap_or("HEAD");
        if let Some(commit) = find(git, revision)? {
            return Ok(commit);
        }
        // A shallow clone has one branch only.
        if self.directory.join(".git/shallow").is_file() {
            git.checked(["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"])?;
            fetch(git, &["--unshallow"])?;
            if let Some(commit) = find(git, revision)? {
                return Ok(commit);
            }
        }
        let url = redacted(self.url);
        let message = format!("'{revision}' is no branch, tag or commit of '{url}'");
        Err(Error::new(ErrorKind::Fetch, message))
    }

    /// Whether git finds all that it should in the clone.
    fn is_sound(&self) -> bool {
        let git = self.git();
        let has_refs = git.checked(["for-each-ref", "--count=1", "refs/remotes"]);
        let whole = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"];
        has_refs.is_ok_and(|refs| !refs.is_empty()) && git.checked(whole).is_ok()
    }
}

/// The names that the clone of a url may have: the url itself, and with a digest where that is taken.
fn names(url: &str) -> [String; 2] {
    let flat = url.replace('/', "_");
    // FNV-1a: short, and the same for ever.
    let digest = url.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    let end = (0..=flat.len().min(LONGEST_NAME)).rev().find(|end| flat.is_char_boundary(*end));
    let distinct = format!("{}-{digest:016x}", &flat[..end.unwrap_or(0)]);
    let is_good = flat.len() <= LONGEST_NAME && !matches!(flat.as_str(), "." | "..");
    [if is_good { flat } else { distinct.clone() }, distinct]
}

fn beside(directory: &Path, suffix: &str) -> PathBuf {
    let mut path = directory.as_os_str().to_owned();
    path.push(".");
    path.push(suffix);
    path.into()
}

fn asked(git: Git<'_>) -> Result<String> {
    let key = |key: &str| git.run(["config", "--file", ".git/config", "--get", key]);
    let own = key(ASKED)?;
    if own.success { Ok(own.stdout) } else { key("remote.origin.url").map(|ended| ended.stdout) }
}

/// Whether there is no mark of the last fetch, or an old one.
fn expired(cache: &Cache, directory: &Path) -> bool {
    let mark = directory.join(".git/FETCH_HEAD").metadata().and_then(|mark| mark.modified());
    mark.map_or(true, |mark| cache.has_expired(mark))
}

fn fetch(git: Git<'_>, more: &[&str]) -> Result<()> {
    // Git would mark the fetch when it begins; it counts when it is complete.
    let options = ["fetch", "--quiet", "--no-recurse-submodules", "--no-write-fetch-head"];
    let arguments = options.iter().chain(more).chain(&["origin"]);
    git.network()?.checked(arguments).map(drop)
}

/// The whole name of the branch that the remote has as its default.
fn default_branch(git: Git<'_>) -> Result<String> {
    const HEAD: &str = "refs/remotes/origin/HEAD";
    let ask = || git.run(["symbolic-ref", "--quiet", HEAD]);
    let mut known = ask()?;
    if !known.success {
        git.network()?.checked(["remote", "set-head", "origin", "--auto"])?;
        known = ask()?;
    }
    match known.stdout.strip_prefix("refs/remotes/origin/") {
        Some(branch) => Ok(branch.to_owned()),
        None => Err(Error::new(ErrorKind::Fetch, "the repository has no default branch")),
    }
}

/// The commit of a revision: of the remote's branch if there is one of this name, else of a tag or a commit.
fn find(git: Git<'_>, revision: &str) -> Result<Option<String>> {
    for name in [format!("refs/remotes/origin/{revision}"), revision.to_owned()] {
        let commit = format!("{name}^{{commit}}");
        let ended = git.run(["rev-parse", "--quiet", "--verify", &commit])?;
        if ended.success {
            return Ok(Some(ended.stdout));
        }
    }
    Ok(None)
}

/// Removes what a killed git left behind: nobody else changes the clone as long as we hold its lock.
fn remove_stale_locks(directory: &Path, depth: usize) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if path.extension().is_some_and(|extension| extension == "lock") && !is_directory {
            tracing::debug!("removing {}", path.display());
            // If it cannot be removed, git says so itself.
            fs::remove_file(path).ok();
        } else if is_directory && (depth > 0 || entry.file_name() == "refs") {
            remove_stale_locks(&path, depth + 1);
        }
    }
}

/// Removes a folder, if it is there.
pub(super) fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(unwritable("remove", directory, error))
        }
        _ => Ok(()),
    }
}

/// Makes an empty file, whose age then tells how long ago that was.
fn touch(path: &Path) -> Result<()> {
    fs::File::create(path).map(drop).map_err(|error| unwritable("write", path, error))
}

/// A file or folder of the cache could not be changed.
pub(super) fn unwritable(what: &str, path: &Path, error: std::io::Error) -> Error {
    let message = format!("cannot {what} '{}' in the cache", path.display());
    Error::new(ErrorKind::General, message).with_source(error)
}
