//! [`Engine`]: the tool that makes and removes containers.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Error, Result, Status};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OnceCell, Semaphore};

use crate::Container;
use crate::connection::{Guard, Way};

/// How long a container may take to start, with all that is going on besides.
const START_LIMIT: Duration = Duration::from_secs(300);
/// How long anything else may take that a tool does.
const LIMIT: Duration = Duration::from_secs(120);
/// How often to look whether a tool that has outlived its controller is done.
const PAUSE: Duration = Duration::from_millis(50);

/// Which tool it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    #[cfg(feature = "podman")]
    Podman,
    #[cfg(feature = "docker")]
    Docker,
}

impl Kind {
    /// Its program, and the backend of its leases.
    pub(super) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "podman")]
            Self::Podman => "podman",
            #[cfg(feature = "docker")]
            Self::Docker => "docker",
        }
    }

    /// Options of `run` for a container with a systemd.
    pub(super) fn for_systemd(self) -> &'static [&'static str] {
        match self {
            #[cfg(feature = "podman")]
            Self::Podman => &["--systemd=always"],
            #[cfg(feature = "docker")]
            Self::Docker => &["--tmpfs=/run", "--tmpfs=/run/lock"],
        }
    }

    /// Options of `rm`, so that nothing is waited for and volumes without a name go as well.
    fn removal(self) -> &'static [&'static str] {
        match self {
            #[cfg(feature = "podman")]
            Self::Podman => &["rm", "--force", "--volumes", "--time=0"],
            #[cfg(feature = "docker")]
            Self::Docker => &["rm", "--force", "--volumes"],
        }
    }
}

/// The tool that makes and removes containers.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    pub(super) kind: Kind,
    pub(super) tool: Vec<OsString>,
    at_once: Arc<Semaphore>,
    /// The OCI runtime that knows these containers, once that was tried with one of them.
    runtime: Arc<OnceCell<OsString>>,
}

impl Engine {
    pub(super) fn new(kind: Kind) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        let at_once = Arc::new(Semaphore::new(2 * processors));
        Self { kind, tool: vec![kind.name().into()], at_once, runtime: Arc::default() }
    }

    /// The container of this name.
    pub(super) fn container(&self, name: &str) -> Container {
        let container = match self.kind {
            #[cfg(feature = "podman")]
            Kind::Podman => Container::podman(name),
            #[cfg(feature = "docker")]
            Kind::Docker => Container::docker(name),
        };
        container.tool(&self.tool)
    }

    /// Starts a container whose main program is a guard; and the way into it, which is found without asking the tool for each.
    pub(super) async fn run_connected(
        &self,
        name: &str,
        words: Vec<OsString>,
    ) -> Result<(Guard, impl Future<Output = Way> + Send + 'static)> {
        let _turn = self.at_once.acquire().await;
        let (container, tool) = (self.container(name), self.kind.name());
        let started = Guard::start(container.command(words), tool, START_LIMIT).await;
        let guard = started.map_err(|why| refusal(name, &why))?;
        let id = std::fs::read_to_string(id_file(name)).ok();
        std::fs::remove_file(id_file(name)).ok();
        let runtime = Arc::clone(&self.runtime);
        let way = async move {
            let find = async || match Way::find(&container).await.tried().await {
                Way::Runtime { program, .. } => Ok(program),
                Way::Tool => Err(()),
            };
            match (runtime.get_or_try_init(find).await, id) {
                (Ok(program), Some(id)) => {
                    Way::Runtime { program: program.clone(), id: id.trim().to_owned() }
                }
                _ => Way::Tool,
            }
        };
        Ok((guard, way))
    }

    /// Tells `run` to write down the id of the container, for [`run_connected`](Self::run_connected).
    pub(super) fn id_option(&self, name: &str) -> String {
        format!("--cidfile={}", id_file(name).display())
    }

    /// Starts a container that goes on by itself.
    pub(super) async fn run_detached(&self, name: &str, words: &[OsString]) -> Result<()> {
        let output = self.output(words, START_LIMIT, None).await?;
        if output.status.success() { Ok(()) } else { Err(refusal(name, &last_words(&output))) }
    }

    /// Removes a container, running or not; none of this name is as good.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        // Of a controller that was killed.
        std::fs::remove_file(id_file(name)).ok();
        let words = self.kind.removal().iter().chain([&name]);
        let output = self.output(words, LIMIT, None).await?;
        let said = last_words(&output);
        if output.status.success() || is_missing(&said) {
            return Ok(());
        }
        Err(Error::infra(name, format!("cannot remove it: {said}")))
    }

    /// Whether there is a container of this name, or one that is just being made by a tool that has outlived its controller: which is
    /// waited for.
    pub(super) async fn is_there(&self, name: &str) -> Result<bool> {
        let tool_is_done = async {
            loop {
                if self.has(name).await? {
                    return Ok(true);
                }
                if !names_process(name).await {
                    // It may have come between the two looks.
                    return self.has(name).await;
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let what = || format!("the making of {name} by a tool of a controller that is gone");
        let waited = tokio::time::timeout(LIMIT, tool_is_done).await;
        waited.unwrap_or_else(|_| Err(Error::Timeout { what: what(), limit: LIMIT }))
    }

    /// Where other containers find this one in the network; nothing if it has no address of its own, as without a network, or with
    /// that of the machine.
    pub(super) async fn address(&self, name: &str) -> Result<Option<String>> {
        const FORMAT: &str = "--format={{range .NetworkSettings.Networks}}{{.IPAddress}} {{.GlobalIPv6Address}} {{end}}";
        let output = self.output(["container", "inspect", FORMAT, name], LIMIT, None).await?;
        if !output.status.success() {
            let said = last_words(&output);
            return Err(Error::infra(name, format!("cannot find its address: {said}")));
        }
        let addresses = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(addresses.split_whitespace().next().map(str::to_owned))
    }

    /// The run that a container was made for, and whether its address was wanted, by its labels.
    pub(super) async fn marks(&self, name: &str) -> Result<(String, bool)> {
        const FORMAT: &str = r#"--format={{index .Config.Labels "atex.address"}} {{index .Config.Labels "atex.run"}}"#;
        let output = self.output(["container", "inspect", FORMAT, name], LIMIT, None).await?;
        if !output.status.success() {
            let said = last_words(&output);
            return Err(Error::infra(name, format!("cannot read its labels: {said}")));
        }
        let labels = String::from_utf8_lossy(&output.stdout).into_owned();
        let (address, run) = labels.trim_end().split_once(' ').unwrap_or_default();
        Ok((run.to_owned(), address == "wanted"))
    }

    async fn has(&self, name: &str) -> Result<bool> {
        let output =
            self.output(["container", "inspect", "--format={{.Id}}", name], LIMIT, None).await?;
        let said = last_words(&output);
        match output.status.success() {
            true => Ok(true),
            false if is_missing(&said) => Ok(false),
            false => Err(Error::infra(name, format!("cannot look for it: {said}"))),
        }
    }

    /// Runs the tool to its end, when it is its turn. Dropping the future kills it.
    pub(super) async fn output<A: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = A>,
        limit: Duration,
        input: Option<&str>,
    ) -> Result<Output> {
        let _turn = self.at_once.acquire().await;
        let mut command = self.container("").command(words);
        command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let tool = self.kind.name();
        let cannot = |error| Error::Usage(format!("cannot run {tool}: {error} (is it installed?)"));
        let mut child = command.spawn().map_err(cannot)?;
        let stdin = child.stdin.take();
        let run = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // One that does not read it says why.
                stdin.write_all(input.as_bytes()).await.ok();
            }
            child.wait_with_output().await.map_err(|error| Error::infra(tool, error))
        };
        let ran = tokio::time::timeout(limit, run).await;
        ran.unwrap_or_else(|_| Err(Error::Timeout { what: format!("a command of {tool}"), limit }))
    }
}

