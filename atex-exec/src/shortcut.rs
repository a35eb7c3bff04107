//! [`Shortcut`]: a long file of a test on this machine, brought to its place among the artifacts by the supervisor itself.
//!
//! A spool has to be written, and read again; where supervisor and controller see the same files, the bytes of a long file need neither.
//! The supervisor brings them, not we: so they come to their place even when we are killed. What is said about it lies in the run
//! folder (the head of `guest.sh` has the names); where it goes on is told by the supervisor alone.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat, open};
use rustix::pipe::fcntl_setpipe_size;
use tokio::time::sleep;

/// So much of a file must be missing for a shortcut to be worth it.
pub(crate) const LONG: u64 = 32 << 20;

/// How much of what the test says may wait for the supervisor: more does not stay near a processor, less means more turns.
const PIPE: usize = 256 << 10;

/// How often is looked whether the supervisor offers it, at first and after a while.
const LOOK: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// A shortcut, from asking for it to its end. Dropped before it was taken, nothing happened.
#[derive(Debug)]
pub(crate) struct Shortcut {
    folder: PathBuf,
    /// What it leads to; not known of one that another controller took.
    place: Option<PathBuf>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Asked for, by a pipe of which the supervisor waits for a word or its end.
    Asked { pipe: File, pause: Duration },
    /// Offered from this place of the control stream on: there, the spool ends.
    Offered { pipe: File, from: u64 },
    /// Under way.
    Taken { from: u64 },
}

impl Shortcut {
    /// Asks the supervisor of a run, in this folder, for a shortcut to this place.
    ///
    /// # Errors
    /// When another one is not over yet, or its folder cannot be written.
    pub(crate) fn ask(folder: PathBuf, place: &Path) -> io::Result<Self> {
        let name = folder.join("shortcut.pipe");
        mkfifoat(CWD, &name, Mode::RUSR | Mode::WUSR)?;
        let asked = || {
            fs::remove_file(folder.join("shortcut.to")).or_else(missing_is_fine)?;
            // Opened for both, which does not wait.
            let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let pipe = File::from(open(&name, flags, Mode::empty())?);
            if let Ok(control) = open(folder.join("control.pipe"), flags, Mode::empty()) {
                fcntl_setpipe_size(&control, PIPE).ok();
            }
            symlink(std::path::absolute(place)?, folder.join("shortcut"))?;
            io::Result::Ok(pipe)
        };
        match asked() {
            Ok(pipe) => {
                let place = Some(place.to_owned());
                Ok(Self { folder, place, state: State::Asked { pipe, pause: LOOK.0 } })
            }
            Err(error) => {
                fs::remove_file(name).ok();
                Err(error)
            }
        }
    }

    /// One that another controller took.
    pub(crate) const fn taken(folder: PathBuf, from: u64) -> Self {
        Self { folder, place: None, state: State::Taken { from } }
    }

    /// Whether it leads there.
    pub(crate) fn leads_to(&self, place: &Path) -> bool {
        self.place.as_deref() == Some(place)
    }

    /// Waits until one that was asked for is offered. May be dropped and called again.
    pub(crate) async fn offered(&mut self) {
        while let State::Asked { pause, .. } = &mut self.state {
            sleep(*pause).await;
            *pause = (*pause * 2).min(LOOK.1);
            let said = fs::read_to_string(self.folder.join("shortcut.from")).unwrap_or_default();
            let Some(from) = said.strip_suffix('\n').and_then(|from| from.parse().ok()) else {
                continue;
            };
            let state = std::mem::replace(&mut self.state, State::Taken { from });
            if let State::Asked { pipe, .. } = state {
                self.state = State::Offered { pipe, from };
            }
        }
    }

    /// Whether it is asked for, and not offered yet.
    pub(crate) const fn is_asked(&self) -> bool {
        matches!(self.state, State::Asked { .. })
    }

    /// From where on it is offered.
    pub(crate) const fn offer(&self) -> Option<u64> {
        match self.state {
            State::Offered { from, .. } => Some(from),
            _ => None,
        }
    }

    /// Whether it is under way.
    pub(crate) const fn is_taken(&self) -> bool {
        matches!(self.state, State::Taken { .. })
    }

    /// Takes one that is offered, for so many bytes.
    ///
    /// # Errors
    /// When the supervisor cannot be told.
    pub(crate) fn take(&mut self, count: u64) -> io::Result<()> {
        let Some(from) = self.offer() else { return Ok(()) };
        // If it is not told, it sees the end of the pipe, and brings nothing.
        match std::mem::replace(&mut self.state, State::Taken { from }) {
            State::Offered { mut pipe, .. } => pipe.write_all(format!("{count}\n").as_bytes()),
            State::Asked { .. } | State::Taken { .. } => Ok(()),
        }
    }

    /// Where the control stream goes on, once one that was taken is at its end.
    pub(crate) fn end(&self) -> Option<u64> {
        let State::Taken { from } = &self.state else { return None };
        let said = fs::read_to_string(self.folder.join("shortcut.to")).ok()?;
        let (began, to) = said.strip_suffix('\n')?.split_once(' ')?;
        let to = to.parse().ok()?;
        (began.parse() == Ok(*from) && to >= *from).then_some(to)
    }

    /// Removes what tells the end, once it is known to whoever may go on with the run.
    pub(crate) fn forget(self) {
        fs::remove_file(self.folder.join("shortcut.to")).ok();
    }
}

fn missing_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
