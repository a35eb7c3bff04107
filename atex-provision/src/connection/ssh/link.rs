//! [`Link`]: one ssh master, and the programs that run through it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, PipeWriter, Write, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::millis::Shown;
use atex_core::{BoxWrite, Child, Command, Error, Result, Stdio};
use openssh::Session;
use tokio::net::unix::pipe::Sender;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::ending::{Ending, Place, reason};
use super::master::{Ended, Master, one_line};
use super::noise::{Noise, Word};
use super::output::Outlet;
use super::process::{Hold, Marked, Program, SshProcess};
use super::{output, script};

/// So many commands are opened at once: the queue of a master's socket is short.
const OPENING_MAX: usize = 32;
/// So many questions are asked at once, for the same reason; openings may wait long, and questions must not wait for them.
const CHECKING_MAX: usize = 16;
/// How long an opening waits for the server to take one more session, while others of ours are open.
const SESSIONS_LIMIT: Duration = Duration::from_secs(60);
/// The same, when there are none of ours: one that has just ended may not be gone yet.
const ALONE_LIMIT: Duration = Duration::from_secs(1);
/// How long closing waits for programs to be killed before it hangs up.
const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How long it may take to see that a connection breaks, once a program's streams have ended.
const BREAK_LIMIT: Duration = Duration::from_secs(1);
/// A command line of this length may not be run, and it is not the program that says so.
const LONG_LINE: usize = 120 * 1024;

/// One ssh master, and the programs that run through it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) origin: String,
    pub(super) master: Master,
    session: Arc<Session>,
    opening: Semaphore,
    checking: Semaphore,
    open: Arc<AtomicUsize>,
    runtime: Handle,
    tasks: TaskTracker,
    prefix: u64,
    number: AtomicU64,
    marked: Mutex<HashSet<String>>,
    noise: Noise,
    start_limit: Duration,
}

impl Link {
    /// `start_limit` is how long a login shell may take until a program starts.
    pub(super) fn new(origin: String, master: Master, start_limit: Duration) -> Self {
        // Dropping it leaves the master alone, which is not its own.
        let session = Arc::new(Session::resume_mux(master.socket().into(), None));
        Self {
            origin,
            master,
            session,
            opening: Semaphore::new(OPENING_MAX),
            checking: Semaphore::new(CHECKING_MAX),
            open: Arc::default(),
            runtime: Handle::current(),
            tasks: TaskTracker::new(),
            prefix: RandomState::new().build_hasher().finish(),
            number: AtomicU64::new(0),
            marked: Mutex::default(),
            noise: Noise::default(),
            start_limit,
        }
    }

    pub(super) async fn spawn(self: &Arc<Self>, command: Command) -> Result<Child> {
        let program = command.program();
        let cannot = |source: io::Error| Error::Spawn {
            origin: self.origin.clone(),
            program: program.clone(),
            source: source.into(),
        };
        let marked = match command.stdin {
            Stdio::Null => None,
            Stdio::Piped | Stdio::Fd(_) => Some(Marked::new(self)),
        };
        let token = marked.as_ref().map(Marked::token);
        let mut line = script::command_line(&command, token, None);
        let word = (self.noise.is_possible() && line.len() < LONG_LINE).then(Word::new);
        if word.is_some() {
            line = script::command_line(&command, token, word.as_ref());
        }
        let is_piped = matches!(command.stdin, Stdio::Piped);
        let (stdin, mut input) = input(command.stdin).map_err(cannot)?;
        let [(stdout, out), (stderr, err)] =
            output::open(command.stdout, command.stderr, word.is_some()).map_err(cannot)?;
        let outlets = [out, err];
        let opened = self.open(&line, [stdin, stdout, stderr]).await;
        if let (Err(_), Some(marked)) = (&opened, &marked) {
            self.forget(marked.token());
        }
        let mut ending = opened?;
        let watched = input.is_some();
        if let Some(input) = &mut input {
            ending.look();
            // The word that it may start. If it cannot be written, the connection is gone, and the ending says so.
            input.write_all(b"\n").ok();
        }
        let (hold, input) = match marked {
            None => (Hold::Lifeline(input), None),
            Some(marked) => (Hold::Token(marked), input.filter(|_| is_piped)),
        };
        if let Some(word) = word {
            self.hear(&word, &outlets, &program).await?;
        }
        let [(out, stdout), (err, stderr)] = outlets.map(Outlet::start);
        let outputs = [out, err];
        let program = Program { name: program.clone(), ending, watched, outputs };
        let mut child = Child::new(Box::new(SshProcess::follow(program, hold, self)));
        child.stdin = input
            .map(|input| Sender::from_owned_fd(input.into()))
            .transpose()
            .map_err(cannot)?
            .map(|input| Box::new(input) as BoxWrite);
        (child.stdout, child.stderr) = (stdout, stderr);
        Ok(child)
    }

