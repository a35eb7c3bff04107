//! [`Fleet`]: the remotes that a provisioner has out, and how they are given back.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
#[cfg(any(feature = "local", feature = "podman", feature = "docker"))]
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use atex_core::{
    CancellationToken, Connection, Error, Facts, Failure, Fault, Lease, Notes, Remote, Result,
    Retry, async_trait,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken as Token;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// So much of a run's name is put into names of systems.
#[cfg(any(feature = "local", feature = "podman", feature = "docker"))]
const RUN_MAX: usize = 40;

/// What a remote cannot do that has no [`Renew`].
pub(crate) const ROLL_BACK: &str = "going back to how it was handed out";

/// The remotes that a provisioner has out. It is what makes the contract of releasing and shutting down hold, in one
/// place for every backend: once each, in the background, awaited by `shutdown`.
pub(crate) struct Fleet {
    backend: &'static str,
    stop: Token,
    tasks: TaskTracker,
    slots: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    next: u64,
    names: HashSet<String>,
    out: BTreeMap<u64, Arc<Leased>>,
}

impl State {
    fn has(&self, lease: &Lease) -> bool {
        self.out.values().any(|remote| remote.lease == *lease)
    }
}

/// The right to make one remote: holds a slot, and keeps `shutdown` waiting until it is used up or dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    slot: OwnedSemaphorePermit,
    _tracked: TaskTrackerToken,
}

/// What a remote is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) connection: Arc<dyn Connection>,
    pub(crate) lease: Lease,
    pub(crate) facts: Facts,
    pub(crate) undo: Box<dyn Undo>,
    /// How it is made again what it was, where the backend can do that.
    pub(crate) renew: Option<Arc<dyn Renew>>,
}

/// How a backend makes a system again what it was when it was handed out.
#[async_trait]
pub(crate) trait Renew: fmt::Debug + Send + Sync {
    /// Does so, under the same lease and behind the same connection. Never dropped half-way, unless the whole runtime is. Its
    /// [`Undo`] may begin meanwhile, and comes after it.
    async fn renew(&self) -> Result<()>;
}

/// How a backend takes back what it made.
#[async_trait]
pub(crate) trait Undo: fmt::Debug + Send {
    /// Closes the connection and destroys the system. Never dropped half-way, unless the whole runtime is.
    async fn undo(self: Box<Self>) -> Result<()>;
}

impl Fleet {
    pub(crate) fn new(backend: &'static str, capacity: Option<usize>) -> Arc<Self> {
        let slots = capacity.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Arc::new(Self {
            backend,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            slots: Arc::new(Semaphore::new(slots)),
            state: Mutex::default(),
        })
    }

    /// Waits for a slot.
    pub(crate) async fn enter(&self) -> Result<Ticket> {
        let slots = Arc::clone(&self.slots);
        let slot = tokio::select! {
            biased;
            () = self.stop.cancelled() => return Err(self.shut_down()),
            slot = slots.acquire_owned() => slot.map_err(|_| self.shut_down())?,
        };
        // Under the lock, so that `shutdown` either sees this ticket or is seen here.
        let state = self.lock();
        if state.closed {
            return Err(self.shut_down());
        }
        Ok(Ticket { slot, _tracked: self.tasks.token() })
    }

    /// Resolves when `shutdown` begins.
    #[cfg(any(feature = "hosts", feature = "podman", feature = "docker"))]
    pub(crate) async fn stopped(&self) -> Error {
        self.stop.cancelled().await;
        self.shut_down()
    }

    /// The first of these names that no remote of this fleet has had; it is taken from now on.
    #[cfg(feature = "local")]
    pub(crate) fn take_name(&self, mut names: impl Iterator<Item = String>) -> String {
        let mut state = self.lock();
        let name = names.find(|name| !state.names.contains(name)).unwrap_or_default();
        state.names.insert(name.clone());
        name
    }

    /// Makes the remote known, right after what it stands for was made.
    ///
    /// # Errors
    /// When the provisioner was shut down in the meantime, or the lease is out already; the parts are dropped then, and
    /// the caller takes back what that does not.
    pub(crate) fn admit(self: &Arc<Self>, ticket: Ticket, parts: Parts) -> Result<Arc<dyn Remote>> {
        let mut state = self.lock();
        if state.closed {
            return Err(self.shut_down());
        }
        if state.has(&parts.lease) {
            return Err(Error::Usage(format!("{} is in use already", parts.lease)));
        }
        let id = state.next;
        state.next += 1;
        state.names.insert(parts.lease.name.clone());
        let remote = Arc::new(Leased {
            id,
            connection: parts.connection,
            lease: parts.lease,
            facts: parts.facts,
            notes: Notes::default(),
            fleet: Arc::downgrade(self),
            held: Mutex::new(Some((parts.undo, Box::new(ticket.slot)))),
            renew: parts.renew,
            released: watch::Sender::new(None),
        });
        state.out.insert(id, Arc::clone(&remote));
        Ok(remote)
    }

