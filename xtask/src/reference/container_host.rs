//! [`ContainerHost`]: a container that is reached over ssh, by a real sshd in it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::containers::Containers;

/// A container that is reached over ssh: for each connection, podman starts an sshd in it, so that it needs no network. Dropping it
/// removes it.
#[derive(Debug)]
pub(super) struct ContainerHost {
    /// What `--pool` calls it.
    pub(super) pool: String,
    main: Child,
}

impl ContainerHost {
    /// Starts one, with the configuration of ssh in `dir`.
    pub(super) fn start(sources: &Path, dir: &Path, containers: &Containers) -> Result<Self> {
        let rootfs = Command::new("bash")
            .arg(sources.join("testenv/rootfs.sh"))
            .stdin(Stdio::null())
            .output()
            .context("cannot start bash")?;
        ensure!(rootfs.status.success(), "rootfs.sh: {}", rootfs.status);
        let key = Path::new(String::from_utf8_lossy(&rootfs.stdout).trim()).join("key");
        let name = format!("atex-reference-{}", std::process::id());
        let mut main = containers.starting(&name);
        let mut main = main.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(output) = main.stdout.take() {
            BufReader::new(output).read_line(&mut line)?;
        }
        let config = dir.join("ssh_config");
        let pool = format!("ssh:root@container,platform=x,ssh_config={}", config.display());
        let host = Self { pool, main };
        ensure!(line == "up\n", "the container does not start");
        let server = "mkdir -p /run/sshd && exec /usr/sbin/sshd -i";
        let text = format!(
            "Host *\nIdentityFile {}\nIdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n\
             LogLevel ERROR\nProxyCommand {} exec -i {name} sh -c '{server}'\n",
            key.display(),
            containers.program.display(),
        );
        fs::create_dir_all(dir).and_then(|()| fs::write(&config, text))?;
        Ok(host)
    }
}

impl Drop for ContainerHost {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.main.stdin.take());
        self.main.wait().ok();
    }
}
