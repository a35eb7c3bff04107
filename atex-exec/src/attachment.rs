//! [`Attachment`]: what brings us what a test says and prints.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

use atex_core::{BoxRead, BoxWrite, Child, Connection, Error, Result, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::guest::{ATTACHED, Guest, Start};
use crate::server::{Answer, Server};

/// What brings us what a test says and prints.
pub(crate) enum Attachment {
    /// A command of its own.
    Own(Own),
    /// The server that started it, which brings all of a short one at its end.
    Served(Served),
}

/// The command that brings us what a test says; what it prints goes from that command to its file by itself.
pub(crate) struct Own {
    origin: String,
    child: Child,
    /// What is safe here is said there.
    stdin: Option<BoxWrite>,
    /// The control stream, as long as it is open.
    control: Option<BoxRead>,
    /// Whether the attachment has begun; until then, what comes is the noise of a login shell.
    begun: bool,
    /// Whether the remote asks what is here already.
    asks: bool,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    /// The attachment has begun; these bytes of the control stream came with it.
    Begun(Range<usize>),
    /// These bytes of the control stream, which may be none.
    Bytes(Range<usize>),
    /// Nothing: the test goes on, and has to be attached to.
    Goes,
    /// All that there is; the command has ended.
    End(Status),
}

impl Attachment {
    /// Starts a run of a test with its script, and attaches to it.
    pub(crate) async fn start(
        connection: &dyn Connection,
        guest: &Guest,
        start: &Start,
        script: &str,
        output: File,
    ) -> Result<Self> {
        let command = guest.run(start, script.len()).stderr(output);
        let mut own = Own::of(connection, connection.spawn(command).await?, false);
        own.say(script).await?;
        Ok(Self::Own(own))
    }

    /// Has a server start a run of a test with its script.
    pub(crate) async fn serve(
        mut server: Server,
        start: &Start,
        script: &str,
        output: File,
    ) -> Result<Self> {
        server.ask(start, script).await?;
        Ok(Self::Served(Served { server, run: start.run, output, status: None }))
    }

    /// Attaches to a run.
    pub(crate) async fn again(
        connection: &dyn Connection,
        command: atex_core::Command,
        output: File,
    ) -> Result<Self> {
        let child = connection.spawn(command.stderr(output)).await?;
        Ok(Self::Own(Own::of(connection, child, true)))
    }

    /// The next that comes, in `chunk`. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn next(&mut self, chunk: &mut [u8]) -> Result<Came> {
        match self {
            Self::Own(own) => own.next(chunk).await,
            Self::Served(served) => served.next(chunk).await,
        }
    }

    /// Whether the remote waits to be told what is here already.
    pub(crate) fn asks(&mut self) -> bool {
        match self {
            Self::Own(own) => std::mem::take(&mut own.asks),
            Self::Served(_) => false,
        }
    }

    /// Says how much of both streams is here, and safe.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn acknowledge(&mut self, control: u64, output: u64) -> Result<()> {
        match self {
            Self::Own(own) => own.say(&format!("{control} {output}\n")).await,
            // It brings no more than can be kept there.
            Self::Served(_) => Ok(()),
        }
    }

    /// The server whose last word on the test has come, for another test.
    pub(crate) fn into_server(self) -> Option<Server> {
        match self {
            Self::Own(_) => None,
            Self::Served(served) => Some(served.server),
        }
    }

    /// Ends it, so that it writes to the output no more.
    pub(crate) async fn end(self) {
        match self {
            Self::Own(own) => own.end().await,
            Self::Served(served) => served.server.end().await,
        }
    }
}

/// A test that a server starts.
pub(crate) struct Served {
    server: Server,
    run: u32,
    output: File,
    /// How it ended, once all of it was brought.
    status: Option<Status>,
}

impl Served {
    async fn next(&mut self, chunk: &mut [u8]) -> Result<Came> {
        if let Some(status) = self.status {
            return Ok(Came::End(status));
        }
        match self.server.next(self.run).await? {
            Answer::Begun => Ok(Came::Begun(0..0)),
            Answer::Goes => Ok(Came::Goes),
            Answer::Ended { status, control, output } => {
                // As the remote says that it could not be sent, where it goes past us.
                let stored = self.output.write_all(&output).map_or(5, |()| status);
                self.status = Some(Status::Code(stored));
                chunk[..control.len()].copy_from_slice(&control);
                Ok(Came::Bytes(0..control.len()))
            }
        }
    }
}

impl Own {
    fn of(connection: &dyn Connection, mut child: Child, asks: bool) -> Self {
        let (stdin, control) = (child.stdin.take(), child.stdout.take());
        let origin = connection.name().to_owned();
        Self { origin, child, stdin, control, begun: false, asks }
    }

    async fn next(&mut self, chunk: &mut [u8]) -> Result<Came> {
        if let Some(control) = &mut self.control {
            let count = control.read(chunk).await.map_err(|source| lost(&self.origin, source))?;
            if count > 0 {
                return Ok(self.split(&chunk[..count]));
            }
            self.control = None;
        }
        self.child.wait().await.map(Came::End)
    }

    /// Where the control stream begins in a chunk: after the line that says that the attachment has begun, which the guest
    /// writes at once and alone.
    fn split(&mut self, chunk: &[u8]) -> Came {
        if self.begun {
            return Came::Bytes(0..chunk.len());
        }
        match chunk.windows(ATTACHED.len()).position(|window| window == ATTACHED) {
            Some(at) => {
                self.begun = true;
                Came::Begun(at + ATTACHED.len()..chunk.len())
            }
            None => Came::Bytes(0..0),
        }
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        let written = async {
            stdin.write_all(text.as_bytes()).await?;
            stdin.flush().await
        };
        match written.await {
            // It ended before it read everything, and says why by its exit code.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.stdin = None;
                Ok(())
            }
            result => result.map_err(|source| lost(&self.origin, source)),
        }
    }

    async fn end(mut self) {
        (self.stdin, self.control) = (None, None);
        self.child.start_kill().ok();
        self.child.wait().await.ok();
    }
}

fn lost(origin: &str, source: io::Error) -> Error {
    Error::Lost { origin: origin.to_owned(), source: source.into() }
}
