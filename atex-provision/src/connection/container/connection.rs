//! [`ContainerConnection`]: programs in a running container.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atex_core::{BoxRead, BoxWrite, Child, Command, Connection, Error, Result, Stdio, async_trait};

use super::Container;
use super::guard::Guard;
use super::process::ContainerProcess;
use super::script::{self, GUARD};
use super::way::Way;
use crate::connection::attempt::Attempts;

/// How long closing waits for programs to be killed.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// Runs programs in a container that runs already, each by a `podman exec` (or `docker exec`, or the OCI runtime's own) of its own;
/// and one more of those stays, through which we learn how programs ended, and kill them. It ends with the container, and we with it notice.
///
/// * A program starts in the folder that the container says.
/// * Its streams belong to the tool, which moves the bytes; they do not pass through our memory. A program that ends while its input
///   is still being written may lose the end of its output, since the tools let go of it; what is left of the input is
///   read for a moment (of a file: all of it) to avoid that.
/// * Exit codes, 125 to 127 and 255 included, are the program's own. When the tool fails instead, [`Child::wait`] gives
///   [`Error::Lost`], or [`Error::Spawn`] when nothing was started.
/// * A program that is killed by a signal ends with [`Status::Killed`](atex_core::Status::Killed): no number is told. Shells do not tell
///   SIGINT and SIGPIPE from the exit codes 130 and 141, so these arrive as codes.
/// * **Dropping a [`Child`]** kills the program's process group, in the background. Dropping the connection, closing it, and
///   our own death, whatever its cause, kill those of all programs. What left the group (`setsid`) goes on
///   running, and what the program started in the background, once it has ended itself.
/// * After the container was restarted, [`reconnect`](Connection::reconnect) finds it again.
/// * An argument that is no UTF-8 makes one text of all of them, for which Linux has room up to 128 KiB.
#[derive(Debug)]
pub struct ContainerConnection {
    container: Container,
    name: String,
    // Shared with the task that looks for a shorter way.
    state: Arc<Mutex<State>>,
    attempts: Attempts<String>,
    number: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    guard: Option<Arc<Guard>>,
    way: Way,
    closed: bool,
}

impl ContainerConnection {
    /// Not connected yet: [`reconnect`](Connection::reconnect) does that.
    pub(super) fn new(container: Container) -> Self {
        let name = container.name();
        Self {
            container,
            name,
            state: Arc::default(),
            attempts: Attempts::new(),
            number: AtomicU64::new(0),
        }
    }

    /// Connected, by a guard that runs. The way into the container is `way`, once that is known.
    pub(super) fn with_guard(
        container: Container,
        guard: Guard,
        way: impl Future<Output = Way> + Send + 'static,
    ) -> Self {
        let connection = Self::new(container);
        let tasks = guard.tasks().clone();
        connection.state().guard = Some(Arc::new(guard));
        let state = Arc::downgrade(&connection.state);
        tasks.spawn(async move {
            let way = way.await;
            if let Some(state) = state.upgrade() {
                state.lock().unwrap_or_else(PoisonError::into_inner).way = way;
            }
        });
        connection
    }

    /// Starts a guard, by the shortest way that works.
    async fn start_guard(&self) -> Result<(Guard, Way), String> {
        let container = &self.container;
        let start = |way: &Way| {
            let command = way.exec(container, true, ["sh", "-c", GUARD]);
            let name = way.name(container);
            async move { Guard::start(command, &name, container.connect_limit).await }
        };
        let way = Way::find(container).await;
        if way != Way::Tool {
            match start(&way).await {
                Ok(guard) => return Ok((guard, way)),
                Err(why) => tracing::debug!(origin = self.name, why, "not by the runtime"),
            }
        }
        Ok((start(&Way::Tool).await?, Way::Tool))
    }

    /// Kills all programs, and is not connected until it [goes on](Self::go_on).
    ///
    /// # Errors
    /// [`Error::NotConnected`] when it was closed.
    pub(crate) async fn pause(&self) -> Result<()> {
        let guard = {
            let mut state = self.state();
            if state.closed {
                return Err(self.not_connected());
            }
            state.guard.take()
        };
        self.end(guard).await;
        Ok(())
    }

