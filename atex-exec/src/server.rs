//! [`Server`]: the program on a remote that starts tests one after the other, and brings what short ones say.

use std::fmt;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use atex_core::{BoxRead, BoxWrite, Child, Command, Connection, Error, Result, Status, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::guest::{Guest, SERVING, Start};

/// How much is read at once: more than any answer is long.
const CHUNK: usize = 16 << 10;

/// A program on a remote that starts tests for us, so that a short one costs no session of its own on the connection.
///
/// It answers for one test at a time. Dropping it ends it, and nothing else: tests have a supervisor of their own.
pub(crate) struct Server {
    origin: String,
    child: Child,
    stdin: BoxWrite,
    stdout: BoxRead,
    /// What came, and was not understood yet.
    came: Vec<u8>,
    /// Whether it serves; until then, what comes is the noise of a login shell.
    serves: bool,
}

/// What a server says of the test that it was asked to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It was started.
    Begun,
    /// It takes longer, or says more, than a server brings: whoever wants to know more attaches to it.
    Goes,
    /// It is over, as an attachment would say by this exit code; with all of its control stream, and what is to end its output.
    Ended { status: i32, control: Vec<u8>, output: Vec<u8> },
}

impl Server {
    /// Starts one by this command.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn start(connection: &dyn Connection, command: Command) -> Result<Self> {
        let command = command.stdin(Stdio::Piped).stdout(Stdio::Piped);
        let mut child = connection.spawn(command).await?;
        let origin = connection.name().to_owned();
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            let source = "its backend gave it no pipes".into();
            return Err(Error::Lost { origin, source });
        };
        Ok(Self { origin, child, stdin, stdout, came: Vec::new(), serves: false })
    }

    /// The rest of the first line that begins like this, which it says before it serves; nothing if it ends before.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn line_after(&mut self, begin: &str) -> Result<Option<String>> {
        loop {
            while let Some(end) = self.came.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.came.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line[..end]);
                if let Some(rest) = line.strip_prefix(begin) {
                    self.child.stderr = None;
                    return Ok(Some(rest.to_owned()));
                }
            }
            if self.read().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// How it ended without serving, and what it printed to say why.
    pub(crate) async fn failed(mut self) -> Result<(Status, String)> {
        const TEXT_MAX: u64 = 64 << 10;
        let mut text = Vec::new();
        if let Some(stderr) = self.child.stderr.take() {
            let read = stderr.take(TEXT_MAX).read_to_end(&mut text).await;
            read.map_err(|source| self.lost(source))?;
        }
        let status = self.child.wait().await?;
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Asks for a test to be started with its script.
    ///
    /// # Errors
    /// When the connection broke. Whether the test was started is not known then.
    pub(crate) async fn ask(&mut self, start: &Start, script: &str) -> Result<()> {
        self.say(Guest::request(start, script).as_bytes()).await
    }

    /// Sends it something.
    ///
    /// # Errors
    /// When the connection broke, or it ended.
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<()> {
        let said = async {
            self.stdin.write_all(bytes).await?;
            self.stdin.flush().await
        };
        said.await.map_err(|source| self.lost(source))
    }

    /// Reads what comes; how much.
    async fn read(&mut self) -> Result<usize> {
        let mut chunk = [0; CHUNK];
        let count = self.stdout.read(&mut chunk).await.map_err(|source| self.lost(source))?;
        self.came.extend_from_slice(&chunk[..count]);
        Ok(count)
    }

    /// Its next answer. May be dropped and called again.
    ///
    /// # Errors
    /// When the connection broke, or what answers is no server.
    pub(crate) async fn next(&mut self, run: u32) -> Result<Answer> {
        loop {
            if let Some(answer) = self.understand(run)? {
                return Ok(answer);
            }
            if self.read().await? == 0 {
                return Err(self.lost("what starts tests there ended".to_owned()));
            }
        }
    }

    /// The first whole answer of what came, taken out of it.
    fn understand(&mut self, run: u32) -> Result<Option<Answer>> {
        if !self.serves {
            let Some(end) = end_of(&self.came, SERVING) else { return Ok(None) };
            self.came.drain(..end);
            self.serves = true;
        }
        match parse(&self.came, run) {
            Ok(None) => Ok(None),
            Ok(Some((answer, length))) => {
                self.came.drain(..length);
                Ok(Some(answer))
            }
            Err(line) => Err(self.lost(format!("what starts tests there said {line:?}"))),
        }
    }

    /// Whether it still runs, as far as is known.
    async fn is_there(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.child.wait() => false,
            // What nobody asked for is no answer to another test.
            () = std::future::ready(()) => self.came.is_empty() || !self.serves,
        }
    }

    /// Ends it, and waits until it is gone.
    pub(crate) async fn end(self) {
        let Self { mut child, stdin, stdout, .. } = self;
        drop((stdin, stdout));
        child.start_kill().ok();
        child.wait().await.ok();
    }

    fn lost(&self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Lost { origin: self.origin.clone(), source: source.into() }
    }
}

/// Where the first occurrence of something ends.
fn end_of(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what).map(|at| at + what.len())
}

/// The answer that some bytes begin with, of this run, and how long it is; nothing if there is more to come, and the line that cannot be
/// understood.
fn parse(bytes: &[u8], run: u32) -> Result<Option<(Answer, usize)>, String> {
    /// Longer than any line.
    const LINE_MAX: usize = 128;
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        let is_line = bytes.len() <= LINE_MAX;
        return if is_line { Ok(None) } else { Err(lossy(&bytes[..LINE_MAX])) };
    };
    let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
    let words: Vec<&str> = std::str::from_utf8(line).unwrap_or_default().split(' ').collect();
    let of = |number: &str| number.parse() == Ok(run);
    let length = |text: &str| text.parse::<usize>().ok().filter(|length| *length <= CHUNK);
    let answer = match words[..] {
        ["atex:", "run", number] if of(number) => Some((Answer::Begun, end + 1)),
        ["atex:", "long", number] if of(number) => Some((Answer::Goes, end + 1)),
        ["atex:", "end", number, status, control, output] if of(number) => {
            let parsed = (status.parse().ok(), length(control), length(output));
            let (Some(status), Some(control), Some(output)) = parsed else {
                return Err(lossy(line));
            };
            if rest.len() < control + output {
                return Ok(None);
            }
            let part = |range: Range<usize>| rest[range].to_vec();
            let (control, output) = (part(0..control), part(control..control + output));
            let length = end + 1 + control.len() + output.len();
            Some((Answer::Ended { status, control, output }, length))
        }
        _ => None,
    };
    answer.map(Some).ok_or_else(|| lossy(line))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned()
}

/// The server of a session, as long as no run has it.
#[derive(Default)]
pub(crate) struct Servers(Mutex<Option<Server>>);

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

impl Servers {
    /// The one that is there and well, else a new one.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) async fn get(&self, connection: &dyn Connection, guest: &Guest) -> Result<Server> {
        let kept = self.take();
        if let Some(mut server) = kept
            && server.is_there().await
        {
            return Ok(server);
        }
        Server::start(connection, guest.serve()).await
    }

    fn take(&self) -> Option<Server> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps one for the next run.
    pub(crate) fn keep(&self, server: Server) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
    }

    /// Ends the one that is there.
    pub(crate) async fn end(&self) {
        if let Some(server) = self.take() {
            server.end().await;
        }
    }
}
