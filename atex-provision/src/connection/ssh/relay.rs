//! A relay: moves what a program prints from ssh's pipe to a descriptor of the caller's, in the kernel where that can be.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

/// The reading end of a pipe, which does not block.
pub(super) type Source = AsyncFd<File>;

/// So much is moved at once: what a pipe holds by default.
const STEP: usize = 64 * 1024;
/// So many steps are made before the relay can be stopped.
const STEPS: usize = 16;
/// A pipe, socket or terminal that takes anything at all takes this much without making us wait.
const SMALL: usize = 4096;

/// Where the bytes go, and how.
pub(super) enum Target {
    /// By a thread that may wait for the disk, within the kernel unless it refuses.
    File(Arc<File>, Step),
    /// Copied whenever there is room.
    Stream(AsyncFd<File>),
}

/// Moves some bytes; 0 at the end of the pipe.
type Step = fn(&File, &File) -> io::Result<usize>;

impl Target {
    /// `shared` says that somebody else may write there at the same time: moving within the kernel does not lock the
    /// position of a file, so that one of the two would overwrite the other.
    pub(super) fn new(fd: OwnedFd, shared: bool) -> io::Result<Self> {
        let is_file = FileType::from_raw_mode(fstat(&fd)?.st_mode) == FileType::RegularFile;
        let file = File::from(fd);
        if is_file {
            return Ok(Self::File(Arc::new(file), if shared { copy } else { splice_or_copy }));
        }
        Ok(match watched(file, Interest::WRITABLE) {
            Ok(stream) => Self::Stream(stream),
            // A device that is always ready.
            Err((file, _)) => Self::File(Arc::new(file), copy),
        })
    }
}

/// A descriptor that is waited for; what cannot be waited for comes back.
#[expect(deprecated, reason = "its replacement is unsafe; a File keeps the descriptor that it has")]
pub(super) fn watched(file: File, interest: Interest) -> Result<AsyncFd<File>, (File, io::Error)> {
    AsyncFd::try_with_interest(file, interest).map_err(|refused| refused.into_parts())
}

/// Moves all that comes, until the end. Dropping the future stops it, after another mebibyte at most.
///
/// Whoever closed the target wants no more, which is no error.
pub(super) async fn relay(source: Arc<Source>, target: Target) -> io::Result<()> {
    let moved = match target {
        Target::File(file, step) => to_file(source, file, step).await,
        Target::Stream(stream) => to_stream(&source, &stream).await,
    };
    match moved {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        moved => moved,
    }
}

async fn to_file(source: Arc<Source>, file: Arc<File>, step: Step) -> io::Result<()> {
    loop {
        let mut ready = source.readable().await?;
        let (from, to) = (Arc::clone(&source), Arc::clone(&file));
        let left = spawn_blocking(move || steps(from.get_ref(), &to, step));
        match left.await.map_err(io::Error::other)?? {
            Left::Ended => return Ok(()),
            Left::Nothing => ready.clear_ready(),
            Left::Perhaps => {}
        }
    }
}

/// What is left in a pipe.
enum Left {
    Ended,
    Nothing,
    Perhaps,
}

fn steps(from: &File, to: &File, step: Step) -> io::Result<Left> {
    for _ in 0..STEPS {
        match step(from, to) {
            Ok(0) => return Ok(Left::Ended),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Left::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Left::Perhaps)
}

fn splice_or_copy(from: &File, to: &File) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    match splice(from, None, to, None, STEP, flags) {
        // A file that is only appended to, or one on a file system that cannot.
        Err(Errno::INVAL) => copy(from, to),
        moved => Ok(moved?),
    }
}

fn copy(mut from: &File, mut to: &File) -> io::Result<usize> {
    let mut bytes = vec![0; STEP];
    let length = from.read(&mut bytes)?;
    to.write_all(&bytes[..length])?;
    Ok(length)
}

async fn to_stream(source: &Source, stream: &AsyncFd<File>) -> io::Result<()> {
    let mut bytes = vec![0; STEP];
    loop {
        let read = source.async_io(Interest::READABLE, |mut from| from.read(&mut bytes));
        let mut rest = match read.await? {
            0 => return Ok(()),
            length => &bytes[..length],
        };
        while !rest.is_empty() {
            room(stream).await?;
            match stream.get_ref().write(&rest[..rest.len().min(SMALL)]) {
                Ok(length) => rest = &rest[length..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Waits until the stream takes something. It is asked each time: a write that blocks would not tell that it is full, and
/// how others use it, which is not ours to change, may be that.
async fn room(stream: &AsyncFd<File>) -> io::Result<()> {
    loop {
        let mut ready = stream.writable().await?;
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut [PollFd::new(stream.get_ref(), PollFlags::OUT)], Some(&now))? > 0 {
            return Ok(());
        }
        ready.clear_ready();
    }
}
