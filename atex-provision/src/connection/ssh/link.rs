//! [`Link`]: one ssh master, and the programs that run through it.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, pipe};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::{BoxRead, BoxWrite, Child, Command, Error, Result, Stdio};
use tokio::net::unix::pipe as pipes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::master::{Ended, Master};
use super::mux::{MuxError, Session};
use super::process::{Hold, Marked, SshProcess};
use super::script;

/// So many commands are opened at once: the queue of a master's socket is short.
const OPENING_MAX: usize = 32;
/// How long an opening waits for the server to take one more session, while others of ours are open.
const SESSIONS_LIMIT: Duration = Duration::from_secs(60);
/// The same, when there are none of ours: one that has just ended may not be gone yet.
const ALONE_LIMIT: Duration = Duration::from_secs(1);
/// How long closing waits for programs to be killed before it hangs up.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// One ssh master, and the programs that run through it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) origin: String,
    pub(super) master: Master,
    opening: Semaphore,
    open: AtomicUsize,
    runtime: Handle,
    tasks: TaskTracker,
    prefix: u64,
    number: AtomicU64,
    marked: Mutex<HashSet<String>>,
}

impl Link {
    pub(super) fn new(origin: String, master: Master) -> Self {
        Self {
            origin,
            master,
            opening: Semaphore::new(OPENING_MAX),
            open: AtomicUsize::new(0),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            prefix: RandomState::new().build_hasher().finish(),
            number: AtomicU64::new(0),
            marked: Mutex::default(),
        }
    }

    pub(super) async fn spawn(self: &Arc<Self>, command: Command) -> Result<Child> {
        let cannot = |source: io::Error| Error::Spawn {
            origin: self.origin.clone(),
            program: command.program(),
            source: source.into(),
        };
        let mut child_pipes = (None, None, None);
        let (stdin, hold) = match command.stdin {
            Stdio::Null => {
                let (reader, writer) = pipe().map_err(cannot)?;
                (OwnedFd::from(reader), Hold::Lifeline(writer))
            }
            Stdio::Piped => {
                let (writer, reader) = pipes::pipe().map_err(cannot)?;
                child_pipes.0 = Some(Box::new(writer) as BoxWrite);
                (reader.into_blocking_fd().map_err(cannot)?, Hold::Token(Marked::new(self)))
            }
            Stdio::Fd(ref fd) => (fd.try_clone().map_err(cannot)?, Hold::Token(Marked::new(self))),
        };
        let (stdout, reader) = output(&command.stdout).map_err(cannot)?;
        child_pipes.1 = reader;
        let (stderr, reader) = output(&command.stderr).map_err(cannot)?;
        child_pipes.2 = reader;
        let token = match &hold {
            Hold::Lifeline(_) => None,
            Hold::Token(marked) => Some(marked.token()),
        };
        let line = script::command_line(&command, token);
        let opened = self.open(&line, [&stdin, &stdout, &stderr]).await;
        if let (Err(_), Some(token)) = (&opened, token) {
            self.forget(token);
        }
        let session = opened?;
        let flush =
            [&command.stdout, &command.stderr].iter().any(|own| matches!(own, Stdio::Fd(_)));
        let mut child = Child::new(Box::new(SshProcess::follow(session, hold, self, flush)));
        (child.stdin, child.stdout, child.stderr) = child_pipes;
        Ok(child)
    }