    /// Is connected to another container in the place of the one before, by the guard that is its main program.
    pub(crate) async fn go_on(&self, guard: Guard, way: impl Future<Output = Way>) -> Result<()> {
        let way = way.await;
        let mut state = self.state();
        if state.closed {
            guard.stop();
            return Err(self.not_connected());
        }
        (state.guard, state.way) = (Some(Arc::new(guard)), way);
        Ok(())
    }

    /// Stops a guard, and waits until it has killed what runs.
    async fn end(&self, guard: Option<Arc<Guard>>) {
        let Some(guard) = guard else { return };
        guard.stop();
        if tokio::time::timeout(KILL_LIMIT, guard.tasks().wait()).await.is_err() {
            tracing::warn!(origin = self.name, "programs may be left running there");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn guard(&self) -> Result<Arc<Guard>> {
        let guard = self.state().guard.clone().ok_or_else(|| self.not_connected())?;
        match guard.has_ended() {
            Some(why) => Err(self.lost(why)),
            None => Ok(guard),
        }
    }

    fn not_connected(&self) -> Error {
        Error::NotConnected { origin: self.name.clone() }
    }

    fn lost(&self, why: String) -> Error {
        Error::Lost { origin: self.name.clone(), source: why.into() }
    }
}

impl Drop for ContainerConnection {
    fn drop(&mut self) {
        if let Some(guard) = self.state().guard.take() {
            guard.stop();
        }
    }
}

#[async_trait]
impl Connection for ContainerConnection {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spawn(&self, command: Command) -> Result<Child> {
        command.validate()?;
        let guard = self.guard()?;
        let program = command.program();
        let token = self.number.fetch_add(1, Ordering::Relaxed).to_string();
        let input = !matches!(command.stdin, Stdio::Null);
        let way = self.state().way.clone();
        let argv = script::around(&command, guard.dir(), &token);
        let mut exec = way.exec(&self.container, input, argv);
        exec.stdin(command.stdin).stdout(command.stdout).stderr(command.stderr);
        let mut tool = exec.spawn().map_err(|source| Error::Spawn {
            origin: self.name.clone(),
            program: program.clone(),
            source: source.into(),
        })?;
        let pipes = (tool.stdin.take(), tool.stdout.take(), tool.stderr.take());
        let process = ContainerProcess::follow(tool, guard, (token, program), &self.name);
        let mut child = Child::new(Box::new(process));
        child.stdin = pipes.0.map(|pipe| Box::new(pipe) as BoxWrite);
        child.stdout = pipes.1.map(|pipe| Box::new(pipe) as BoxRead);
        child.stderr = pipes.2.map(|pipe| Box::new(pipe) as BoxRead);
        Ok(child)
    }

    /// Asks a shell in the container.
    async fn check(&self) -> Result<()> {
        let guard = self.guard()?;
        if guard.answers().await { Ok(()) } else { Err(self.lost(guard.ended().await)) }
    }

    async fn reconnect(&self) -> Result<()> {
        let attempt = async {
            // What ran through the old one is killed.
            let old = self.state().guard.take();
            old.inspect(|old| old.stop());
            let (guard, way) = self.start_guard().await?;
            let mut state = self.state();
            if !state.closed {
                state.guard = Some(Arc::new(guard));
                state.way = way;
            }
            Ok(())
        };
        if !self.state().closed {
            let attempted = self.attempts.share(attempt).await;
            attempted
                .map_err(|why| Error::Connect { origin: self.name.clone(), source: why.into() })?;
        }
        // It may have been closed meanwhile.
        if self.state().closed { Err(self.not_connected()) } else { Ok(()) }
    }

    async fn closed(&self) -> Error {
        let Ok(guard) = self.guard() else { return self.not_connected() };
        let why = guard.ended().await;
        if self.state().closed { self.not_connected() } else { self.lost(why) }
    }

    async fn close(&self) -> Result<()> {
        let guard = {
            let mut state = self.state();
            state.closed = true;
            state.guard.take()
        };
        self.end(guard).await;
        Ok(())
    }
}
