//! [`Places`]: the systems that tests are run on, made when they are first asked for.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::container_host::ContainerHost;
use super::containers::{Containers, Image};
use super::machine::Machine;
use super::selection::{Executor, Selection, Where};
use super::sshd::Sshd;
use crate::workspace::Workspace;

/// Which kinds of systems there are to be, besides this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) ssh: bool,
    pub(super) containers: bool,
}

/// Where tests are run.
#[derive(Debug)]
pub(super) struct Places {
    sources: PathBuf,
    dir: PathBuf,
    wanted: Wanted,
    sshd: Option<Sshd>,
    machine: OnceCell<Option<Machine>>,
    containers: [OnceCell<Option<Containers>>; 3],
    dnf_host: OnceCell<Option<ContainerHost>>,
}

/// A pool for `atex`, and what it is called in the table.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) over: &'static str,
    pub(super) argument: String,
    /// Where programs are looked for, if not where we do.
    pub(super) path: Option<OsString>,
}

impl Pool {
    fn new(over: &'static str, argument: impl Into<String>) -> Self {
        Self { over, argument: argument.into(), path: None }
    }

    fn of(containers: &Containers, more: &str) -> Self {
        let argument = format!("{}{more}", containers.pool);
        Self { over: "podman", argument, path: Some(containers.path.clone()) }
    }
}

impl Places {
    pub(super) fn new(
        workspace: &Workspace,
        dir: PathBuf,
        wanted: Wanted,
        sshd: Option<Sshd>,
    ) -> Self {
        let containers = [const { OnceCell::new() }; 3];
        let (machine, dnf_host) = (OnceCell::new(), OnceCell::new());
        let sources = workspace.root.clone();
        Self { sources, dir, wanted, sshd, machine, containers, dnf_host }
    }

    /// The pools that these tests are run on; none where nothing that they need can be had.
    pub(super) fn pools(&self, selection: &Selection) -> Vec<Pool> {
        match selection.place {
            Where::Anywhere => {
                let ssh = self.sshd.as_ref().map(|sshd| Pool::new("ssh", &sshd.pool));
                let podman = self.containers(Image::Plain).map(|found| Pool::of(found, ""));
                [Pool::new("local", "local,max=4")].into_iter().chain(ssh).chain(podman).collect()
            }
            Where::Machine => {
                let more = format!(",systemd=yes{}", self.with_beakerlib());
                let podman = self.containers(Image::Systemd).map(|found| Pool::of(found, &more));
                self.over_ssh().into_iter().chain(podman).collect()
            }
            Where::Beakerlib => {
                let more = self.with_beakerlib();
                let podman = self.containers(Image::Plain).map(|found| Pool::of(found, &more));
                self.over_ssh().into_iter().chain(podman).collect()
            }
            Where::Packages => {
                let ssh = self.dnf_host().map(|host| Pool::new("ssh", &host.pool));
                let podman = self.containers(Image::Dnf).map(|found| Pool::of(found, ""));
                ssh.into_iter().chain(podman).collect()
            }
        }
    }

    /// Where the Python ATEX runs these tests, as its driver is told; and where programs are looked for meanwhile.
    pub(super) fn asked(&self, selection: &Selection) -> Option<(String, Option<OsString>)> {
        match selection.place {
            Where::Anywhere => Some(("local".to_owned(), None)),
            Where::Machine | Where::Beakerlib => {
                self.machine().map(|machine| (machine.for_driver(), None))
            }
            Where::Packages => {
                let containers = self.containers(Image::Dnf)?;
                Some((format!("podman {}", containers.image), Some(containers.path.clone())))
            }
        }
    }

    fn over_ssh(&self) -> Option<Pool> {
        self.machine().map(|machine| Pool::new("ssh", &machine.pool))
    }

    /// What a pool of containers is told, so that they have beakerlib.
    fn with_beakerlib(&self) -> String {
        format!(",option=--volume={}:{BEAKERLIB}:ro", self.stand_in().display())
    }

    /// What stands for beakerlib, which is in no registry.
    fn stand_in(&self) -> PathBuf {
        self.sources.join("atex-exec/tests/it/behaviours/beakerlib.sh")
    }

    fn machine(&self) -> Option<&Machine> {
        let made = self.machine.get_or_init(|| {
            if !self.wanted.ssh {
                return None;
            }
            let files = [(self.stand_in(), BEAKERLIB)];
            or_say("no system that reboots", Machine::start(&self.sources, &files))
        });
        made.as_ref()
    }

    fn containers(&self, image: Image) -> Option<&Containers> {
        let made = self.containers[image as usize].get_or_init(|| {
            if !self.wanted.containers {
                return None;
            }
            let made = Containers::prepare(&self.sources, &self.dir.join("containers"), image);
            or_say("no containers", made)
        });
        made.as_ref()
    }
}

impl Places {
    fn dnf_host(&self) -> Option<&ContainerHost> {
        let made = self.dnf_host.get_or_init(|| {
            let containers = self.containers(Image::Dnf).filter(|_| self.wanted.ssh)?;
            let made = ContainerHost::start(&self.sources, &self.dir.join("dnf-host"), containers);
            or_say("no sshd in a container", made)
        });
        made.as_ref()
    }
}

/// Where tests look for beakerlib.
const BEAKERLIB: &str = "/usr/share/beakerlib/beakerlib.sh";

fn or_say<T>(what: &str, made: anyhow::Result<T>) -> Option<T> {
    made.inspect_err(|error| println!("skipped: {what}: {error:#}")).ok()
}

impl Executor {
    /// What `--executor` and the driver call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fmf => "fmf",
            Self::Beakerlib => "beakerlib",
        }
    }

    /// The folder of its trees in the source package.
    pub(super) fn trees(self, source: &Path) -> PathBuf {
        source.join("tests/executor").join(self.name()).join("fmf_trees")
    }
}
