//! Which runs are there, what they take, and which may go.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use walkdir::WalkDir;

use crate::{Conclusion, Counts, RunInfo, RunStore, StoreError};

/// A stored run, in short.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoredRun {
    /// Its folder.
    pub dir: PathBuf,
    /// What was asked, and when.
    pub info: RunInfo,
    /// Whether it goes on.
    pub goes_on: bool,
    /// Whether something that it made was not given back, as far as its record tells.
    pub holds_leases: bool,
    /// The word on it, and why.
    pub conclusion: Conclusion,
    /// Its tests by verdict.
    pub counts: Counts,
    /// How long it took.
    pub took: Duration,
    /// What it takes on the disk, in bytes; a file with several names is counted once.
    pub size: u64,
}

/// Which runs are to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// All but so many, the newest.
    pub keep: Option<usize>,
    /// Those that were started before this moment.
    pub before: Option<Timestamp>,
}

/// What is done with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is kept: nobody asked for it to go.
    Yes,
    /// It is kept, though it would have to go: it goes on.
    GoesOn,
    /// It is kept, though it would have to go: something that it made has to be given back first, and its record says how.
    HoldsLeases,
    /// It goes.
    No,
}

impl StoredRun {
    /// Looks at a run. Its results are not read.
    ///
    /// # Errors
    /// What is wrong with its folder or its journal.
    pub fn of(store: &RunStore) -> Result<Self, StoreError> {
        let (goes_on, began) = (store.goes_on()?, store.journal_path().exists());
        let report = if began { store.report()?.0 } else { crate::RunReport::new() };
        Ok(Self {
            dir: store.dir().to_owned(),
            info: store.info().clone(),
            goes_on,
            holds_leases: report.left_behind().next().is_some(),
            conclusion: Conclusion::of(&report),
            counts: report.counts(),
            took: report.wall(),
            size: size(store.dir()),
        })
    }

    /// The runs in a folder, the newest first, and what is wrong with those that cannot be read. Folders that are no runs are
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the folder cannot be read.
    pub fn all_in(folder: &Path) -> Result<(Vec<Self>, Vec<StoreError>), StoreError> {
        let entries = fs::read_dir(folder).map_err(StoreError::io("cannot read", folder))?;
        let (mut runs, mut wrong) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.map_err(StoreError::io("cannot read", folder))?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            // A link leads to a run that is somebody else's.
            if hidden || !entry.file_type().is_ok_and(|found| found.is_dir()) {
                continue;
            }
            match RunStore::open(entry.path()).and_then(|store| Self::of(&store)) {
                Ok(run) => runs.push(run),
                Err(StoreError::NotARun { .. }) => {}
                Err(error) => wrong.push(error),
            }
        }
        runs.sort_by(|a, b| (b.info.started, &b.dir).cmp(&(a.info.started, &a.dir)));
        Ok((runs, wrong))
    }
}

impl Retention {
    /// What is done with each of these runs, the newest first. Without any rule all are kept; with both, a run goes that either names.
    pub fn of(self, runs: &[StoredRun]) -> Vec<Keep> {
        let asked = |(index, run): (usize, &StoredRun)| {
            self.keep.is_some_and(|keep| index >= keep)
                || self.before.is_some_and(|before| run.info.started < before)
        };
        let judged = runs.iter().enumerate().map(|(index, run)| {
            if !asked((index, run)) {
                Keep::Yes
            } else if run.goes_on {
                Keep::GoesOn
            } else if run.holds_leases {
                Keep::HoldsLeases
            } else {
                Keep::No
            }
        });
        judged.collect()
    }
}

impl RunStore {
    /// Removes the folder of the run with everything in it. First it gets another name, so that half a run is never taken for one.
    ///
    /// # Errors
    /// [`StoreError::GoesOn`] when it goes on, also when it was gone on with since somebody looked; [`StoreError::Io`] for what cannot
    /// be removed.
    pub fn remove(self) -> Result<(), StoreError> {
        let path = self.journal_path();
        // Held until it is gone: nobody goes on with it meanwhile.
        let _journal = match File::open(&path) {
            Ok(file) => match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::GoesOn { path: self.dir().to_owned() });
                }
                _ => Some(file),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(StoreError::io("cannot read", &path)(error)),
        };
        let dir = self.dir();
        let name = dir.file_name().unwrap_or_default().to_string_lossy();
        let going = dir.with_file_name(format!(".{name}.removed-{}", std::process::id()));
        fs::rename(dir, &going).map_err(StoreError::io("cannot rename", dir))?;
        fs::remove_dir_all(&going).map_err(StoreError::io("cannot remove", &going))
    }
}

/// What is below a folder on the disk, in bytes. What cannot be read counts nothing.
fn size(dir: &Path) -> u64 {
    let mut seen = HashSet::new();
    let entries = WalkDir::new(dir).follow_links(false).into_iter().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok()).filter(|found| {
        found.is_dir() || found.nlink() < 2 || seen.insert((found.dev(), found.ino()))
    });
    sizes.map(|found| found.blocks() * 512).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunVerdict;

    fn run(started: &str, goes_on: bool, holds_leases: bool) -> StoredRun {
        StoredRun {
            dir: started.into(),
            info: RunInfo::new("r", "t", started.parse().unwrap()),
            goes_on,
            holds_leases,
            conclusion: Conclusion { verdict: RunVerdict::Passed, reason: String::new() },
            counts: Counts::default(),
            took: Duration::ZERO,
            size: 0,
        }
    }

    #[test]
    fn what_goes_on_or_holds_leases_never_goes() {
        let runs = [
            run("2026-01-05T00:00:00Z", false, false),
            run("2026-01-04T00:00:00Z", true, true),
            run("2026-01-03T00:00:00Z", false, true),
            run("2026-01-02T00:00:00Z", false, false),
        ];
        use Keep::{GoesOn, HoldsLeases, No, Yes};
        let before = |moment: &str| Some(moment.parse().unwrap());
        let cases = [
            (None, None, [Yes, Yes, Yes, Yes]),
            (Some(1), None, [Yes, GoesOn, HoldsLeases, No]),
            (Some(0), None, [No, GoesOn, HoldsLeases, No]),
            (Some(9), None, [Yes; 4]),
            (None, before("2026-01-04T00:00:00Z"), [Yes, Yes, HoldsLeases, No]),
            (Some(2), before("2026-01-05T00:00:00Z"), [Yes, GoesOn, HoldsLeases, No]),
        ];
        for (keep, before, expected) in cases {
            assert_eq!(Retention { keep, before }.of(&runs), expected, "{keep:?} {before:?}");
        }
    }
}
