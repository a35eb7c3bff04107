//! [`Command`]: a program to run on a remote; [`Child`]: the program while it runs.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::fd::OwnedFd;
use std::process::Stdio as StdStdio;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Error, Result};

/// A program with its arguments, and what it is given. Never a shell string: every byte of an argument arrives as it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Command {
    /// The program and its arguments; the program is looked up in the remote's `PATH`.
    pub argv: Vec<OsString>,
    /// Variables added to the environment that the remote gives to every program.
    pub env: Vec<(OsString, OsString)>,
    /// The folder to start in; else the remote's own default (for ssh, the home of the user).
    pub cwd: Option<OsString>,
    /// Standard input; nothing by default.
    pub stdin: Stdio,
    /// Standard output; thrown away by default.
    pub stdout: Stdio,
    /// Standard error; thrown away by default.
    pub stderr: Stdio,
}

/// What a standard stream of a program is connected to.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Nothing: an empty input, an output that is thrown away.
    #[default]
    Null,
    /// A pipe, whose other end is in the [`Child`].
    Piped,
    /// This descriptor of ours: bytes go there without passing through our memory where the backend can do that.
    Fd(OwnedFd),
}

impl From<std::fs::File> for Stdio {
    fn from(file: std::fs::File) -> Self {
        Self::Fd(file.into())
    }
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Self {
        Self::Fd(fd)
    }
}

impl From<Stdio> for StdStdio {
    fn from(stdio: Stdio) -> Self {
        match stdio {
            Stdio::Null => Self::null(),
            Stdio::Piped => Self::piped(),
            Stdio::Fd(fd) => fd.into(),
        }
    }
}

impl Command {
    /// A program without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            argv: vec![program.into()],
            env: Vec::new(),
            cwd: None,
            stdin: Stdio::Null,
            stdout: Stdio::Null,
            stderr: Stdio::Null,
        }
    }

    /// `bash -c SCRIPT NAME ARGS…`: in the script, the arguments are `$1`, `$2`, …
    pub fn bash(script: impl Into<OsString>) -> Self {
        Self::new("bash").arg("-c").arg(script).arg("bash")
    }

    /// With one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// With a variable. A name that is empty or has a `=` is refused when the command is started.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Started in this folder.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<OsString>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// With this as standard input.
    #[must_use]
    pub fn stdin(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stdin = stdio.into();
        self
    }

    /// With this as standard output.
    #[must_use]
    pub fn stdout(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stdout = stdio.into();
        self
    }

    /// With this as standard error.
    #[must_use]
    pub fn stderr(mut self, stdio: impl Into<Stdio>) -> Self {
        self.stderr = stdio.into();
        self
    }

    /// The program, for messages: never the arguments, which may hold secrets.
    pub fn program(&self) -> String {
        self.argv.first().map_or_else(String::new, |program| program.to_string_lossy().into_owned())
    }

    /// For backends: checks what no system could start (no program, a NUL byte, a variable without a proper name).
    ///
    /// # Errors
    /// [`Error::Usage`] that says what is wrong.
    pub fn validate(&self) -> Result<()> {
        let has_nul = |text: &OsStr| text.as_encoded_bytes().contains(&0);
        if self.argv.first().is_none_or(|program| program.is_empty()) {
            return Err(Error::Usage("a command needs a program".into()));
        }
        if self.argv.iter().chain(&self.cwd).any(|arg| has_nul(arg)) {
            return Err(Error::Usage(format!(
                "an argument of `{}` has a NUL byte",
                self.program()
            )));
        }
        for (name, value) in &self.env {
            let bytes = name.as_encoded_bytes();
            if bytes.is_empty() || bytes.contains(&b'=') || has_nul(name) || has_nul(value) {
                return Err(Error::Usage(format!(
                    "{name:?} cannot be set as a variable of `{}`",
                    self.program()
                )));
            }
        }
        Ok(())
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It exited with this code.
    Code(i32),
    /// It was killed by this signal.
    Signal(i32),
    /// It was killed by a signal that the backend cannot name (ssh does not tell).
    Killed,
}

