//! [`Container`]: how a running container is reached.

mod connection;
mod guard;
mod process;
mod script;
mod way;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use atex_core::{Connection, Error, Result};

pub use self::connection::ContainerConnection;
pub(crate) use self::guard::Guard;
pub(crate) use self::script::main_program;
pub(crate) use self::way::Way;

/// How a running container is reached: by `podman exec`, or `docker exec`.
///
/// Of podman, programs are started by the OCI runtime itself (`runc exec`, `crun exec`) where that knows the container, which takes
/// a third of the time: where we are root, and podman runs on this machine.
///
/// The container needs `sh`, `env`, `mktemp`, `rm`, and a folder for temporary files that can be written; for uploads `bash` and
/// `tar` as well. Its processes run as the user and with the variables that the container gives to every program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    tool: Vec<OsString>,
    id: String,
    connect_limit: Duration,
    has_runtime: bool,
}

impl Container {
    /// A container of podman, by its name or id.
    #[cfg(feature = "podman")]
    pub fn podman(id: impl Into<String>) -> Self {
        Self { has_runtime: true, ..Self::of("podman", id) }
    }

    /// A container of docker, by its name or id.
    #[cfg(feature = "docker")]
    pub fn docker(id: impl Into<String>) -> Self {
        Self::of("docker", id)
    }

    fn of(tool: &str, id: impl Into<String>) -> Self {
        Self {
            tool: vec![tool.into()],
            id: id.into(),
            connect_limit: Duration::from_secs(60),
            has_runtime: false,
        }
    }

    /// With these words in place of the plain `podman` or `docker`: another path, options that come before `exec`
    /// (`--root`, `--host`), or a program around it (`sudo podman`).
    #[must_use]
    pub fn tool<T: Into<OsString>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.tool = words.into_iter().map(Into::into).collect();
        self
    }

    /// How long connecting may take; 60 seconds by default.
    #[must_use]
    pub fn connect_limit(mut self, limit: Duration) -> Self {
        self.connect_limit = limit;
        self
    }

    /// Goes through the tool alone, and never through the OCI runtime.
    #[must_use]
    pub fn through_tool(mut self) -> Self {
        self.has_runtime = false;
        self
    }

    /// The container, for messages.
    pub fn name(&self) -> String {
        self.id.clone()
    }

    /// Connects. Dropping the future gives up.
    ///
    /// # Errors
    /// [`Error::Connect`] when the container is not there, does not run, or lacks what is needed, with what the tool said;
    /// [`Error::Usage`] for a name that the tool would take for something else.
    pub async fn connect(&self) -> Result<ContainerConnection> {
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if self.id.is_empty() || self.id.starts_with('-') || self.id.contains(is_odd) {
            return Err(Error::Usage(format!("{:?} is no name of a container", self.id)));
        }
        if self.tool.is_empty() {
            return Err(Error::Usage(format!("no program is given that reaches {}", self.id)));
        }
        let connection = ContainerConnection::new(self.clone());
        connection.reconnect().await?;
        Ok(connection)
    }

    /// Takes over a container whose main program is [`main_program`], with the guard that this is.
    pub(crate) fn connected(
        &self,
        guard: Guard,
        way: impl Future<Output = Way> + Send + 'static,
    ) -> ContainerConnection {
        ContainerConnection::with_guard(self.clone(), guard, way)
    }

    /// The tool with these words, away from our terminal, and not outliving whoever holds it.
    pub(crate) fn command<A: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = A>,
    ) -> tokio::process::Command {
        let (tool, own) =
            self.tool.split_first().map_or((OsStr::new(""), &[][..]), |(t, w)| (t.as_ref(), w));
        let mut command = tokio::process::Command::new(tool);
        command.args(own).args(words).process_group(0).kill_on_drop(true);
        command
    }

    /// The program that is the tool, for messages.
    pub(crate) fn tool_name(&self) -> String {
        self.tool.first().map(|tool| tool.display().to_string()).unwrap_or_default()
    }
}
