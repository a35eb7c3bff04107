//! [`LocalConnection`]: programs of this machine, kept apart by a folder.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use atex_core::{
    BoxRead, BoxWrite, CancellationToken, Child, Command, Connection, Error, PackedTree, Process,
    Result, Status, async_trait,
};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Marks every program that was started through a connection, and what it starts in turn, with the folder.
const MARK: &str = "ATEX_LOCAL_ROOT";

/// Variables of our own environment that programs get; whatever else we have stays with us. `LC_*` come as well.
const INHERITED: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ"];

/// How much of a program's standard output may wait for us.
const PIPE: usize = 1 << 20;

/// How long [`Connection::close`] waits for killed programs to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Runs programs on this machine, as children of this process.
///
/// A program starts in the root folder unless its command says otherwise. Its environment is small: of ours, `PATH`, `HOME`,
/// `USER`, `LOGNAME`, `SHELL`, `LANG`, `TZ` and `LC_*`; then `TMPDIR`, which is `tmp` in the root folder; `ATEX_LOCAL_ROOT`, the
/// root folder; then what [`env`](Self::env) and the command say. Each program leads a process group of its own, so a Ctrl-C
/// on our terminal does not reach it. It cannot read our standard input.
///
/// Dropping a [`Child`] kills its whole process group at once, unless the program has ended and was waited for.
///
/// [`close`](Connection::close) kills all that was started here and still runs: the process groups of children, then
/// whatever carries `ATEX_LOCAL_ROOT` with this folder in its environment (`/proc`), which finds daemons that left their
/// group. A process that cleared its environment *and* left its group is not found, nor is one of another user, unless we are
/// root.
pub struct LocalConnection {
    name: String,
    root: PathBuf,
    env: Vec<(OsString, OsString)>,
    closed: CancellationToken,
    // Write-locked for closing: no program starts once the killing has begun.
    open: RwLock<()>,
    groups: Groups,
}

/// The process groups whose leader has not been waited for, so that their numbers cannot stand for anything else.
type Groups = Arc<Mutex<HashSet<Pid>>>;

impl LocalConnection {
    /// Programs with this root folder, which must be there. It stays there when the connection is closed.
    pub fn new(name: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            root: root.into(),
            env: Vec::new(),
            closed: CancellationToken::new(),
            open: RwLock::new(()),
            groups: Arc::default(),
        }
    }

    /// With one more variable for every program.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn prepare(&self, command: &Command) -> tokio::process::Command {
        let mut program = tokio::process::Command::new(&command.argv[0]);
        program.args(&command.argv[1..]).env_clear();
        program.envs(std::env::vars_os().filter(|(name, _)| is_inherited(name)));
        program.env("TMPDIR", self.root.join("tmp")).env(MARK, &self.root);
        program.envs(self.env.iter().map(|(name, value)| (name, value)));
        program.envs(command.env.iter().map(|(name, value)| (name, value)));
        // Relative folders are meant relative to the root.
        let dir = command.cwd.as_ref().map_or_else(|| self.root.clone(), |cwd| self.root.join(cwd));
        program.current_dir(dir).process_group(0);
        program
    }

    fn not_connected(&self) -> Error {
        Error::NotConnected { origin: self.name.clone() }
    }
}

fn is_inherited(name: &OsStr) -> bool {
    INHERITED.iter().any(|inherited| name == *inherited) || name.as_bytes().starts_with(b"LC_")
}

