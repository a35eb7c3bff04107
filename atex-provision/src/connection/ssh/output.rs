//! [`Output`]: an output of a program, on its way from ssh to the caller.

use std::fs::File;
use std::io::{self, Read, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use atex_core::{BoxRead, Stdio};
use rustix::fs::fstat;
use rustix::io::{ioctl_fionbio, ioctl_fionread};
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::noise::{Hearing, Unheard};
use super::relay::{Source, Target, relay, watched};

/// How often it is seen whether an output is still of use, once its program has ended.
const LOOK: Duration = Duration::from_secs(1);
/// After so many looks in a row at which nothing had come, nothing will: something in the background holds the output.
const SILENT_LOOKS: u32 = 5;
/// The same, after so many looks in all: something in the background goes on printing.
const LOOKS: u32 = 30;

/// How much has to come for a pipe to be made larger, and to what.
const MUCH: usize = 4 << 20;
const LARGE_PIPE: usize = 256 << 10;

/// An output of a program. Dropping it stops its relay, if it has one.
pub(super) struct Output {
    /// Held by who reads it, so that a program is told when nobody does any more.
    pipe: Weak<Source>,
    /// None if the caller reads the pipe.
    relay: Option<AbortOnDropHandle<io::Result<()>>>,
}

/// An output of a program that has not started yet: nothing is moved, nobody reads.
pub(super) struct Outlet {
    source: Option<Arc<Source>>,
    to: To,
}

/// Where an output goes.
enum To {
    Nobody,
    Caller,
    Descriptor(Target),
}

/// Opens both outputs of a program, and gives what ssh is given. If noise is possible, what nobody wants goes through a pipe
/// as well: a word may come.
pub(super) fn open(
    stdout: Stdio,
    stderr: Stdio,
    noise: bool,
) -> io::Result<[(openssh::Stdio, Outlet); 2]> {
    let shared = match (&stdout, &stderr) {
        (Stdio::Fd(one), Stdio::Fd(other)) => {
            let (one, other) = (fstat(one)?, fstat(other)?);
            (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)
        }
        _ => false,
    };
    Ok([Outlet::open(stdout, shared, noise)?, Outlet::open(stderr, shared, noise)?])
}

impl Outlet {
    fn open(stdio: Stdio, shared: bool, noise: bool) -> io::Result<(openssh::Stdio, Self)> {
        let to = match stdio {
            Stdio::Null if !noise => {
                return Ok((openssh::Stdio::null(), Self { source: None, to: To::Nobody }));
            }
            Stdio::Null => To::Nobody,
            Stdio::Piped => To::Caller,
            Stdio::Fd(fd) => To::Descriptor(Target::new(fd, shared)?),
        };
        let (reader, writer) = pipe()?;
        ioctl_fionbio(&reader, true)?;
        let source = Some(Arc::new(readable(reader.into())?));
        Ok((OwnedFd::from(writer).into(), Self { source, to }))
    }

    /// Passes over what comes before the word.
    pub(super) async fn hear(&self, hearing: &mut Hearing) -> Result<(), Unheard> {
        match &self.source {
            Some(source) => hearing.hear(source).await,
            None => Ok(()),
        }
    }

    /// Lets go on what comes from now on: gives what is kept, and what the caller gets.
    pub(super) fn start(self) -> (Option<Output>, Option<BoxRead>) {
        let Some(source) = self.source else { return (None, None) };
        let pipe = Arc::downgrade(&source);
        match self.to {
            To::Nobody => (None, None),
            To::Caller => (Some(Output { pipe, relay: None }), Some(Box::new(Reader::new(source)))),
            To::Descriptor(target) => {
                let relay = Some(AbortOnDropHandle::new(tokio::spawn(relay(source, target))));
                (Some(Output { pipe, relay }), None)
            }
        }
    }
}

impl Output {
    /// Once the program has ended: waits until ssh is done with the output, and until a relay has moved all of it; or until
    /// nobody reads it any more; or for 5 seconds in which nothing comes, 30 seconds in all. Time in which more may come as soon
    /// as the caller makes room does not count.
    ///
    /// # Errors
    /// Why a relay could not write what came.
    pub(super) async fn settle(&mut self) -> io::Result<()> {
        let Some(relay) = &mut self.relay else {
            settled(&self.pipe, Unread::Half).await?;
            return Ok(());
        };
        let moved = tokio::select! {
            biased;
            moved = &mut *relay => moved,
            settled = settled(&self.pipe, Unread::Any) => match settled? {
                // Only the target keeps the relay.
                Settled::Ended => relay.await,
                Settled::Silent => return Ok(()),
            },
        };
        self.relay = None;
        moved.map_err(io::Error::other)?
    }
}

enum Settled {
    /// Ssh has closed it, or nobody reads it.
    Ended,
    Silent,
}

/// How much of a pipe, unread, means that more may wait behind it.
#[derive(Debug, Clone, Copy)]
enum Unread {
    /// A relay reads as soon as it can.
    Any,
    /// The caller need not read what the pipe holds, before the end or ever.
    Half,
}

async fn settled(pipe: &Weak<Source>, unread: Unread) -> io::Result<Settled> {
    // A descriptor of its own, because what it is told by tokio is its own as well.
    let Some(own) = pipe.upgrade().map(|source| source.as_fd().try_clone_to_owned()) else {
        return Ok(Settled::Ended);
    };
    let own = readable(own?)?;
    let enough = match unread {
        Unread::Any => 0,
        Unread::Half => fcntl_getpipe_size(&own)? as u64 / 2,
    };
    let (mut silent, mut looks) = (0, 0);
    while silent < SILENT_LOOKS && looks < LOOKS {
        let mut came = false;
        let next = sleep(LOOK);
        tokio::pin!(next);
        loop {
            tokio::select! {
                ready = own.readable() => {
                    let mut ready = ready?;
                    if ready.ready().is_read_closed() {
                        return Ok(Settled::Ended);
                    }
                    ready.clear_ready();
                    came = true;
                }
                () = &mut next => break,
            }
        }
        if pipe.strong_count() == 0 {
            return Ok(Settled::Ended);
        }
        let waits = ioctl_fionread(&own)? > enough;
        silent = if came || waits { 0 } else { silent + 1 };
        looks += u32::from(!waits);
    }
    Ok(Settled::Silent)
}

fn readable(fd: OwnedFd) -> io::Result<Source> {
    watched(File::from(fd), Interest::READABLE).map_err(|(_, error)| error)
}

/// What the caller reads.
struct Reader {
    source: Arc<Source>,
    /// How much is to come before the pipe is made larger.
    small: usize,
}

impl Reader {
    const fn new(source: Arc<Source>) -> Self {
        Self { source, small: MUCH }
    }

    /// Makes the pipe larger once much came: fewer turns between ssh and us. Not each, because there are only so many for a user.
    fn enlarge(&mut self, came: usize) {
        if self.small > 0 {
            self.small = self.small.saturating_sub(came);
            if self.small == 0 {
                fcntl_setpipe_size(&*self.source, LARGE_PIPE).ok();
            }
        }
    }
}

impl AsyncRead for Reader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.source.poll_read_ready(context))?;
            let read = ready.try_io(|source| source.get_ref().read(buffer.initialize_unfilled()));
            if let Ok(read) = read {
                let length = read?;
                buffer.advance(length);
                self.enlarge(length);
                return Poll::Ready(Ok(()));
            }
        }
    }
}
