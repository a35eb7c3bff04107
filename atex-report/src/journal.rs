//! [`Journal`]: writes down every event of a run.

use std::borrow::Cow;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::{CancellationToken, EventSink, RunEvent};

use crate::store::sync_dir;
use crate::wire::{JOURNAL_FORMAT, Line};
use crate::{Entry, JournalReader, StoreError};

/// Writes every event of a run to a file, one JSON object per line: `{"v":1,"at_ms":1500,"event":"test_started",…}`.
///
/// # What a crash loses
/// * Of **this process**, whenever and however it dies: nothing. Each event is handed to the system with one write before
///   [`emit`](EventSink::emit) returns. A kill in the middle of that write leaves a torn last line, which readers tolerate.
/// * Of **the machine**: a [`RunEvent::Leased`] never, because it is on the disk before `emit` returns, and with it everything
///   before it. The end of a test is on the disk after a second of the run's time and another event; the end of the run at
///   once. Anything else when the system gets to it (on Linux within about half a minute).
///
/// # When it cannot be written
/// The first failure (a full disk) ends the journal: what is there stays a true beginning of the run, without gaps and without
/// half a line, and nothing is added any more, not even if space becomes free. It is kept for [`Journal::failure`], logged, and
/// the token given to [`create`](Self::create) is cancelled, so that the run ends soon instead of going on unrecorded. Whoever
/// is about to create something that must be released looks at `failure` after it emitted the lease.
pub struct Journal {
    path: PathBuf,
    stop: CancellationToken,
    state: Mutex<State>,
}

/// Tests that end within this time of each other share one wait for the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);

struct State {
    medium: Box<dyn Medium>,
    /// Where the last whole line ends.
    end: u64,
    /// Something is waiting to be put on the disk.
    unsynced: bool,
    /// When that was done last, in the run's time.
    synced: Duration,
    failure: Option<Arc<StoreError>>,
}

/// What a journal asks of its file: a seam for disks that are full.
trait Medium: Send {
    fn append(&mut self, line: &[u8]) -> io::Result<()>;
    fn cut(&mut self, end: u64) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
}

