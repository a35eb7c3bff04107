//! Programs for checks: one that can be seen to run, and to be dead, without looking at a clock.

use std::fmt;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::ensure;
use crate::{BoxError, BoxRead, Child, Command, Connection, ConnectionExt, Result, Stdio};

/// A folder of the remote for one check.
#[derive(Debug)]
pub struct Scratch<'a> {
    connection: &'a dyn Connection,
    path: String,
}

impl<'a> Scratch<'a> {
    /// Makes it.
    ///
    /// # Errors
    /// When the remote cannot.
    pub async fn new(connection: &'a dyn Connection) -> Result<Self> {
        let path = connection.script("mktemp -d", &[]).await?;
        Ok(Self { connection, path: path.trim_end().to_owned() })
    }

    /// Its path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Removes it.
    ///
    /// # Errors
    /// When the remote cannot.
    pub async fn remove(self) -> Result<()> {
        let script = r#"chmod -R u+rwx -- "$1" && rm -rf -- "$1""#;
        self.connection.script(script, &[&self.path]).await.map(drop)
    }
}

/// Sees whether programs are alive: each holds the writing end of a pipe on the remote, whose end is seen when the last of
/// them is dead. It takes no clock and no process table.
pub struct Watch {
    fifo: String,
    reader: Child,
    output: BufReader<BoxRead>,
    keeper: Child,
}

impl Watch {
    /// Starts watching, with a named pipe in this folder.
    ///
    /// # Errors
    /// When the remote cannot.
    pub async fn start(connection: &dyn Connection, folder: &str) -> Result<Self, BoxError> {
        let fifo = format!("{folder}/alive");
        connection.script(r#"mkfifo -- "$1""#, &[&fifo]).await?;
        // The two meet in opening the pipe; from then on nobody who opens it has to wait.
        let command = Command::bash(r#"exec 3<"$1"; echo open; exec cat <&3"#).arg(&fifo);
        let mut reader = connection.spawn(command.stdout(Stdio::Piped)).await?;
        let command = Command::bash(r#"exec 9>"$1"; read -r _"#).arg(&fifo);
        let keeper = connection.spawn(command.stdin(Stdio::Piped)).await?;
        let Some(output) = reader.stdout.take() else {
            return Err("the standard output was piped, and is not there".into());
        };
        let mut output = BufReader::new(output);
        expect_line(&mut output, "open").await?;
        Ok(Self { fifo, reader, output, keeper })
    }

    /// A program that runs until it is killed, with a child that does the same. Prints `ready` once both are watched.
    pub fn victim(&self) -> Command {
        let script = r#"exec 9>"$1"; sleep 100000 & echo ready; sleep 100000"#;
        Command::bash(script).arg(&self.fifo).stdout(Stdio::Piped)
    }

    /// The same as a script, for tests.
    pub fn victim_script(&self) -> String {
        format!("exec 9>'{}'; sleep 100000 & echo ready >&9; sleep 100000", self.fifo)
    }

    /// The pipe that what is watched holds open for writing.
    pub fn fifo(&self) -> &str {
        &self.fifo
    }

    /// Waits for a victim to say that it is ready.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(victim: &mut Child) -> Result<(), BoxError> {
        let Some(output) = &mut victim.stdout else {
            return Err("the standard output was piped, and is not there".into());
        };
        expect_line(&mut BufReader::new(output), "ready").await
    }

    /// Waits for a victim that runs [`victim_script`](Self::victim_script) to be ready.
    ///
    /// # Errors
    /// When all of them ended first.
    pub async fn script_ready(&mut self) -> Result<(), BoxError> {
        expect_line(&mut self.output, "ready").await
    }

    /// Waits until all that was watched is dead.
    ///
    /// # Errors
    /// When the remote cannot tell.
    pub async fn all_dead(mut self) -> Result<(), BoxError> {
        drop(self.keeper.stdin.take());
        let status = self.keeper.wait().await?;
        ensure!(status == crate::Status::Code(1), "the keeper of the pipe {status}");
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).await?;
        let status = self.reader.wait().await?;
        ensure!(status.success(), "the reader of the pipe {status}");
        Ok(())
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("fifo", &self.fifo).finish_non_exhaustive()
    }
}

async fn expect_line(
    output: &mut (impl AsyncBufReadExt + Unpin),
    expected: &str,
) -> Result<(), BoxError> {
    let mut line = String::new();
    output.read_line(&mut line).await?;
    ensure!(line.trim_end() == expected, "expected the line {expected:?}, got {line:?}");
    Ok(())
}
