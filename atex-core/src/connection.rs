//! [`Connection`]: a channel to one system.

use std::fmt;
use std::future::{Future, pending};
use std::path::Path;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::upload::{CopyOptions, tar_through_spawn};
use crate::{Child, Command, Error, PackedTree, Result, Status, Stdio};

/// A channel to one system, on which programs run. Used as `Arc<dyn Connection>`; every method may be called from many
/// tasks at once.
///
/// # For implementers
/// Only [`spawn`](Self::spawn) is required, besides a name. Run the suite in `atex_core::testkit::conformance::connection`
/// against it. Give up promptly when a future is dropped, and leave nothing behind.
#[async_trait]
pub trait Connection: fmt::Debug + Send + Sync + 'static {
    /// The system, as people call it: for messages.
    fn name(&self) -> &str;

    /// Starts a program and returns once it is started (which over a network may mean: once it was asked for).
    ///
    /// Arguments and variables arrive byte for byte, except NUL, which is refused. Streams are binary-clean and end when
    /// the last program that holds them closes them. Exit codes 0 to 255 arrive as they are, 255 included; a program that
    /// is not there ends with 127 or is [`Error::Spawn`], one that cannot be executed with 126 or [`Error::Spawn`].
    /// Dropping this future starts nothing, or kills what it started. Dropping the [`Child`] kills the program.
    ///
    /// # Errors
    /// [`Error::Usage`] for a command that no system could start, [`Error::NotConnected`], [`Error::Lost`], [`Error::Spawn`].
    async fn spawn(&self, command: Command) -> Result<Child>;

    /// Asks whether the system still answers. Cheap; may be called at any time. The default believes that it does.
    ///
    /// # Errors
    /// [`Error::Lost`] or [`Error::NotConnected`] when it does not.
    async fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Opens the channel anew after it broke, or after the system rebooted. Programs that ran through the old channel are
    /// lost to it. Many callers at once share one attempt. Dropping the future gives up the attempt, and leaves the
    /// connection closed.
    ///
    /// # Errors
    /// [`Error::Unsupported`] unless the backend can do it; [`Error::Connect`] when the system does not answer.
    async fn reconnect(&self) -> Result<()> {
        Err(Error::Unsupported { origin: self.name().to_owned(), what: "reconnecting" })
    }

    /// Resolves, with the reason, when the channel breaks; stays pending while it is open. Select on it instead of polling.
    /// The default never resolves.
    async fn closed(&self) -> Error {
        pending().await
    }

    /// Lays the content of a folder of this machine into a folder of the remote, which is made if it is not there.
    ///
    /// Files that are there already are replaced, others are left alone; modes, times and symbolic links are kept, owners are
    /// not. The default sends a tar stream through `tar -x` on the remote. When it fails or is dropped half-way, a part of
    /// the content is there; doing it again mends that.
    ///
    /// # Errors
    /// [`Error::Io`] for what cannot be read here, [`Error::Failed`] for what cannot be written there.
    async fn upload(&self, from: &Path, to: &str, options: &CopyOptions) -> Result<()> {
        tar_through_spawn(self, self.name(), from, to, options).await
    }

    /// Lays a tree that was packed beforehand into a folder of the remote, as [`upload`](Self::upload) does. The default sends it
    /// once: the remote keeps one tree of 64 KiB to 512 MiB in its user's cache (`~/.cache/atex`, or `atex` in `XDG_CACHE_HOME`), and
    /// the one that it has, by its digest, is only unpacked. Where nothing can be kept, it is sent each time.
    ///
    /// # Errors
    /// [`Error::Failed`] for what cannot be written there.
    async fn upload_packed(&self, tree: &PackedTree, to: &str) -> Result<()> {
        tree.lay(self, to).await
    }

    /// Whether programs see the files of this machine, by the same paths and with the rights of this process, so that both can also
    /// meet at a pipe that lies there. The default says no, which is never wrong, only slower for long files.
    fn shares_files(&self) -> bool {
        false
    }

    /// Closes the channel; programs that still run through it are killed or lose their streams. Closing twice is no error.
    ///
    /// # Errors
    /// When it cannot be closed in order; it is unusable all the same.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// What a program printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Comfort on top of [`Connection::spawn`], for every connection.
pub trait ConnectionExt: Connection {
    /// Runs a program to its end with its output collected in memory, and its input as the command says.
    /// Only for programs that print little. Dropping the future kills it.
    ///
    /// # Errors
    /// Those of [`Connection::spawn`] and of waiting; how the program ended is no error.
    fn output(&self, command: Command) -> impl Future<Output = Result<Output>> + Send {
        run(self, command, None)
    }

    /// Like [`output`](Self::output), with these bytes as its standard input.
    ///
    /// # Errors
    /// Those of [`Connection::spawn`] and of waiting. A program that ends without reading all of the input is no error.
    fn output_with_input(
        &self,
        command: Command,
        input: &[u8],
    ) -> impl Future<Output = Result<Output>> + Send {
        run(self, command, Some(input))
    }

    /// Runs a bash script that must succeed, with arguments `$1`, `$2`, …, and returns what it printed.
    ///
    /// # Errors
    /// [`Error::Failed`], with the end of its standard error, unless it exits with 0.
    fn script(&self, script: &str, args: &[&str]) -> impl Future<Output = Result<String>> + Send {
        let command = Command::bash(script).args(args.iter().copied());
        async move {
            let output = run(self, command, None).await?;
            if output.status.success() {
                return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
            }
            Err(Error::Failed {
                origin: self.name().to_owned(),
                program: "bash".to_owned(),
                status: output.status,
                stderr: tail(&output.stderr),
            })
        }
    }
}

impl<C: Connection + ?Sized> ConnectionExt for C {}

async fn run<C: Connection + ?Sized>(
    connection: &C,
    command: Command,
    input: Option<&[u8]>,
) -> Result<Output> {
    let origin = connection.name();
    let mut command = command.stdout(Stdio::Piped).stderr(Stdio::Piped);
    if input.is_some() {
        command = command.stdin(Stdio::Piped);
    }
    let mut child = connection.spawn(command).await?;
    let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let write = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program may end without reading all of its input.
            if let Err(error) = stdin.write_all(input).await {
                tracing::debug!(origin, %error, "the program did not read all of its input");
            }
            stdin.shutdown().await.ok();
        }
        Ok(())
    };
    let read = async |pipe: Option<crate::BoxRead>, into: &mut Vec<u8>| match pipe {
        Some(mut pipe) => pipe.read_to_end(into).await.map(drop),
        None => Ok(()),
    };
    tokio::try_join!(write, read(out, &mut stdout), read(err, &mut stderr))
        .map_err(|source| Error::Lost { origin: origin.to_owned(), source: source.into() })?;
    let status = child.wait().await?;
    Ok(Output { status, stdout, stderr })
}

/// The end of what a program printed: at most 2,000 bytes, from the start of a line where there is one.
pub(crate) fn tail(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(2000);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let cut = &text[start..];
    match cut.find('\n') {
        Some(newline) if start > 0 => cut[newline + 1..].to_owned(),
        _ => cut.to_owned(),
    }
}
