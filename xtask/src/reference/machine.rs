//! [`Machine`]: a system that can be rebooted, for as long as the comparison takes.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::cargo;

/// A system in namespaces of this one, which the example `machine` of `atex-provision` boots. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Machine {
    /// What `--pool` calls it.
    pub(super) pool: String,
    program: Child,
}

/// By which the Python ATEX reboots; the machine has no systemd.
const SYSTEMCTL: (&str, &str) = (
    "#!/bin/sh\ncase \"$*\" in *reboot.target*) exec reboot ;; *) exit 3 ;; esac\n",
    "/usr/local/bin/systemctl",
);

impl Machine {
    /// Boots one, with these files in it.
    pub(super) fn start(sources: &Path, files: &[(PathBuf, &str)]) -> Result<Self> {
        let mut program = cargo()
            .current_dir(sources)
            .args(["run", "--quiet", "--package=atex-provision", "--example=machine"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start cargo")?;
        let out = program.stdout.take().context("cargo has no output")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).context("cannot read from the machine")?;
        let machine = Self { pool: line.trim().to_owned(), program };
        ensure!(!machine.pool.is_empty(), "it cannot be booted");
        for (from, to) in files {
            let text = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
            machine.put(&text, to)?;
        }
        machine.put(SYSTEMCTL.0.as_bytes(), SYSTEMCTL.1)?;
        Ok(machine)
    }

    /// Its place, as the driver is told.
    pub(super) fn for_driver(&self) -> String {
        let (destination, config) = self.parts();
        format!("ssh {destination} {config}")
    }

    fn parts(&self) -> (&str, &str) {
        let pool = self.pool.strip_prefix("ssh:").unwrap_or(&self.pool);
        pool.split_once(",ssh_config=").unwrap_or((pool, ""))
    }

    fn put(&self, text: &[u8], to: &str) -> Result<()> {
        let (destination, config) = self.parts();
        let script = format!("mkdir -p \"$(dirname {to})\" && cat >{to} && chmod 755 {to} && sync");
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", config, destination]).arg(script).stdin(Stdio::piped());
        let mut ssh = ssh.spawn().context("cannot start ssh")?;
        let written = ssh.stdin.take().map(|mut stdin| stdin.write_all(text));
        let status = ssh.wait().context("cannot wait for ssh")?;
        ensure!(status.success(), "cannot write {to} there: {status}");
        written.transpose().with_context(|| format!("cannot write {to} there"))?;
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.program.stdin.take());
        self.program.wait().ok();
    }
}
