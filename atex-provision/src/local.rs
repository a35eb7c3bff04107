//! [`Local`]: remotes on this machine, each with a root folder of its own.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atex_core::{
    Connection, Error, Facts, Lease, Provisioner, Remote, Request, Result, async_trait,
};
use serde_json::json;

use crate::LocalConnection;
use crate::fleet::{Fleet, Parts, Ticket, Undo, unique_name};
use crate::mounts;

const BACKEND: &str = "local";

/// Remotes on this machine: each is a private folder, `atex-RUN-…` in the base folder, and programs that run there through a
/// [`LocalConnection`]. For trying out, for developing tests, for tests that need no machine of their own. The folders keep
/// files apart, nothing more: programs run as our user and see the whole machine.
///
/// Releasing a remote kills what was started through it and removes its folder. Its fact `address` is `localhost`, unless facts say otherwise. The lease is `{"root": FOLDER}`.
#[derive(Debug)]
pub struct Local {
    base: PathBuf,
    facts: Facts,
    max: Option<usize>,
    fleet: Arc<Fleet>,
}

impl Local {
    /// Any number of remotes, in the folder for temporary files, with the facts of [`this_machine`].
    pub fn new() -> Self {
        Self {
            base: std::env::temp_dir(),
            facts: this_machine(),
            max: None,
            fleet: Fleet::new(BACKEND, None),
        }
    }

    /// At most this many remotes at once.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self.fleet = Fleet::new(BACKEND, self.max);
        self
    }

    /// Root folders are made in this folder, which must be there.
    #[must_use]
    pub fn base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    /// Remotes have these facts, instead of those of this machine.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// Hands out the remote of a folder that is there. Nothing here waits, so nothing can be dropped half-way.
    fn admit(&self, ticket: Ticket, lease: Lease, root: PathBuf) -> Result<Arc<dyn Remote>> {
        let connection: Arc<dyn Connection> =
            Arc::new(LocalConnection::new(&lease.name, root.clone()));
        let undo = Box::new(Folder { connection: Arc::clone(&connection), root });
        let facts = self.facts.over(&Facts::new().with(Facts::ADDRESS, "localhost"));
        let parts = Parts { connection, lease, facts, undo, renew: None };
        self.fleet.admit(ticket, parts)
    }
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Provisioner for Local {
    fn offers(&self) -> &Facts {
        &self.facts
    }

    fn capacity(&self) -> Option<usize> {
        self.max
    }

    async fn provision(&self, request: &Request) -> Result<Arc<dyn Remote>> {
        let ticket = self.fleet.enter().await?;
        let base = std::path::absolute(&self.base).map_err(Error::io("cannot find", &self.base))?;
        let root = base.join(unique_name(&request.run));
        let name = self.fleet.take_name((1..).map(|number| format!("local-{number}")));
        let lease = Lease::new(BACKEND, name, json!({ "root": text_of(&root)? }));
        request.record(&lease)?;
        make_root(&root)?;
        let admitted = self.admit(ticket, lease, root.clone());
        if admitted.is_err() {
            remove(&root)?;
        }
        admitted
    }

    /// The folder is taken over with all that is in it; programs that still run there go on.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Arc<dyn Remote>>> {
        let root = root_of(lease)?;
        let ticket = self.fleet.enter().await?;
        if !is_ours(&root)? {
            return Ok(None);
        }
        self.admit(ticket, lease.clone(), root).map(Some)
    }

    /// Kills what runs there, and removes the folder.
    async fn reap(&self, lease: &Lease) -> Result<bool> {
        let root = root_of(lease)?;
        if self.fleet.has(lease) {
            return Err(Error::Usage(format!("{lease} is in use already")));
        }
        if !is_ours(&root)? {
            return Ok(false);
        }
        let connection: Arc<dyn Connection> =
            Arc::new(LocalConnection::new(&lease.name, root.clone()));
        Box::new(Folder { connection, root }).undo().await.map(|()| true)
    }

    async fn shutdown(&self) -> Result<()> {
        self.fleet.shutdown().await
    }
}

/// The folder that a lease names.
fn root_of(lease: &Lease) -> Result<PathBuf> {
    match lease.data.get("root").and_then(|root| root.as_str()) {
        Some(root) if lease.backend == BACKEND => Ok(PathBuf::from(root)),
        _ => Err(Error::Usage(format!("{lease} is no lease of a local remote"))),
    }
}

/// What this machine is: `arch`, and `distro` (as in `fedora-42`) where `/etc/os-release` says so.
pub fn this_machine() -> Facts {
    let facts = Facts::new().with("arch", std::env::consts::ARCH);
    let Ok(release) = fs::read_to_string("/etc/os-release") else { return facts };
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']))
    };
    match (value("ID"), value("VERSION_ID")) {
        (Some(id), Some(version)) => facts.with("distro", format!("{id}-{version}")),
        (Some(id), None) => facts.with("distro", id),
        (None, _) => facts,
    }
}

#[derive(Debug)]
struct Folder {
    connection: Arc<dyn Connection>,
    root: PathBuf,
}

#[async_trait]
impl Undo for Folder {
    async fn undo(self: Box<Self>) -> Result<()> {
        let closed = self.connection.close().await;
        let name = self.connection.name().to_owned();
        let removed = tokio::task::spawn_blocking(move || remove(&self.root)).await;
        removed.map_err(|error| Error::infra(name, error))??;
        closed
    }
}

/// Makes the folder, private from the first moment.
fn make_root(root: &Path) -> Result<()> {
    let make = |path: &Path| {
        DirBuilder::new().mode(0o700).create(path).map_err(Error::io("cannot create", path))
    };
    make(root)?;
    make(&root.join("tmp")).or_else(|error| remove(root).and(Err(error)))
}

/// Whether the folder of a lease is there. Something else in its place is not taken for it: that would be removed.
fn is_ours(root: &Path) -> Result<bool> {
    match fs::symlink_metadata(root) {
        Ok(found) => {
            let own = rustix::process::getuid().as_raw();
            let named =
                root.file_name().is_some_and(|name| name.to_string_lossy().starts_with("atex-"));
            Ok(found.is_dir() && found.uid() == own && named)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("cannot read", root)(error)),
    }
}

/// Removes a folder with all that is in it, also what a test made unreadable for us; but nothing of what it mounted there.
fn remove(root: &Path) -> Result<()> {
    mounts::take_off(root).map_err(Error::io("cannot take off what is mounted below", root))?;
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_folders(root);
            fs::remove_dir_all(root).map_err(Error::io("cannot remove", root))
        }
        result => result.map_err(Error::io("cannot remove", root)),
    }
}

/// Gives us all rights on a folder and the folders in it, as far as we may.
fn open_folders(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o700)).ok();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_folders(&entry.path());
        }
    }
}

fn text_of(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::Usage(format!("the base folder for local remotes must be UTF-8: {}", path.display()))
    })
}