    /// Passes over what the login shell prints before the program starts, and learns whether it prints anything.
    async fn hear(&self, word: &Word, outlets: &[Outlet; 2], program: &str) -> Result<()> {
        let [mut out, mut err] = [word.listen(), word.listen()];
        let [stdout, stderr] = outlets;
        let heard = async { tokio::join!(stdout.hear(&mut out), stderr.hear(&mut err)) };
        let heard = tokio::time::timeout(self.start_limit, heard).await;
        let why = match heard {
            Ok((Ok(()), Ok(()))) => {
                self.noise.learn(out.is_noisy() || err.is_noisy());
                return Ok(());
            }
            Ok((Err(unheard), _) | (_, Err(unheard))) => unheard.to_string(),
            Err(_) => format!("it took longer than {}", Shown(self.start_limit)),
        };
        // A connection that breaks ends everything as well; that it does may be seen only now.
        if let Ok(ended) = tokio::time::timeout(BREAK_LIMIT, self.master.ended()).await {
            return Err(self.ended(ended));
        }
        self.check().await?;
        let printed = one_line(&[out.last(), b"\n", err.last()].concat());
        let printed =
            if printed.is_empty() { "nothing".to_owned() } else { format!("{printed:?}") };
        let what =
            format!("its login shell did not start `{program}`: {why}, having printed {printed}");
        Err(Error::infra(&self.origin, what))
    }

    /// Asks for a command line to be run, as soon as the server takes one more session.
    async fn open(&self, line: &[u8], streams: [openssh::Stdio; 3]) -> Result<Ending> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(5);
        let [stdin, stdout, stderr] = streams;
        let mut command = Arc::clone(&self.session).arc_raw_command(OsStr::from_bytes(line));
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        loop {
            let opened = {
                let _permit = self.opening.acquire().await;
                command.spawn().await
            };
            let error = match opened {
                Ok(child) => return Ok(Ending::new(child, Place::take(&self.open))),
                Err(error) => error,
            };
            // A master that answers has refused. It says no more than that when it is about the number of sessions.
            if self.session.check().await.is_err() {
                return Err(self.lost(&error));
            }
            let why = reason(&error);
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

    /// Asks whether the master is there.
    ///
    /// # Errors
    /// [`Error::Lost`].
    pub(super) async fn check(&self) -> Result<()> {
        // It is never closed.
        let _turn = self.checking.acquire().await;
        self.session.check().await.map_err(|error| self.lost(&error))
    }

    /// The connection is lost, if the master does not answer.
    fn lost(&self, error: &openssh::Error) -> Error {
        match self.master.has_ended() {
            Some(ended) => self.ended(ended),
            None => Error::Lost { origin: self.origin.clone(), source: reason(error).into() },
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
            let null = openssh::Stdio::null;
            let mut ending = self.open(&line, [null(), null(), null()]).await?;
            while !ending.look() {
                ending.called().await;
            }
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

/// What ssh is given as the input of a program, and the pipe that leads there, unless it is the caller's.
fn input(stdio: Stdio) -> io::Result<(openssh::Stdio, Option<PipeWriter>)> {
    Ok(match stdio {
        Stdio::Fd(fd) => (fd.into(), None),
        Stdio::Null | Stdio::Piped => {
            let (reader, writer) = pipe()?;
            (OwnedFd::from(reader).into(), Some(writer))
        }
    })
}