/// Where the id of a container is written to while it starts. Nobody else knows the name before.
fn id_file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("{name}.id"))
}

/// Whether a process has this word among its arguments, or at the end of an option's. The names of containers are nobody else's.
async fn names_process(name: &str) -> bool {
    let option = format!("--name={name}");
    let look = move || {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut arguments = processes.filter_map(|process| {
            std::fs::read(process.path().join("cmdline")).ok().filter(|words| !words.is_empty())
        });
        arguments.any(|words| words.split(|byte| *byte == 0).any(|word| word == option.as_bytes()))
    };
    tokio::task::spawn_blocking(look).await.unwrap_or(false)
}

/// Why there is no container: a mistake of whoever asked for it, or trouble.
fn refusal(name: &str, why: &str) -> Error {
    let known = why.strip_suffix(Guard::HINT).unwrap_or(why);
    let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
    if has(&["image not known", "No such image", "no such image", "Unable to find image"]) {
        let advice = "the image is not here; pull or build it first";
        return Error::Usage(format!("{known} ({advice})"));
    }
    if has(&["cannot run ", "unknown flag", "unknown shorthand flag", "invalid argument"]) {
        return Error::Usage(known.to_owned());
    }
    Error::infra(name, why)
}

fn is_missing(said: &str) -> bool {
    let said = said.to_lowercase();
    said.contains("no such container") || said.contains("no container with name or id")
}

/// The end of what a tool said before it failed.
pub(super) fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines[lines.len().saturating_sub(3)..].join("; ") {
        said if said.is_empty() => Status::from(output.status).to_string(),
        said => said,
    }
}

#[cfg(test)]
mod tests {
    use atex_core::Fault;

    use super::*;

    #[test]
    fn mistakes_are_told_from_trouble() {
        for (why, expected) in [
            ("podman: Error: localhost/x: image not known", Fault::Usage),
            ("docker: Error response from daemon: No such image: x:latest", Fault::Usage),
            ("cannot run podman: No such file or directory (is it installed?)", Fault::Usage),
            ("podman: Error: unknown flag: --colour", Fault::Usage),
            ("podman: Error: OCI runtime error: no space left on device", Fault::Infra),
        ] {
            assert_eq!(refusal("c", why).fault(), expected, "{why}");
        }
    }

    #[tokio::test]
    async fn a_tool_that_still_makes_a_container_is_found() {
        let name = unique("x");
        assert!(!names_process(&name).await);
        let mut words = tokio::process::Command::new("sh");
        words.args(["-c", "read x", "run", &format!("--name={name}")]).kill_on_drop(true);
        let mut child = words.stdin(Stdio::piped()).spawn().unwrap();
        // What a program was told can be read a moment after it has begun.
        let found = async { while !names_process(&name).await {} };
        tokio::time::timeout(LIMIT, found).await.unwrap();
        child.kill().await.unwrap();
        assert!(!names_process(&name).await);
    }

    fn unique(run: &str) -> String {
        crate::fleet::unique_name(run)
    }
}
