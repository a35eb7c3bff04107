//! [`Attachment`]: the command that brings us what a test says and prints.

use std::fs::File;
use std::io;
use std::ops::Range;

use atex_core::{BoxRead, BoxWrite, Child, Connection, Error, Result, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::guest::{ATTACHED, Guest, Start};

/// The command that brings us what a test says; what it prints goes from that command to its file by itself.
pub(crate) struct Attachment {
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
        let mut attachment = Self::of(connection, connection.spawn(command).await?, false);
        attachment.say(script).await?;
        Ok(attachment)
    }

    /// Attaches to a run.
    pub(crate) async fn again(
        connection: &dyn Connection,
        command: atex_core::Command,
        output: File,
    ) -> Result<Self> {
        let child = connection.spawn(command.stderr(output)).await?;
        Ok(Self::of(connection, child, true))
    }

    fn of(connection: &dyn Connection, mut child: Child, asks: bool) -> Self {
        let (stdin, control) = (child.stdin.take(), child.stdout.take());
        let origin = connection.name().to_owned();
        Self { origin, child, stdin, control, begun: false, asks }
    }

    /// The next that comes, in `chunk`. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn next(&mut self, chunk: &mut [u8]) -> Result<Came> {
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

    /// Whether the remote waits to be told what is here already.
    pub(crate) fn asks(&mut self) -> bool {
        std::mem::take(&mut self.asks)
    }

    /// Says how much of both streams is here, and safe.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn acknowledge(&mut self, control: u64, output: u64) -> Result<()> {
        self.say(&format!("{control} {output}\n")).await
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

    /// Ends it, so that it writes to the output no more.
    pub(crate) async fn end(mut self) {
        (self.stdin, self.control) = (None, None);
        self.child.start_kill().ok();
        self.child.wait().await.ok();
    }
}

fn lost(origin: &str, source: io::Error) -> Error {
    Error::Lost { origin: origin.to_owned(), source: source.into() }
}
