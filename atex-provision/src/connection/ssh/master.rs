//! [`Master`]: the ssh process that holds a connection open, and shares it.
//!
//! It is a child of ours, not a daemon, so its end is an event. It must not outlive us, whatever happens to us: it runs a
//! small shell (by ssh's `LocalCommand`) that says when the connection is up, then waits for the end of a pipe that only
//! we hold, and kills the master when that comes although the master's socket is still there.

use std::ffi::OsString;
use std::io::{PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use atex_core::{CancellationToken, Error};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Ssh;
use super::cipher::preferred;
use super::configured::Configured;
use super::control_dir::ControlDir;

/// Runs once the connection is up and the control socket is there. `$PPID` is the master.
const WHEN_UP: &str = "exec 3<&0; \
    (read -r _ <&3; [ -S \"$ATEX_SSH_MASTER/c\" ] && kill -KILL $PPID; rm -rf \"$ATEX_SSH_MASTER\") \
    >/dev/null 2>&1 & exec 3<&-; echo up";

/// How much of what ssh prints is kept.
const STDERR_MAX: usize = 4096;

/// A running master. Dropping it ends it in the background.
#[derive(Debug)]
pub(super) struct Master {
    socket: PathBuf,
    /// What the configuration says that was connected to.
    host: Option<String>,
    stop: CancellationToken,
    ended: watch::Receiver<Option<Ended>>,
}

/// How a master ended: what ssh said.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    /// It was told to.
    pub(super) wanted: bool,
    pub(super) said: String,
}

/// Why no connection came about. Can be told to everybody who waited for it.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    denied: bool,
    why: String,
}

impl Refusal {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self { denied: false, why: why.into() }
    }

    pub(super) fn error(&self, origin: &str) -> Error {
        let (origin, source) = (origin.to_owned(), self.why.clone().into());
        if self.denied {
            Error::Denied { origin, source }
        } else {
            Error::Connect { origin, source }
        }
    }
}

impl Master {
    /// Connects. Dropping the future ends the attempt, and ssh.
    pub(super) async fn connect(ssh: &Ssh) -> Result<Self, Refusal> {
        let cannot = |error| Refusal::new(format!("cannot run ssh: {error} (is it installed?)"));
        let (stdin, lifeline) = pipe().map_err(cannot)?;
        let began = Instant::now();
        let arguments = wanted(ssh);
        let asking = async {
            let configured = Configured::ask(&arguments, &ssh.destination).await?;
            Some((preferred(&configured).await, configured.host))
        };
        let asked = tokio::time::timeout(ssh.connect_limit, asking).await.ok().flatten();
        let (ciphers, host) = asked.unwrap_or_default();
        let dir = ControlDir::new().map_err(|error| {
            Refusal::new(format!("cannot create a folder for the control socket: {error}"))
        })?;
        let mut child = command(ssh, dir.path(), ciphers.as_deref())
            .stdin(OwnedFd::from(stdin))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(cannot)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let socket = dir.path().join("c");
        let mut running = Running { child, dir, _lifeline: lifeline, stderr, said: Vec::new() };
        let up = running.up(stdout);
        match tokio::time::timeout(ssh.connect_limit.saturating_sub(began.elapsed()), up).await {
            Ok(true) => {}
            Ok(false) => return Err(refusal(&running.end().await, ssh)),
            Err(_) => {
                let limit = atex_core::millis::Shown(ssh.connect_limit);
                return Err(Refusal::new(format!("no connection within {limit}")));
            }
        }
        let (stop, (tell, ended)) = (CancellationToken::new(), watch::channel(None));
        tokio::spawn(running.watch(stop.clone(), tell));
        Ok(Self { socket, host, stop, ended })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// The name or address that it is connected to, if ssh told.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// How it ended, if it did.
    pub(super) fn has_ended(&self) -> Option<Ended> {
        self.ended.borrow().clone()
    }

    /// Resolves when it ends.
    pub(super) async fn ended(&self) -> Ended {
        let ended = self.ended.clone().wait_for(Option::is_some).await.ok().and_then(|e| e.clone());
        ended.unwrap_or(Ended { wanted: true, said: "the runtime was shut down".to_owned() })
    }

    /// Ends it in the background.
    pub(super) fn hang_up(&self) {
        self.stop.cancel();
    }

    /// Ends it, and waits until it is gone.
    pub(super) async fn end(&self) {
        self.hang_up();
        self.ended().await;
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// The process with all that belongs to it. When it is dropped, the fields go in this order: ssh is killed, the folder
/// with the socket removed, and only then does the shell see the end of the pipe and find nothing left to kill.
struct Running {
    child: Child,
    dir: ControlDir,
    _lifeline: PipeWriter,
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
}

impl Running {
    /// Waits for the connection to be up; `false` when ssh ended first.
    async fn up(&mut self, stdout: Option<impl AsyncRead + Unpin>) -> bool {
        let Some(stdout) = stdout else { return false };
        let mut lines = BufReader::new(stdout).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => return matches!(line, Ok(Some(_))),
                () = hear(&mut self.stderr, &mut self.said) => {}
            }
        }
    }

    /// Sees it to its end, which may be asked for.
    async fn watch(mut self, stop: CancellationToken, tell: watch::Sender<Option<Ended>>) {
        let wanted = loop {
            tokio::select! {
                () = stop.cancelled() => break true,
                _ = self.child.wait() => break false,
                () = hear(&mut self.stderr, &mut self.said) => {}
            }
        };
        let said = self.end().await;
        drop(self);
        tell.send_replace(Some(Ended { wanted, said }));
    }

    /// Ends it, if it has not ended, and gives what it said.
    async fn end(&mut self) -> String {
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // It may have ended just now; then the group is that of its proxy command, or gone.
            kill_process_group(group, Signal::KILL).ok();
        }
        if let Err(error) = self.child.wait().await {
            tracing::warn!(%error, "cannot wait for ssh");
        }
        // A proxy command may hold the pipe for longer.
        let rest = async {
            while self.stderr.is_some() {
                hear(&mut self.stderr, &mut self.said).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(500), rest).await.ok();
        std::fs::remove_file(self.dir.path().join("c")).ok();
        one_line(&self.said)
    }
}

/// Reads some of what ssh prints; pending once there is no more.
async fn hear(stderr: &mut Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(pipe) = stderr else { return std::future::pending().await };
    let mut some = [0; 1024];
    match pipe.read(&mut some).await {
        Ok(length @ 1..) => {
            said.extend_from_slice(&some[..length]);
            let surplus = said.len().saturating_sub(STDERR_MAX);
            said.drain(..surplus);
        }
        Ok(0) | Err(_) => *stderr = None,
    }
}

fn own(option: &str) -> String {
    format!("-o{option}")
}

/// What the caller wants: after what must be, before our defaults.
fn wanted(ssh: &Ssh) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    if let Some(file) = &ssh.config_file {
        arguments.extend(["-F".into(), file.into()]);
    }
    arguments.extend(ssh.options.iter().map(|option| own(option).into()));
    if let Some(identity) = &ssh.identity {
        arguments.extend(["-i".into(), identity.into()]);
    }
    if let Some(port) = ssh.port {
        arguments.extend(["-p".into(), port.to_string().into()]);
    }
    arguments
}