impl Status {
    /// Whether it exited with 0.
    pub fn success(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
            Self::Killed => f.write_str("was killed by a signal"),
        }
    }
}

impl From<std::process::ExitStatus> for Status {
    fn from(status: std::process::ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Killed,
        }
    }
}

/// The writing end of a program's standard input.
pub type BoxWrite = Box<dyn AsyncWrite + Send + Sync + Unpin>;
/// The reading end of a program's output.
pub type BoxRead = Box<dyn AsyncRead + Send + Sync + Unpin>;

/// A program that was started. Dropping it kills the program (see [`Process`]).
pub struct Child {
    /// Its standard input, if it was [`Stdio::Piped`]; drop it to end the input.
    pub stdin: Option<BoxWrite>,
    /// Its standard output, if it was [`Stdio::Piped`].
    pub stdout: Option<BoxRead>,
    /// Its standard error, if it was [`Stdio::Piped`].
    pub stderr: Option<BoxRead>,
    process: Box<dyn Process>,
}

/// What a backend knows of a program that it started.
///
/// Dropping it kills the program: at once where it runs on this machine, and on a remote no later than its connection
/// ends or its backend's own way of telling it (each backend documents which).
#[async_trait]
pub trait Process: fmt::Debug + Send + Sync {
    /// Waits for the end. May be dropped and called again; gives the same answer when called again afterwards.
    ///
    /// # Errors
    /// [`Error::Lost`] when the connection breaks first: nothing is known then of how the program ended, or whether.
    async fn wait(&mut self) -> Result<Status>;

    /// Kills the program (`SIGKILL` or the nearest that the backend has) without waiting. Killing one that ended is no error.
    ///
    /// # Errors
    /// When the backend cannot reach it.
    fn start_kill(&mut self) -> Result<()>;
}

impl Child {
    /// For backends: a child of this process, without pipes.
    pub fn new(process: Box<dyn Process>) -> Self {
        Self { stdin: None, stdout: None, stderr: None, process }
    }

    /// For backends that start a program of this machine (`podman exec …`): starts it with the streams of `streams`, of
    /// which argv, environment and folder are not used. Dropping the child kills it.
    ///
    /// # Errors
    /// [`Error::Spawn`] when it cannot be started.
    pub fn spawn_local(
        mut command: tokio::process::Command,
        streams: Command,
        origin: &str,
    ) -> Result<Self> {
        let program = streams.program();
        command
            .stdin(streams.stdin)
            .stdout(streams.stdout)
            .stderr(streams.stderr)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(|source| Error::Spawn {
            origin: origin.to_owned(),
            program: program.clone(),
            source: source.into(),
        })?;
        Ok(Self {
            stdin: child.stdin.take().map(|pipe| Box::new(pipe) as BoxWrite),
            stdout: child.stdout.take().map(|pipe| Box::new(pipe) as BoxRead),
            stderr: child.stderr.take().map(|pipe| Box::new(pipe) as BoxRead),
            process: Box::new(LocalProcess { child, program, origin: origin.to_owned() }),
        })
    }

    /// Waits for the end. Does not read the pipes: a program that fills one waits for you. May be called again.
    ///
    /// # Errors
    /// Those of [`Process::wait`].
    pub async fn wait(&mut self) -> Result<Status> {
        self.process.wait().await
    }

    /// Kills it without waiting; see [`Process::start_kill`].
    ///
    /// # Errors
    /// Those of [`Process::start_kill`].
    pub fn start_kill(&mut self) -> Result<()> {
        self.process.start_kill()
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("process", &self.process).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct LocalProcess {
    child: tokio::process::Child,
    program: String,
    origin: String,
}

#[async_trait]
impl Process for LocalProcess {
    async fn wait(&mut self) -> Result<Status> {
        self.child.wait().await.map(Status::from).map_err(|source| Error::Lost {
            origin: format!("`{}` on {}", self.program, self.origin),
            source: source.into(),
        })
    }

    fn start_kill(&mut self) -> Result<()> {
        match self.child.start_kill() {
            // It has ended and was waited for.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => Ok(()),
            result => result.map_err(|source| Error::Lost {
                origin: self.origin.clone(),
                source: source.into(),
            }),
        }
    }
}