#[async_trait]
impl Connection for LocalConnection {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spawn(&self, command: Command) -> Result<Child> {
        command.validate()?;
        let name = command.program();
        let mut program = self.prepare(&command);
        program.stdin(command.stdin).stdout(command.stdout).stderr(command.stderr);
        let _open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        if self.closed.is_cancelled() {
            return Err(self.not_connected());
        }
        let mut child = program.spawn().map_err(|source| Error::Spawn {
            origin: self.name.clone(),
            program: name.clone(),
            source: source.into(),
        })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        if let Some(pipe) = &pipes.1 {
            // Only faster: fewer turns between the program and us. Who has many pipes may be refused.
            fcntl_setpipe_size(pipe, PIPE).ok();
        }
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).extend(group);
        let mut started = Child::new(Box::new(LocalProcess {
            child,
            group,
            groups: Arc::clone(&self.groups),
            origin: format!("`{name}` on {}", self.name),
        }));
        started.stdin = pipes.0.map(|pipe| Box::new(pipe) as BoxWrite);
        started.stdout = pipes.1.map(|pipe| Box::new(pipe) as BoxRead);
        started.stderr = pipes.2.map(|pipe| Box::new(pipe) as BoxRead);
        Ok(started)
    }

    fn shares_files(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<()> {
        if self.closed.is_cancelled() {
            return Err(self.not_connected());
        }
        let found = tokio::fs::metadata(&self.root).await;
        found.map(drop).map_err(|source| Error::Lost {
            origin: self.name.clone(),
            source: format!("its folder {}: {source}", self.root.display()).into(),
        })
    }

    /// There is nothing to open: succeeds unless the connection was closed.
    async fn reconnect(&self) -> Result<()> {
        if self.closed.is_cancelled() { Err(self.not_connected()) } else { Ok(()) }
    }

    async fn closed(&self) -> Error {
        self.closed.cancelled().await;
        self.not_connected()
    }

    /// Nothing is kept: what would be is here already.
    async fn upload_packed(&self, tree: &PackedTree, to: &str) -> Result<()> {
        tree.unpack(self, to).await
    }

    async fn close(&self) -> Result<()> {
        {
            let _open = self.open.write().unwrap_or_else(PoisonError::into_inner);
            self.closed.cancel();
        }
        for group in self.groups.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            kill_group(*group);
        }
        let kill = kill_marked(self.root.clone());
        let limit = tokio::time::timeout(KILL_LIMIT, kill).await;
        limit.unwrap_or_else(|_| {
            Err(Error::infra(&self.name, "processes of it survived being killed"))
        })
    }
}

impl fmt::Debug for LocalConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalConnection")
            .field("name", &self.name)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Kills what carries the mark of this folder, until nothing is left that does.
async fn kill_marked(root: PathBuf) -> Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        let root = root.clone();
        let found = tokio::task::spawn_blocking(move || marked(&root));
        let found = found.await.map_err(|error| Error::infra("local", error))?;
        if found.is_empty() {
            return Ok(());
        }
        for process in found {
            // It may have ended since.
            kill_process(process, Signal::KILL).ok();
        }
        // What was killed is gone a moment later; what it forked meanwhile is found then.
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// The processes that carry the mark of this folder in their environment, except ourselves.
fn marked(root: &Path) -> Vec<Pid> {
    let mark = [MARK.as_bytes(), b"=", root.as_os_str().as_bytes()].concat();
    let own = std::process::id().cast_signed();
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_marked = |id: &i32| {
        // Unreadable ones are not ours; of those that ended but were not waited for it is empty.
        let environ = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        *id != own && environ.split(|byte| *byte == 0).any(|variable| variable == mark)
    };
    numbers.filter(is_marked).filter_map(Pid::from_raw).collect()
}

fn kill_group(group: Pid) {
    // The group may have ended since.
    kill_process_group(group, Signal::KILL).ok();
}

#[derive(Debug)]
struct LocalProcess {
    child: tokio::process::Child,
    group: Option<Pid>,
    groups: Groups,
    origin: String,
}

impl LocalProcess {
    /// Kills the group while its leader has not been waited for: later, its number may stand for another one.
    fn kill(&mut self) {
        if let (Some(_), Some(group)) = (self.child.id(), self.group) {
            kill_group(group);
        }
    }

    fn forget(&self) {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = self.group {
            groups.remove(&group);
        }
    }
}

#[async_trait]
impl Process for LocalProcess {
    async fn wait(&mut self) -> Result<Status> {
        let lost = |source: std::io::Error| Error::Lost {
            origin: self.origin.clone(),
            source: source.into(),
        };
        let status = self.child.wait().await.map_err(lost)?;
        self.forget();
        Ok(status.into())
    }

    fn start_kill(&mut self) -> Result<()> {
        self.kill();
        Ok(())
    }
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        // The runtime waits for it in the background.
        self.kill();
        self.forget();
    }
}