fn command(ssh: &Ssh, dir: &Path, ciphers: Option<&str>) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-N", "-M", "-S"]).arg(dir.join("c"));
    // Of several values, ssh takes the first: what must be comes before what the caller wants, our defaults after it.
    let needed = [
        "ControlPersist=no",
        "ForkAfterAuthentication=no",
        "RequestTTY=no",
        "PermitLocalCommand=yes",
        "ClearAllForwardings=yes",
    ];
    command.args(needed.map(own)).arg(own(&format!("LocalCommand={WHEN_UP}"))).args(wanted(ssh));
    let alive = format!("ServerAliveInterval={}", (ssh.notice_limit.as_secs() / 4).max(1));
    let defaults = [
        "LogLevel=ERROR",
        "BatchMode=yes",
        "ConnectTimeout=20",
        &alive,
        "ServerAliveCountMax=3",
        "TCPKeepAlive=no",
    ];
    command.args(defaults.map(own)).args(ciphers.map(own)).args(["--", &ssh.destination]);
    // LocalCommand is run by this shell. A group of its own: a Ctrl-C on our terminal must not end it before its time.
    command.env("SHELL", "/bin/sh").env("ATEX_SSH_MASTER", dir).kill_on_drop(true).process_group(0);
    command
}

/// What ssh said, on one line.
pub(super) fn one_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(3)..];
    last.join("; ")
}

/// What ssh said, with what to try.
fn refusal(said: &str, ssh: &Ssh) -> Refusal {
    let destination = &ssh.destination;
    let try_it = format!("try `ssh {destination} true`");
    let denied = ["Permission denied", "Too many authentication failures"]
        .iter()
        .any(|words| said.contains(words));
    let hint = if denied {
        format!("is your key accepted there? {try_it}")
    } else if said.contains("Could not resolve hostname") {
        "is the name right?".to_owned()
    } else if said.contains("Connection refused") {
        "does sshd run there, on that port?".to_owned()
    } else if said.contains("Host key verification failed") {
        format!("{try_it} to see its host key, or set StrictHostKeyChecking=accept-new")
    } else {
        try_it
    };
    let said = if said.is_empty() { "ssh ended without a word" } else { said };
    Refusal { denied, why: format!("{said} ({hint})") }
}
