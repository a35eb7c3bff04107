//! [`Provisioner`]: where remotes come from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Facts, Lease, Remote, Result};

/// A source of remotes. One call of [`provision`](Self::provision) is one remote: ask for three by calling it three times
/// at once, give up by dropping the future. There is nothing else to withdraw.
///
/// Wrappers are provisioners around a provisioner; they forward every method.
#[async_trait]
pub trait Provisioner: fmt::Debug + Send + Sync + 'static {
    /// What its remotes will be, known before there are any.
    fn offers(&self) -> &Facts;

    /// How many remotes it can have out at once; `None` when it does not know or does not limit them.
    fn capacity(&self) -> Option<usize> {
        None
    }

    /// Gets one more remote, connected and ready to run programs.
    ///
    /// Waits while all slots are taken, until one is released. Before anything is created that could be left behind, its
    /// lease is recorded with [`Request::record`]. Dropping the future withdraws the request: what was begun is undone in the
    /// background, and [`shutdown`](Self::shutdown) waits for that.
    ///
    /// # Errors
    /// [`fault`](crate::Error::fault) tells a wrong set-up (usage) from trouble that may pass (infra). Nothing is left
    /// behind. After `shutdown` it always fails.
    async fn provision(&self, request: &Request) -> Result<Arc<dyn Remote>>;

    /// Finds the system of a lease again, after the controller that held it died, and takes it over.
    ///
    /// `None` when it is gone: there is nothing left to release. Takes a slot as `provision` does.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a lease of another backend; else as `provision`: the system may still be there.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Arc<dyn Remote>>>;

    /// Gives back what the lease of a dead controller stands for, without connecting to it: also a system that was only begun, or that
    /// does not answer any more. `false` when there is nothing to give back: it is gone, or was there before. Takes no slot.
    /// Dropping the future may leave it; doing it again mends that.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) for a lease of another backend, or one that is out here; else when something may be left
    /// behind.
    async fn reap(&self, lease: &Lease) -> Result<bool>;

    /// Releases every remote that is out and waits for all that goes on in the background. When it resolves, nothing is
    /// left. May be called again. Requests that wait for a slot fail.
    ///
    /// # Errors
    /// When something may be left behind; the text says what.
    async fn shutdown(&self) -> Result<()>;
}

/// What a provisioner is told about the remote it is asked for.
#[derive(Clone)]
#[non_exhaustive]
pub struct Request {
    /// A short text that names the run, safe in names of machines and folders; backends put it into what they create.
    pub run: String,
    /// Whether tests on other remotes want to find this one in the network: the remote then has the fact
    /// [`address`](Facts::ADDRESS), if it has an address, also where finding that out takes time.
    pub address: bool,
    leases: Arc<dyn LeaseLog>,
}

/// Keeps leases where a later controller finds them.
pub trait LeaseLog: Send + Sync {
    /// Writes the lease down; it is durable when this returns.
    ///
    /// # Errors
    /// When it could not be written: then nothing must be created.
    fn record(&self, lease: &Lease) -> Result<()>;
}

impl Request {
    /// A request whose leases nobody writes down: for small programs and for tests. What such a program leaves behind when
    /// it is killed, nobody finds.
    pub fn new(run: impl Into<String>) -> Self {
        Self::recorded(run, Arc::new(Unrecorded))
    }

    /// A request whose leases go to this log.
    pub fn recorded(run: impl Into<String>, leases: Arc<dyn LeaseLog>) -> Self {
        Self { run: run.into(), address: false, leases }
    }

    /// Whether tests on other remotes want to find this one in the network.
    #[must_use]
    pub fn address(mut self, wanted: bool) -> Self {
        self.address = wanted;
        self
    }

    /// For backends: writes down the lease of what is about to be created.
    ///
    /// A request has one lease at a time: another one for the same request replaces it. So a backend that tries something else
    /// makes sure that nothing is left of what it tried before, and one that creates several things names them all in the
    /// lease.
    ///
    /// # Errors
    /// When it could not be written: create nothing, and fail with this error.
    pub fn record(&self, lease: &Lease) -> Result<()> {
        self.leases.record(lease)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("run", &self.run).finish_non_exhaustive()
    }
}

struct Unrecorded;

impl LeaseLog for Unrecorded {
    fn record(&self, _: &Lease) -> Result<()> {
        Ok(())
    }
}
