//! [`FakeConnection`]: a channel to nothing, which can be cut.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::{
    BoxRead, BoxWrite, Child, Command, Connection, CopyOptions, Error, PackedTree, Process, Result,
    Status, Stdio,
};

/// A channel to nothing: every program ends at once with 0 and prints nothing, every upload succeeds. It can be cut.
#[derive(Debug)]
pub struct FakeConnection {
    name: String,
    /// Why it is closed, while it is.
    closed: watch::Sender<Option<String>>,
    spawned: AtomicUsize,
    uploads: AtomicUsize,
}

impl FakeConnection {
    /// An open connection to a system of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            closed: watch::Sender::new(None),
            spawned: AtomicUsize::new(0),
            uploads: AtomicUsize::new(0),
        }
    }

    /// Cuts it, for this reason: [`closed`](Connection::closed) resolves, and everything else fails until it is reconnected.
    pub fn cut(&self, reason: impl Into<String>) {
        self.closed.send_replace(Some(reason.into()));
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.closed.borrow().is_none()
    }

    /// How many programs were started.
    pub fn spawned(&self) -> usize {
        self.spawned.load(Ordering::Relaxed)
    }

    /// How many folders were uploaded.
    pub fn uploads(&self) -> usize {
        self.uploads.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connection for FakeConnection {
    fn name(&self) -> &str {
        &self.name
    }

    async fn spawn(&self, command: Command) -> Result<Child> {
        command.validate()?;
        self.check().await?;
        self.spawned.fetch_add(1, Ordering::Relaxed);
        let mut child = Child::new(Box::new(Done));
        let piped = |stdio: &Stdio| matches!(stdio, Stdio::Piped);
        child.stdin = piped(&command.stdin).then(|| Box::new(tokio::io::sink()) as BoxWrite);
        child.stdout = piped(&command.stdout).then(|| Box::new(tokio::io::empty()) as BoxRead);
        child.stderr = piped(&command.stderr).then(|| Box::new(tokio::io::empty()) as BoxRead);
        Ok(child)
    }

    async fn check(&self) -> Result<()> {
        if self.is_open() {
            return Ok(());
        }
        Err(Error::NotConnected { origin: self.name.clone() })
    }

    async fn reconnect(&self) -> Result<()> {
        self.closed.send_replace(None);
        Ok(())
    }

    async fn closed(&self) -> Error {
        let mut closed = self.closed.subscribe();
        // The sender is ours, so the wait can only end with a reason.
        let reason = match closed.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        Error::Lost { origin: self.name.clone(), source: reason.into() }
    }

    async fn upload(&self, _: &Path, _: &str, _: &CopyOptions) -> Result<()> {
        self.check().await?;
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn upload_packed(&self, _: &PackedTree, _: &str) -> Result<()> {
        self.check().await?;
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn close(&self) -> Result<()> {
        self.cut("closed by its owner");
        Ok(())
    }
}

/// A program that has ended well.
#[derive(Debug)]
struct Done;

#[async_trait]
impl Process for Done {
    async fn wait(&mut self) -> Result<Status> {
        Ok(Status::Code(0))
    }

    fn start_kill(&mut self) -> Result<()> {
        Ok(())
    }
}
