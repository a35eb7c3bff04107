//! [`Way`]: by which program others are started in a container.

use std::ffi::{OsStr, OsString};
use std::process::Stdio;

use tokio::process::Command;

use super::Container;

/// By which program others are started in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Way {
    /// `podman exec`, `docker exec`.
    #[default]
    Tool,
    /// The OCI runtime under podman, which has neither podman's database nor a process that watches each program: `runc exec` takes a
    /// third of the time of `podman exec`. User, variables, folder, capabilities and limits come from the container all the same.
    Runtime {
        /// `runc`, `crun`.
        program: OsString,
        /// The container's full id, as the runtime knows it.
        id: String,
    },
}

impl Way {
    /// The runtime, if podman says which one there is; whether that knows the container has to be tried.
    pub(crate) async fn find(container: &Container) -> Self {
        if !container.has_runtime || !rustix::process::geteuid().is_root() {
            // Without root, the runtime would have to be called within podman's user namespace.
            return Self::Tool;
        }
        let format = "{{.Id}} {{.OCIRuntime}}";
        let mut inspect =
            container.command(["container", "inspect", "--format", format, &container.id]);
        let Ok(output) = inspect.stdin(Stdio::null()).output().await else { return Self::Tool };
        let said = String::from_utf8_lossy(&output.stdout);
        match said.split_whitespace().collect::<Vec<_>>()[..] {
            [id, program] if output.status.success() => {
                Self::Runtime { program: program.into(), id: id.to_owned() }
            }
            _ => Self::Tool,
        }
    }

    /// The same, if the runtime knows the container.
    pub(crate) async fn tried(self) -> Self {
        let Self::Runtime { program, id } = &self else { return self };
        let mut state = Command::new(program);
        state.args(["state", id]).kill_on_drop(true);
        state.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if state.status().await.is_ok_and(|status| status.success()) { self } else { Self::Tool }
    }

    /// What starts `argv` in the container, with or without an input.
    pub(super) fn exec<A: AsRef<OsStr>>(
        &self,
        container: &Container,
        input: bool,
        argv: impl IntoIterator<Item = A>,
    ) -> Command {
        match self {
            Self::Tool => {
                let mut command = container.command(["exec"]);
                command.args(input.then_some("-i")).arg(&container.id).args(argv);
                command
            }
            Self::Runtime { program, id } => {
                let mut command = Command::new(program);
                command.args(["exec", id]).args(argv).process_group(0).kill_on_drop(true);
                command
            }
        }
    }

    /// The program, for messages.
    pub(super) fn name(&self, container: &Container) -> String {
        match self {
            Self::Tool => container.tool_name(),
            Self::Runtime { program, .. } => program.display().to_string(),
        }
    }
}
