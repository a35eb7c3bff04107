//! Locks between processes: a file that one of them has locked, waited for within a limit.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// A lock that is held until this is dropped, and by programs that were given the file.
///
/// The system takes it back when its holders are gone, however they ended; the file itself stays behind.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock, or gives up after the limit.
    pub(super) fn acquire(path: &Path, limit: Duration) -> Result<Self> {
        let broken = |error| {
            let message = format!("cannot lock '{}'", path.display());
            Error::new(ErrorKind::General, message).with_source(error)
        };
        let started = Instant::now();
        loop {
            let file = open(path).map_err(broken)?;
            let left = limit.saturating_sub(started.elapsed());
            let Some(mut file) = wait(file, left).map_err(broken)? else {
                return Err(timed_out(path, limit));
            };
            // Whoever held it may have removed the file meanwhile: then ours is not the one that others see.
            if is_at(&file, path) {
                // Who holds the lock is a help for people; the lock holds without it.
                let pid = std::process::id().to_string();
                file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(broken)?;
                return Ok(Self(file));
            }
        }
    }

    /// The locked file.
    pub(super) fn file(&self) -> &File {
        &self.0
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let own = file.metadata().map(identity).ok();
    own.is_some() && own == path.metadata().map(identity).ok()
}

/// Locks the file; none when the time is over.
fn wait(file: File, left: Duration) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // The system wakes up who waits for a lock, but knows no limit: so a thread waits for it, and we for the thread. One
    // that comes too late finds nobody to give the file to, which unlocks it.
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(file.lock().map(|()| file)).ok());
    match receive.recv_timeout(left) {
        Ok(file) => file.map(Some),
        Err(_) => Ok(None),
    }
}

fn timed_out(path: &Path, limit: Duration) -> Error {
    let mut holder = String::new();
    let read = File::open(path).and_then(|file| file.take(20).read_to_string(&mut holder));
    let holder = match read {
        Ok(_) if !holder.trim().is_empty() => format!(" (held by process {})", holder.trim()),
        _ => String::new(),
    };
    let seconds = limit.as_secs_f64();
    let message =
        format!("cannot get the lock '{}' within {seconds} seconds{holder}", path.display());
    Error::new(ErrorKind::General, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_waited_for_within_the_limit() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("x.lock");
        let held = Lock::acquire(&path, Duration::ZERO).unwrap();
        let error = Lock::acquire(&path, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::General);
        let expected = format!("within 0.02 seconds (held by process {})", std::process::id());
        assert!(error.message().ends_with(&expected), "{error}");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Lock::acquire(&path, Duration::from_secs(60)));
            drop(held);
            waiting.join().unwrap().unwrap();
        });
    }

    #[test]
    fn a_lock_on_a_removed_file_is_none() {
        let here = tempfile::tempdir().unwrap();
        let path = here.path().join("x.lock");
        let held = Lock::acquire(&path, Duration::ZERO).unwrap();
        std::fs::remove_file(&path).unwrap();
        let other = Lock::acquire(&path, Duration::ZERO).unwrap();
        assert!(is_at(other.file(), &path) && !is_at(held.file(), &path));
    }
}
