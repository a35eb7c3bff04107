//! [`Containers`]: a pool of containers, of the root file systems that tests use.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::needs::program_folders;

/// What the containers are made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Image {
    /// A plain system.
    Plain,
    /// One whose first process is a systemd, so that it reboots.
    Systemd,
    /// One with dnf, rpm, and a repository of small packages.
    Dnf,
}

/// A pool of containers.
#[derive(Debug)]
pub(super) struct Containers {
    /// What `--pool` calls it.
    pub(super) pool: String,
    /// The image.
    pub(super) image: String,
    /// What stands for `podman`, with a store of its own.
    pub(super) program: PathBuf,
    /// Where programs are looked for, so that `podman` is that.
    pub(super) path: OsString,
}

/// As many open files and processes as other systems let a test have, which some tests print.
const LIMITS: [&str; 2] = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"];

impl Containers {
    /// Makes their image, if it is not there; `Err` says why they cannot be had here.
    pub(super) fn prepare(sources: &Path, dir: &Path, image: Image) -> Result<Self> {
        let folders = program_folders();
        let mut programs = folders.iter().map(|folder| folder.join("podman"));
        let real = programs.find(|program| program.is_file()).context("podman is not installed")?;
        let recipe: &[&str] = match image {
            Image::Plain => &["testenv/podman.sh"],
            Image::Systemd => &["testenv/derived.sh", "systemd"],
            Image::Dnf => &["testenv/derived.sh", "dnf"],
        };
        let mut command = Command::new("bash");
        command.arg(sources.join(recipe[0])).args(&recipe[1..]).stdin(Stdio::null());
        let output = command.output().context("cannot start bash")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words: Vec<&str> = said.lines().collect();
        let image = words.pop().filter(|_| output.status.success() && !words.is_empty());
        let image = image.with_context(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            format!("{}: {}", recipe[0], errors.lines().last().unwrap_or("it said nothing"))
        })?;
        let bin = dir.join("bin");
        fs::create_dir_all(&bin)?;
        let program = bin.join("podman");
        let words = words[1..].join(" ");
        fs::write(&program, format!("#!/bin/sh\nexec {} {words} \"$@\"\n", real.display()))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let path = std::env::join_paths([bin].into_iter().chain(folders))?;
        let options = LIMITS.map(|option| format!(",option={option}")).concat();
        let pool = format!("podman:{image},max=1,platform=x{options}");
        Ok(Self { pool, image: image.to_owned(), program, path })
    }

    /// The command that starts one of this name, without a network, whose main program ends with its input.
    pub(super) fn starting(&self, name: &str) -> Command {
        let mut podman = Command::new(&self.program);
        podman.args(["run", "-i", "--rm", "--network=none", "--name", name]).args(LIMITS);
        podman.args([&*self.image, "sh", "-c", "echo up; exec cat >/dev/null"]);
        podman
    }
}
