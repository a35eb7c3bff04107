//! The cache of remote repositories: where it is, how long it is fresh, how long it is waited for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::checkout::{self, Checkout};
use super::clone::Claim;
use super::git::{Git, redacted};
use crate::error::{Error, ErrorKind, Result};

/// A folder that keeps what was fetched from git repositories.
///
/// For each url it holds a clone, two lock files, and a folder `….trees` with the files of each commit that was used. These
/// never change once they are there, so a tree that was read from them, and a suite that refers to them, stay good while others use the
/// cache. Commits that nothing used for 30 days are removed when another one of the same url is added.
///
/// Several processes may use one cache at once. A process that is killed leaves nothing that harms the next one.
///
/// Repositories are fetched by the program `git`, with the user's own configuration and credentials, but nothing is ever
/// asked: where a password would be needed, fetching fails.
#[derive(Debug, Clone)]
pub struct Cache {
    directory: PathBuf,
    pub(super) expiration: Duration,
    pub(super) read_patience: Duration,
    pub(super) fetch_patience: Duration,
    pub(super) git_limit: Duration,
}

impl Cache {
    /// How long a fetched repository is used before it is asked for news, unless something else is said.
    pub const EXPIRATION: Duration = Duration::from_secs(20 * 60);

    /// A cache in this folder, which is made when it is needed.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            expiration: Self::EXPIRATION,
            read_patience: Duration::from_secs(360),
            fetch_patience: Duration::from_secs(300),
            git_limit: Duration::from_secs(30 * 60),
        }
    }

    /// The cache that variables of an environment name: `FMF_CACHE_DIRECTORY`, else `fmf` in `XDG_CACHE_HOME`, else
    /// `.cache/fmf` in `HOME`. Empty variables count as unset; without any of them, there is none.
    ///
    /// ```
    /// use atex_fmf::Cache;
    /// let cache = Cache::from_lookup(|name| (name == "HOME").then(|| "/home/me".into())).unwrap();
    /// assert_eq!(cache.directory(), std::path::Path::new("/home/me/.cache/fmf"));
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = |name| lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = folder("FMF_CACHE_DIRECTORY")
            .or_else(|| folder("XDG_CACHE_HOME").map(|cache| cache.join("fmf")))
            .or_else(|| folder("HOME").map(|home| home.join(".cache/fmf")))?;
        Some(Self::new(directory))
    }

    /// How long a fetched repository is used before it is asked for news ([`Cache::EXPIRATION`]). Zero: always ask.
    #[must_use]
    pub fn expiration(self, expiration: Duration) -> Self {
        Self { expiration, ..self }
    }

    /// How long to wait for other processes: for one that reads a repository (6 minutes), and for one that fetches it (5
    /// minutes).
    #[must_use]
    pub fn patience(self, reading: Duration, fetching: Duration) -> Self {
        Self { read_patience: reading, fetch_patience: fetching, ..self }
    }

    /// How long one run of git may take (half an hour); after that it is killed.
    #[must_use]
    pub fn git_limit(self, limit: Duration) -> Self {
        Self { git_limit: limit, ..self }
    }

    /// The folder.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Gets the files of a repository, from the cache if it is fresh; `revision` is a branch, a tag or a commit, none the
    /// default branch. Blocks while git runs.
    ///
    /// # Errors
    /// [`ErrorKind::Fetch`] with git's own words; [`ErrorKind::General`] if the cache cannot be written, or another process
    /// holds it for too long.
    pub fn fetch(&self, url: &str, revision: Option<&str>) -> Result<Checkout> {
        check("url", url)?;
        revision.map_or(Ok(()), |revision| check("ref", revision))?;
        let directory = self.create()?;
        let mut claim = Claim::new(self, &directory, url)?;
        let commit = claim.commit(revision)?;
        checkout::make(&claim, commit)
    }

    /// Whether there is a repository at a url; one that was fetched not long ago is not asked for.
    ///
    /// # Errors
    /// [`ErrorKind::Fetch`] if that cannot be found out: no network, a broken server.
    pub fn exists(&self, url: &str) -> Result<bool> {
        check("url", url)?;
        let directory = self.create()?;
        if Claim::is_fresh(self, &directory, url) {
            return Ok(true);
        }
        let git = Git::new(&directory, self.git_limit).network()?;
        let ended = git.run(["ls-remote", "--quiet", "--exit-code", "--", url, "HEAD"])?;
        let said = ended.stderr.to_lowercase();
        // Hosts that hide what is private ask for a name, or deny access, where there is nothing.
        const ABSENT: [&str; 8] = [
            "not found",
            "could not read username",
            "could not read password",
            "authentication failed",
            "access denied",
            "not exported",
            "does not appear to be a git repository",
            "does not exist",
        ];
        match ended.success {
            true => Ok(true),
            // Nothing was said: the repository is there, but empty.
            false if said.trim().is_empty() => Ok(false),
            false if ABSENT.iter().any(|words| said.contains(words)) => Ok(false),
            false => Err(ended.error()),
        }
    }

    /// Makes every repository ask for news when it is next used.
    ///
    /// # Errors
    /// The cache cannot be read or written.
    pub fn invalidate(&self) -> Result<()> {
        let broken = |error| self.broken("invalidate", error);
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(broken)?,
        };
        for entry in entries {
            let mark = entry.map_err(broken)?.path().join(".git/FETCH_HEAD");
            match std::fs::remove_file(mark) {
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    return Err(broken(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the whole cache. Trees and suites that were made from it lose their files.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(self.broken("clear", error))
            }
            _ => Ok(()),
        }
    }

    /// The absolute path of the folder, which is there afterwards.
    fn create(&self) -> Result<PathBuf> {
        std::fs::create_dir_all(&self.directory).map_err(|error| self.broken("create", error))?;
        crate::root::absolute(Path::new(""), &self.directory)
    }

    fn broken(&self, what: &str, error: std::io::Error) -> Error {
        let message = format!("cannot {what} the cache directory '{}'", self.directory.display());
        Error::new(ErrorKind::General, message).with_source(error)
    }

    /// Whether a mark of this time is too old.
    pub(super) fn has_expired(&self, mark: SystemTime) -> bool {
        // A mark from the future tells nothing about its age.
        SystemTime::now().duration_since(mark).is_ok_and(|age| age >= self.expiration)
    }
}

/// Refuses what git would take as something else than the text of a url or a revision.
fn check(what: &str, text: &str) -> Result<()> {
    let reason = match text {
        "" => "is empty",
        _ if text.starts_with('-') => "starts with a dash",
        _ if text.contains(char::is_control) => "has control characters in it",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Fetch, format!("the {what} '{}' {reason}", redacted(text))))
}
