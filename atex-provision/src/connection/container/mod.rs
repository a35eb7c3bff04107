//! [`Container`]: how a running container is reached.

mod connection;
mod guard;
mod process;
mod script;

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use atex_core::{Connection, Error, Result};

pub use self::connection::ContainerConnection;

/// How a running container is reached: by `podman exec`, or `docker exec`.
///
/// The container needs `sh`, `env`, `mktemp`, `rm`, and a folder for temporary files that can be written; for uploads `bash` and
/// `tar` as well. Its processes run as the user and with the variables that the container gives to every program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    tool: Vec<OsString>,
    id: String,
    connect_limit: Duration,
}

impl Container {
    /// A container of podman, by its name or id.
    #[cfg(feature = "podman")]
    pub fn podman(id: impl Into<String>) -> Self {
        Self::of("podman", id)
    }

    /// A container of docker, by its name or id.
    #[cfg(feature = "docker")]
    pub fn docker(id: impl Into<String>) -> Self {
        Self::of("docker", id)
    }

    fn of(tool: &str, id: impl Into<String>) -> Self {
        Self { tool: vec![tool.into()], id: id.into(), connect_limit: Duration::from_secs(60) }
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

    /// `podman exec [-i] ID …`, away from our terminal, and not outliving whoever holds it.
    fn exec<A: AsRef<OsStr>>(
        &self,
        input: bool,
        argv: impl IntoIterator<Item = A>,
    ) -> tokio::process::Command {
        let (tool, words) =
            self.tool.split_first().map_or((OsStr::new(""), &[][..]), |(t, w)| (t.as_ref(), w));
        let mut command = tokio::process::Command::new(tool);
        command.args(words).arg("exec").args(input.then_some("-i")).arg(&self.id).args(argv);
        command.process_group(0).kill_on_drop(true);
        command
    }
}
