//! The kinds of systems that tests of this folder run on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use atex_core::Connection;
use atex_provision::LocalConnection;
use atex_provision::testkit::Sshd;
use tempfile::TempDir;

/// A system to run tests on, with a folder for the work folders of sessions that can be seen from here.
pub(crate) struct System {
    connection: Arc<dyn Connection>,
    /// Goes before the server: it is removed by name.
    folder: TempDir,
    _server: Option<Sshd>,
}

impl System {
    /// This machine.
    pub(crate) fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        let connection: Arc<dyn Connection> =
            Arc::new(LocalConnection::new("system", folder.path()));
        Self { connection, folder, _server: None }
    }

    /// A real sshd; `None` where there is none, which is said.
    pub(crate) async fn ssh(test: &str) -> Option<Self> {
        let server = Sshd::for_test(test)?;
        let connection: Arc<dyn Connection> = Arc::new(server.ssh().connect().await.unwrap());
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("tmp")).unwrap();
        Some(Self { connection, folder, _server: Some(server) })
    }

    pub(crate) fn connection(&self) -> Arc<dyn Connection> {
        Arc::clone(&self.connection)
    }

    /// Where work folders are to be made.
    pub(crate) fn base(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// What lies in the folder of work folders.
    pub(crate) fn left(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.base()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The text with what differs from system to system named.
    pub(crate) fn normal(&self, text: &str) -> String {
        let base: &Path = &self.base();
        text.replace(self.connection.name(), "system").replace(&base.display().to_string(), "BASE")
    }
}