    /// Opens a session, as soon as the server takes one more.
    async fn open(self: &Arc<Self>, line: &[u8], streams: [&OwnedFd; 3]) -> Result<Open> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let opened = {
                let _permit = self.opening.acquire().await;
                Session::open(self.master.socket(), line, streams.map(OwnedFd::as_fd)).await
            };
            let error = match opened {
                Ok(session) => return Ok(Open::new(session, self)),
                Err(error) => error,
            };
            // It says no more than this when it is about the number of sessions.
            let MuxError::Refused(why) = &error else { return Err(self.lost(&error)) };
            let alone = self.open.load(Ordering::Relaxed) == 0;
            let limit = if alone { ALONE_LIMIT } else { SESSIONS_LIMIT };
            if begun.elapsed() > limit {
                let why = format!("{why} (does its sshd allow more sessions? see MaxSessions)");
                return Err(Error::infra(&self.origin, why));
            }
            tracing::debug!(origin = self.origin, why, "the server takes no further session yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    /// The connection is lost, if the master does not answer.
    pub(super) fn lost(&self, error: &MuxError) -> Error {
        match self.master.has_ended() {
            Some(ended) => self.ended(ended),
            None => Error::Lost { origin: self.origin.clone(), source: error.to_string().into() },
        }
    }

    /// How the master ended, as an error.
    pub(super) fn ended(&self, ended: Ended) -> Error {
        let said = if ended.said.is_empty() { "ssh was killed".to_owned() } else { ended.said };
        Error::Lost { origin: self.origin.clone(), source: said.into() }
    }

    /// Kills what has no lifeline, then hangs up.
    pub(super) async fn close(self: &Arc<Self>) {
        let tokens: Vec<String> = self.marked().drain().collect();
        if !tokens.is_empty() {
            self.tasks.spawn(Arc::clone(self).kill(tokens));
        }
        self.tasks.close();
        if tokio::time::timeout(KILL_LIMIT, self.tasks.wait()).await.is_err() {
            tracing::warn!(origin = self.origin, "programs may be left running there");
        }
        self.master.end().await;
    }

    pub(super) fn new_token(&self) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let token = format!("{:016x}-{number}", self.prefix);
        self.marked().insert(token.clone());
        token
    }

    /// The program has ended: nothing will be killed. Whether it was known as running.
    pub(super) fn forget(&self, token: &str) -> bool {
        self.marked().remove(token)
    }

    /// Kills a program in the background.
    pub(super) fn start_kill(self: &Arc<Self>, token: String) {
        self.tasks.spawn_on(Arc::clone(self).kill(vec![token]), &self.runtime);
    }

    async fn kill(self: Arc<Self>, tokens: Vec<String>) {
        let line = script::kill(tokens.iter().map(String::as_str));
        let killed = async {
            let null = OwnedFd::from(
                File::open("/dev/null").map_err(Error::io("cannot open", "/dev/null"))?,
            );
            let mut session = self.open(&line, [&null, &null, &null]).await?;
            session.exit().await;
            Ok::<_, Error>(())
        };
        if let Err(error) = killed.await {
            tracing::debug!(origin = self.origin, %error, "a program was not killed");
        }
    }

    fn marked(&self) -> MutexGuard<'_, HashSet<String>> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The descriptor for an output of a program, and the end of a pipe that we keep.
fn output(stdio: &Stdio) -> io::Result<(OwnedFd, Option<BoxRead>)> {
    match stdio {
        Stdio::Null => Ok((File::options().write(true).open("/dev/null")?.into(), None)),
        Stdio::Fd(fd) => Ok((fd.try_clone()?, None)),
        Stdio::Piped => {
            let (writer, reader) = pipes::pipe()?;
            Ok((writer.into_blocking_fd()?, Some(Box::new(reader))))
        }
    }
}

/// A session, which counts as open until it is dropped.
#[derive(Debug)]
pub(super) struct Open {
    session: Session,
    link: Arc<Link>,
}

impl Open {
    fn new(session: Session, link: &Arc<Link>) -> Self {
        link.open.fetch_add(1, Ordering::Relaxed);
        Self { session, link: Arc::clone(link) }
    }

    pub(super) async fn exit(&mut self) -> Option<i32> {
        self.session.exit().await
    }

    pub(super) async fn closed(&mut self) {
        self.session.closed().await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.link.open.fetch_sub(1, Ordering::Relaxed);
    }
}
