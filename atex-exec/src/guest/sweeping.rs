//! Work folders whose controller died: how they are known as ours, and removed.

use atex_core::{Command, Connection, ConnectionExt, Error, Result, stable_hash};

use super::stripped;

/// Removes them; its head says how.
const SWEEP: &str = include_str!("sweep.sh");

/// Whose a work folder is: that of a run, on one remote of it.
#[derive(Debug, Clone)]
pub(crate) struct Owner(String);

impl Owner {
    pub(crate) fn new(run: impl Into<String>) -> Self {
        Self(run.into())
    }

    /// What names of its work folders on this remote begin with, after `atex-`. Remotes may share their file systems.
    pub(crate) fn mark(&self, remote: &str) -> String {
        format!("{:016x}-", stable_hash(format!("{}\0{remote}", self.0).as_bytes()))
    }
}

/// Ends what still runs in work folders of this owner on a remote, and removes them.
pub(crate) async fn sweep(
    connection: &dyn Connection,
    base: Option<&str>,
    owner: &Owner,
) -> Result<()> {
    let origin = connection.name();
    let command = Command::bash(stripped(SWEEP)).arg(base.unwrap_or_default());
    let output = connection.output(command.arg(owner.mark(origin))).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        origin: origin.to_owned(),
        program: "bash".into(),
        status: output.status,
        stderr: format!("cannot sweep: {}", String::from_utf8_lossy(&output.stderr).trim()),
    })
}
