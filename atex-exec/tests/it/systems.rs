//! The kinds of systems that tests of this folder run on.

use std::any::Any;
use std::sync::Arc;

use atex_core::{Connection, ConnectionExt};
use atex_provision::LocalConnection;
use atex_provision::testkit::{Podman, Sshd};
use tempfile::TempDir;

/// A system to run tests on, with a folder there in which sessions make their work folders.
pub(crate) struct System {
    connection: Arc<dyn Connection>,
    base: String,
    /// What has to live as long as the system: its folder, its server.
    _kept: Box<dyn Any>,
}

impl System {
    /// This machine.
    pub(crate) fn local() -> Self {
        let (folder, base) = folder();
        let connection = LocalConnection::new("system", folder.path());
        Self { connection: Arc::new(connection), base, _kept: Box::new(folder) }
    }

    /// A real sshd; `None` where there is none, which is said.
    pub(crate) async fn ssh(test: &str) -> Option<Self> {
        let server = Sshd::for_test(test)?;
        let (folder, base) = folder();
        let connection = Arc::new(server.ssh().connect().await.unwrap());
        Some(Self { connection, base, _kept: Box::new((folder, server)) })
    }

    /// A real container; `None` where there is none, which is said.
    pub(crate) async fn container(test: &str) -> Option<Self> {
        let podman = Podman::for_test(test)?;
        let connection = Arc::new(podman.container().connect().await.unwrap());
        connection.script("mkdir /var/tmp/base", &[]).await.unwrap();
        Some(Self { connection, base: "/var/tmp/base".into(), _kept: Box::new(podman) })
    }

    pub(crate) fn connection(&self) -> Arc<dyn Connection> {
        Arc::clone(&self.connection)
    }

    /// Where work folders are to be made.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What lies in the folder of work folders: modes and names.
    pub(crate) async fn left(&self) -> Vec<String> {
        let list =
            "cd \"$1\" && for name in *; do [ ! -e \"$name\" ] || stat -c '%a %n' \"$name\"; done";
        let listed = self.connection.script(list, &[&self.base]).await.unwrap();
        listed.lines().map(str::to_owned).collect()
    }

    /// The text with what differs from system to system named.
    pub(crate) fn normal(&self, text: &str) -> String {
        text.replace(self.connection.name(), "system").replace(&self.base, "BASE")
    }
}

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("tmp");
    std::fs::create_dir(&base).unwrap();
    let base = base.to_str().unwrap().to_owned();
    (folder, base)
}