    /// Runs something in the background that `shutdown` waits for.
    #[cfg(any(feature = "podman", feature = "docker"))]
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Whether a remote of this lease is out.
    pub(crate) fn has(&self, lease: &Lease) -> bool {
        self.lock().has(lease)
    }

    /// See [`Provisioner::shutdown`](atex_core::Provisioner::shutdown).
    pub(crate) async fn shutdown(&self) -> Result<()> {
        let out: Vec<Arc<Leased>> = {
            let mut state = self.lock();
            state.closed = true;
            state.out.values().cloned().collect()
        };
        self.stop.cancel();
        for remote in &out {
            remote.start_release();
        }
        let mut left = Vec::new();
        for remote in out {
            if let Err(error) = remote.release().await {
                left.push(Failure::from(&error).message);
            }
        }
        self.tasks.close();
        self.tasks.wait().await;
        if left.is_empty() { Ok(()) } else { Err(Error::infra(self.backend, left.join("; "))) }
    }

    fn shut_down(&self) -> Error {
        Error::Other {
            origin: self.backend.to_owned(),
            what: "the provisioner was shut down".to_owned(),
            fault: Fault::Cancelled,
            retry: Retry::Never,
            source: None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name for what is made for a run, which nothing else has, so that a lease never means the system of somebody else.
#[cfg(any(feature = "local", feature = "podman", feature = "docker"))]
pub(crate) fn unique_name(run: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let plain = |c| Some(c).filter(is_plain).unwrap_or('-');
    let run: String = run.chars().map(plain).take(RUN_MAX).collect();
    let run = if run.is_empty() { "run" } else { &run };
    format!("atex-{run}-{:016x}", RandomState::new().build_hasher().finish())
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("backend", &self.backend)
            .field("out", &self.lock().out.len())
            .finish_non_exhaustive()
    }
}

type Held = (Box<dyn Undo>, Box<dyn Any + Send>);

/// A remote that is out.
struct Leased {
    id: u64,
    connection: Arc<dyn Connection>,
    lease: Lease,
    facts: Facts,
    notes: Notes,
    // Weak: when a provisioner is dropped, so are the connections of remotes that nobody holds.
    fleet: Weak<Fleet>,
    held: Mutex<Option<Held>>,
    renew: Option<Arc<dyn Renew>>,
    released: watch::Sender<Option<Result<(), String>>>,
}

#[async_trait]
impl Remote for Leased {
    fn connection(&self) -> &Arc<dyn Connection> {
        &self.connection
    }

    fn lease(&self) -> &Lease {
        &self.lease
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }

    async fn roll_back(&self) -> Result<()> {
        let (Some(renew), Some(fleet)) = (self.renew.clone(), self.fleet.upgrade()) else {
            return Err(Error::Unsupported { origin: self.lease.name.clone(), what: ROLL_BACK });
        };
        // On its own, so that a release comes after it, also when nobody waits for it any more.
        let renewed = fleet.tasks.spawn(async move { renew.renew().await });
        renewed.await.map_err(|error| Error::infra(&self.lease.name, error))??;
        self.notes.clear();
        Ok(())
    }

    async fn release(&self) -> Result<()> {
        self.start_release();
        let mut released = self.released.subscribe();
        let result = match released.wait_for(Option::is_some).await {
            Ok(result) => result.clone(),
            Err(_) => None,
        };
        match result {
            Some(Ok(())) => Ok(()),
            Some(Err(what)) => Err(Error::infra(&self.lease.name, what)),
            None => Err(Error::infra(&self.lease.name, "its release was abandoned")),
        }
    }
}

impl Leased {
    /// Starts the release in the background, the first time.
    fn start_release(&self) {
        let Some((undo, slot)) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return;
        };
        let ending = Ending {
            id: self.id,
            fleet: Weak::clone(&self.fleet),
            released: self.released.clone(),
            slot: Some(slot),
            result: Err("its release came to no end".to_owned()),
        };
        let release = async move {
            let result = undo.undo().await.map_err(|error| Failure::from(&error).message);
            ending.with(result);
        };
        match self.fleet.upgrade() {
            Some(fleet) => drop(fleet.tasks.spawn(release)),
            None => drop(tokio::spawn(release)),
        }
    }
}

impl fmt::Debug for Leased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("lease", &self.lease)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// Ends a release when it is dropped, so that a panic of a backend leaves nobody waiting.
struct Ending {
    id: u64,
    fleet: Weak<Fleet>,
    released: watch::Sender<Option<Result<(), String>>>,
    slot: Option<Box<dyn Any + Send>>,
    result: Result<(), String>,
}

impl Ending {
    fn with(mut self, result: Result<(), String>) {
        self.result = result;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(fleet) = self.fleet.upgrade() {
            fleet.lock().out.remove(&self.id);
        }
        // The slot is free before anybody learns of the release.
        drop(self.slot.take());
        self.released.send_replace(Some(self.result.clone()));
    }
}
