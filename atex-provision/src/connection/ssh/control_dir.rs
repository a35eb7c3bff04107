//! [`ControlDir`]: the folder of a master's socket, which is nobody's once we are dead.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use tempfile::TempDir;

/// What the folders are called. Nobody else's are.
const PREFIX: &str = "atex-ctl-";

/// A private folder, which is removed with what is in it when this is dropped.
///
/// When we are killed, it goes with the master. But if there is no master yet, nobody is left who knows of it: so it is locked as
/// long as we live, and one that is empty and not locked is removed by [`sweep`], which whoever connects next does.
#[derive(Debug)]
pub(super) struct ControlDir {
    dir: TempDir,
    _lock: File,
}

impl ControlDir {
    pub(super) fn new() -> io::Result<Self> {
        sweep();
        let parent = parent();
        loop {
            let private = Permissions::from_mode(0o700);
            let dir =
                tempfile::Builder::new().prefix(PREFIX).permissions(private).tempdir_in(&parent)?;
            if let Some(lock) = locked(dir.path())? {
                return Ok(Self { dir, _lock: lock });
            }
            // Somebody swept it in the moment before it was locked.
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Removes the empty folders of controllers that were killed before they were connected.
pub(crate) fn sweep() {
    let own = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent()).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.metadata().is_ok_and(|data| data.is_dir() && data.uid() == own);
        // Kept until it is removed, so that nobody takes what goes.
        if is_ours && let Ok(Some(_lock)) = locked(&entry.path()) {
            // One with a socket belongs to a master that is about to notice.
            fs::remove_dir(entry.path()).ok();
        }
    }
}

/// The lock of a folder, unless somebody else has it or it is there no more.
fn locked(dir: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let lock = match rustix::fs::open(dir, flags, Mode::empty()) {
        Ok(dir) => File::from(dir),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    match lock.try_lock() {
        Ok(()) => Ok(dir.exists().then_some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// With a short name: the path of a socket has at most 104 bytes on some systems.
fn parent() -> PathBuf {
    let usual = std::env::temp_dir();
    if usual.as_os_str().len() > 60 { PathBuf::from("/tmp") } else { usual }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_locked_or_not_empty_stays() {
        let ours = ControlDir::new().unwrap();
        let make = || tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent()).unwrap().keep();
        let (dead, full) = (make(), make());
        fs::write(full.join("c"), "").unwrap();
        sweep();
        assert_eq!((ours.path().exists(), full.exists(), dead.exists()), (true, true, false));
        fs::remove_dir_all(&full).unwrap();
        let path = ours.path().to_owned();
        drop(ours);
        assert!(!path.exists());
    }

    #[test]
    fn many_at_once_do_not_take_each_others() {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let all: Vec<_> = (0..50).map(|_| ControlDir::new().unwrap()).collect();
                    assert!(all.iter().all(|dir| dir.path().exists()));
                });
            }
        });
    }
}
