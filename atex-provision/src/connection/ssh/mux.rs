//! The client's side of ssh connection sharing: one command, or one question, to a master through its control socket.
//!
//! This is version 4 of the protocol that OpenSSH describes in its `PROTOCOL.mux`, as far as it is needed here.
//! Descriptors are handed to the master, so what a program prints does not pass through our memory.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::UnixStream;

const VERSION: u32 = 4;
const HELLO: u32 = 0x0000_0001;
const NEW_SESSION: u32 = 0x1000_0002;
const ALIVE_CHECK: u32 = 0x1000_0004;
const PERMISSION_DENIED: u32 = 0x8000_0002;
const FAILURE: u32 = 0x8000_0003;
const EXIT_MESSAGE: u32 = 0x8000_0004;
const ALIVE: u32 = 0x8000_0005;
const SESSION_OPENED: u32 = 0x8000_0006;

/// No message of a master is longer; what claims to be is no master.
const MESSAGE_MAX: u32 = 256 * 1024;

/// Why a master did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum MuxError {
    /// It does not answer: it is ending, or has ended.
    #[error("the ssh master does not answer: {0}")]
    Gone(#[from] io::Error),
    /// It, or the server, refused.
    #[error("{0}")]
    Refused(String),
    /// It speaks another protocol.
    #[error("the ssh master said something that was not expected: {0}")]
    Protocol(String),
}

/// A program that was asked for. Dropping it makes the master close the program's streams.
#[derive(Debug)]
pub(super) struct Session {
    master: Master,
}

/// Asks whether the master is there.
pub(super) async fn check(socket: &Path) -> Result<(), MuxError> {
    let mut master = Master::connect(socket).await?;
    master.send(&[&ALIVE_CHECK.to_be_bytes(), &0_u32.to_be_bytes()]).await?;
    match master.receive().await? {
        Message { kind: ALIVE, .. } => Ok(()),
        message => Err(message.unexpected()),
    }
}

impl Session {
    /// Asks for a command line to be run by the login shell of the remote, with these descriptors as its streams.
    pub(super) async fn open(
        socket: &Path,
        command: &[u8],
        streams: [BorrowedFd<'_>; 3],
    ) -> Result<Self, MuxError> {
        let mut master = Master::connect(socket).await?;
        let off = 0_u32.to_be_bytes();
        let no_escape = u32::MAX.to_be_bytes();
        let length = u32::try_from(command.len())
            .map_err(|_| MuxError::Refused("the command is too long".to_owned()))?
            .to_be_bytes();
        // Request number, a reserved text, terminal, X11, agent, subsystem, escape character, $TERM, command.
        let kind = NEW_SESSION.to_be_bytes();
        let request: [&[u8]; 10] =
            [&kind, &off, &off, &off, &off, &off, &off, &no_escape, &off, &length];
        master.send(&[&request.concat(), command]).await?;
        for stream in streams {
            master.send_descriptor(stream).await?;
        }
        match master.receive().await? {
            Message { kind: SESSION_OPENED, .. } => Ok(Self { master }),
            Message { kind: PERMISSION_DENIED | FAILURE, body } => {
                let reason = body.get(8..).unwrap_or_default();
                Err(MuxError::Refused(String::from_utf8_lossy(reason).into_owned()))
            }
            message => Err(message.unexpected()),
        }
    }

    /// Waits for the end of the program and gives its exit code. `None` when there is none: it was killed by a signal, or
    /// the connection broke. Its output may still be on its way: see [`closed`](Self::closed).
    pub(super) async fn exit(&mut self) -> Option<i32> {
        loop {
            match self.master.receive().await {
                Ok(Message { kind: EXIT_MESSAGE, body }) => {
                    return Some(Message::number(&body, 4)?.cast_signed());
                }
                // The terminal that it speaks of is never asked for.
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Waits until the master is done with the streams: all that the program printed was written to them.
    pub(super) async fn closed(&mut self) {
        while self.master.receive().await.is_ok() {}
    }
}

/// A connection to the control socket, with greetings exchanged.
#[derive(Debug)]
struct Master {
    stream: UnixStream,
}

impl Master {
    async fn connect(socket: &Path) -> Result<Self, MuxError> {
        let mut master = Self { stream: UnixStream::connect(socket).await? };
        master.send(&[&HELLO.to_be_bytes(), &VERSION.to_be_bytes()]).await?;
        match master.receive().await? {
            Message { kind: HELLO, body } if Message::number(&body, 0) == Some(VERSION) => {
                Ok(master)
            }
            message => Err(message.unexpected()),
        }
    }

    async fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let body = parts.concat();
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        self.stream.write_all(&[&length.to_be_bytes()[..], &body].concat()).await
    }

    async fn send_descriptor(&self, descriptor: BorrowedFd<'_>) -> io::Result<()> {
        let descriptors = [descriptor];
        let send = || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&descriptors));
            let byte = [IoSlice::new(&[0])];
            Ok(sendmsg(&self.stream, &byte, &mut control, SendFlags::NOSIGNAL)?)
        };
        match self.stream.async_io(Interest::WRITABLE, send).await? {
            1 => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    async fn receive(&mut self) -> Result<Message, MuxError> {
        let length = self.stream.read_u32().await?;
        if !(4..=MESSAGE_MAX).contains(&length) {
            return Err(MuxError::Protocol(format!("a message of {length} bytes")));
        }
        let kind = self.stream.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        self.stream.read_exact(&mut body).await?;
        Ok(Message { kind, body })
    }
}

struct Message {
    kind: u32,
    body: Vec<u8>,
}

impl Message {
    fn number(body: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(body.get(at..at + 4)?.try_into().ok()?))
    }

    fn unexpected(&self) -> MuxError {
        MuxError::Protocol(format!("message {:#x}", self.kind))
    }
}