impl Medium for File {
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.write_all(line)
    }

    fn cut(&mut self, end: u64) -> io::Result<()> {
        self.set_len(end)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Journal {
    /// Begins a journal in a file that must not exist. `stop` is cancelled when an event could not be written.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file exists or cannot be made.
    pub fn create(path: impl Into<PathBuf>, stop: CancellationToken) -> Result<Self, StoreError> {
        let path = path.into();
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(StoreError::io("cannot create", &path))?;
        // Tells others that this run goes on: until this process is gone, whatever becomes of it.
        if let Err(error) = file.try_lock() {
            tracing::debug!(path = %path.display(), %error, "cannot lock the journal");
        }
        if let Some(dir) = path.parent() {
            sync_dir(dir);
        }
        Ok(Self::on(Box::new(file), path, stop))
    }

    /// Goes on with the journal of a run whose controller died: cuts off the line that it left half-written, if there is one, and yields all
    /// that is there. Nobody else can do so at the same time.
    ///
    /// # Errors
    /// [`StoreError::GoesOn`] when somebody still writes it; else what is wrong with it. A journal in which a line is damaged, or of a newer
    /// format, is not gone on with, and stays as it is.
    pub fn resume(
        path: impl Into<PathBuf>,
        stop: CancellationToken,
    ) -> Result<(Self, Vec<Entry>), StoreError> {
        let path = path.into();
        let mut options = OpenOptions::new();
        let file =
            options.append(true).open(&path).map_err(StoreError::io("cannot open", &path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let path = path.parent().unwrap_or(&path).to_owned();
                return Err(StoreError::GoesOn { path });
            }
            Err(TryLockError::Error(error)) => {
                tracing::debug!(path = %path.display(), %error, "cannot lock the journal");
            }
            Ok(()) => {}
        }
        let mut reader = JournalReader::open(&path)?;
        let entries = reader.by_ref().collect::<Result<Vec<_>, _>>()?;
        let length = file.metadata().map_err(StoreError::io("cannot read", &path))?.len();
        let end = length - reader.torn().map_or(0, |torn| torn.bytes as u64);
        file.set_len(end).map_err(StoreError::io("cannot cut", &path))?;
        let journal = Self::on(Box::new(file), path, stop);
        let mut state = journal.state();
        state.end = end;
        state.synced = entries.last().map_or(Duration::ZERO, |entry| entry.at);
        drop(state);
        Ok((journal, entries))
    }

    fn on(medium: Box<dyn Medium>, path: PathBuf, stop: CancellationToken) -> Self {
        let state =
            State { medium, end: 0, unsynced: false, synced: Duration::ZERO, failure: None };
        Self { path, stop, state: Mutex::new(state) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why the journal ended before the run did, if it did.
    pub fn failure(&self) -> Option<Arc<StoreError>> {
        self.state().failure.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn store(&mut self, at: Duration, event: &RunEvent) -> Result<(), (&'static str, io::Error)> {
        let line = Line { v: JOURNAL_FORMAT, at, event: Cow::Borrowed(event) };
        let mut text = serde_json::to_vec(&line).map_err(|error| ("cannot write", error.into()))?;
        text.push(b'\n');
        if let Err(error) = self.medium.append(&text) {
            // Half a line may have gone in. If even this fails it stays, as the last thing in the file: a torn line.
            if let Err(error) = self.medium.cut(self.end) {
                tracing::warn!(%error, "cannot cut the journal back to its last whole line");
            }
            return Err(("cannot write", error));
        }
        self.end += text.len() as u64;
        let due = at.saturating_sub(self.synced) >= SYNC_EVERY;
        let now = match event {
            RunEvent::Leased { .. } | RunEvent::RunFinished => true,
            RunEvent::TestConcluded { .. } => {
                self.unsynced = true;
                due
            }
            _ => self.unsynced && due,
        };
        if now {
            self.medium.sync().map_err(|error| ("cannot sync", error))?;
            (self.unsynced, self.synced) = (false, at);
        }
        Ok(())
    }
}

impl EventSink for Journal {
    /// Blocks for one write; for a lease, the end of the run, and once a second when tests end, for the disk.
    fn emit(&self, at: Duration, event: &RunEvent) {
        let mut state = self.state();
        if state.failure.is_some() {
            return;
        }
        if let Err((action, source)) = state.store(at, event) {
            let path = self.path.display();
            tracing::error!(%path, error = %source, "the journal ends here, and the run is told to stop");
            let error = StoreError::Io { action, path: self.path.clone(), source };
            state.failure = Some(Arc::new(error));
            drop(state);
            self.stop.cancel();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atex_core::{Lease, RemoteId, TestName, Verdict};

    /// A disk with room for so many bytes, which keeps what fits of a write that does not.
    #[derive(Default)]
    struct Disk {
        room: usize,
        bytes: Vec<u8>,
        syncs: usize,
    }

    impl Medium for Arc<Mutex<Disk>> {
        fn append(&mut self, line: &[u8]) -> io::Result<()> {
            let mut disk = self.lock().unwrap();
            let fits = line.len().min(disk.room - disk.bytes.len());
            disk.bytes.extend_from_slice(&line[..fits]);
            if fits < line.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn cut(&mut self, end: u64) -> io::Result<()> {
            self.lock().unwrap().bytes.truncate(end as usize);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            self.lock().unwrap().syncs += 1;
            Ok(())
        }
    }

    fn journal(room: usize) -> (Journal, Arc<Mutex<Disk>>, CancellationToken) {
        let disk = Arc::new(Mutex::new(Disk { room, ..Disk::default() }));
        let stop = CancellationToken::new();
        (Journal::on(Box::new(disk.clone()), "j".into(), stop.clone()), disk, stop)
    }

    fn concluded() -> RunEvent {
        RunEvent::TestConcluded {
            test: TestName::new("/a").unwrap(),
            wanted: None,
            verdict: Verdict::Passed,
            platform: None,
            attempts: 1,
            note: None,
        }
    }

    #[test]
    fn a_full_disk_ends_the_journal_at_a_whole_line_and_stops_the_run() {
        let line = "{\"v\":1,\"at_ms\":0,\"event\":\"time_passed\"}\n";
        let (journal, disk, stop) = journal(line.len() + 10);
        journal.emit(Duration::ZERO, &RunEvent::TimePassed);
        assert!(journal.failure().is_none() && !stop.is_cancelled());
        journal.emit(Duration::ZERO, &RunEvent::TimePassed);
        assert!(stop.is_cancelled());
        assert_eq!(journal.failure().unwrap().to_string(), "cannot write j");
        disk.lock().unwrap().room = 1000;
        journal.emit(Duration::ZERO, &RunEvent::TimePassed);
        assert_eq!(String::from_utf8(disk.lock().unwrap().bytes.clone()).unwrap(), line);
    }

    #[test]
    fn waits_for_the_disk_when_it_must_and_not_more_often_than_it_may() {
        let (journal, disk, _) = journal(1 << 20);
        let lease =
            RunEvent::Leased { remote: RemoteId(1), lease: Lease::new("l", "l-1", "".into()) };
        let script = [
            (100, RunEvent::TimePassed, 0),
            (100, lease.clone(), 1),
            (100, lease, 2),
            (500, concluded(), 2),
            (900, concluded(), 2),
            (1000, RunEvent::TimePassed, 2),
            (1100, RunEvent::TimePassed, 3),
            (9000, RunEvent::TimePassed, 3),
            (9000, concluded(), 4),
            (9500, concluded(), 4),
            (9500, RunEvent::RunFinished, 5),
        ];
        for (at, event, syncs) in script {
            journal.emit(Duration::from_millis(at), &event);
            assert_eq!(disk.lock().unwrap().syncs, syncs, "{event:?} at {at}");
        }
    }
}
