//! [`FakeProvisioner`]: a source of remotes that are not there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use super::FakeConnection;
use super::fate::{Fate, Script, error_of, lock};
use crate::{
    Connection, Error, Facts, Failure, Lease, Notes, Provisioner, Remote, Request, Result,
};

/// The backend in the leases of fake remotes.
const BACKEND: &str = "fake";

/// A source of remotes that are not there, `NAME-1`, `NAME-2`, …: it counts them, and fails, hangs or panics when told to.
///
/// Clones are the same provisioner. It keeps the whole contract of [`Provisioner`].
#[derive(Debug, Clone)]
pub struct FakeProvisioner {
    name: String,
    offers: Facts,
    max: Option<usize>,
    provision_time: Duration,
    release_time: Duration,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    slots: Arc<Semaphore>,
    provisions: Script,
    releases: Script,
    counts: Mutex<ProvisionerCounts>,
    /// The remotes that are out, in order.
    remotes: Mutex<BTreeMap<usize, Arc<FakeRemote>>>,
}

/// What a [`FakeProvisioner`] was asked, and what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvisionerCounts {
    /// Calls of `provision`.
    pub requested: usize,
    /// Calls of `provision` that yielded a remote.
    pub provisioned: usize,
    /// Calls of `provision` that failed.
    pub failed: usize,
    /// Calls of `provision` that were dropped, or panicked.
    pub withdrawn: usize,
    /// Remotes that were released, once each.
    pub released: usize,
    /// Remotes that are out.
    pub out: usize,
    /// The most that were out at once.
    pub most_out: usize,
    /// Calls of `shutdown`.
    pub shutdowns: usize,
}

impl FakeProvisioner {
    /// A provisioner of any number of remotes, each there at once.
    pub fn new(name: impl Into<String>) -> Self {
        let state = State {
            slots: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            provisions: Script::default(),
            releases: Script::default(),
            counts: Mutex::default(),
            remotes: Mutex::default(),
        };
        Self {
            name: name.into(),
            offers: Facts::new(),
            max: None,
            provision_time: Duration::ZERO,
            release_time: Duration::ZERO,
            state: Arc::new(state),
        }
    }

    /// With at most this many remotes out at once; further requests wait. Call it before the first request.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        let surplus = self.state.slots.available_permits().saturating_sub(max);
        self.state.slots.forget_permits(surplus);
        self.max = Some(max);
        self
    }

    /// With remotes that are like this.
    #[must_use]
    pub fn offers(mut self, facts: Facts) -> Self {
        self.offers = facts;
        self
    }

    /// With this time to get a remote, after a slot is free.
    #[must_use]
    pub fn provision_time(mut self, time: Duration) -> Self {
        self.provision_time = time;
        self
    }

    /// With this time to release a remote.
    #[must_use]
    pub fn release_time(mut self, time: Duration) -> Self {
        self.release_time = time;
        self
    }

    /// With these fates for the next requests, in the order in which they get a slot.
    #[must_use]
    pub fn provisions(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.state.provisions.extend(fates);
        self
    }

    /// With these fates for the next releases.
    #[must_use]
    pub fn releases(self, fates: impl IntoIterator<Item = Fate>) -> Self {
        self.state.releases.extend(fates);
        self
    }

    /// What it was asked, and what it did.
    pub fn counts(&self) -> ProvisionerCounts {
        *lock(&self.state.counts)
    }

    /// The remotes that are out, oldest first.
    pub fn remotes(&self) -> Vec<Arc<FakeRemote>> {
        lock(&self.state.remotes).values().cloned().collect()
    }

    fn create(&self, slot: OwnedSemaphorePermit, request: &Request) -> Result<Arc<FakeRemote>> {
        let number = lock(&self.state.counts).provisioned + 1;
        let name = format!("{}-{number}", self.name);
        let lease = Lease::new(BACKEND, &name, number.into());
        request.record(&lease)?;
        let fake = Arc::new(FakeConnection::new(name));
        let remote = Arc::new(FakeRemote {
            number,
            connection: fake.clone(),
            fake,
            lease,
            facts: self.offers.clone(),
            notes: Notes::default(),
            release_time: self.release_time,
            slot: Mutex::new(Some(slot)),
            released: watch::Sender::new(None),
            state: Arc::downgrade(&self.state),
        });
        lock(&self.state.remotes).insert(number, remote.clone());
        let mut counts = lock(&self.state.counts);
        counts.provisioned += 1;
        counts.out += 1;
        counts.most_out = counts.most_out.max(counts.out);
        Ok(remote)
    }
}

#[async_trait]
impl Provisioner for FakeProvisioner {
    fn offers(&self) -> &Facts {
        &self.offers
    }

    fn capacity(&self) -> Option<usize> {
        self.max
    }

    async fn provision(&self, request: &Request) -> Result<Arc<dyn Remote>> {
        lock(&self.state.counts).requested += 1;
        let asked = Asked { state: &self.state, answered: false };
        let remote = async {
            let Ok(slot) = self.state.slots.clone().acquire_owned().await else {
                return Err(Error::infra(&self.name, "was shut down"));
            };
            let fate = self.state.provisions.next();
            sleep(self.provision_time).await;
            fate.meet(&self.name).await?;
            if self.state.slots.is_closed() {
                return Err(Error::infra(&self.name, "was shut down"));
            }
            self.create(slot, request)
        };
        let remote = remote.await;
        asked.answer(remote.is_ok());
        Ok(remote?)
    }

    async fn adopt(&self, lease: &Lease) -> Result<Option<Arc<dyn Remote>>> {
        if lease.backend != BACKEND {
            return Err(Error::Usage(format!(
                "{} cannot adopt a lease of {}",
                self.name, lease.backend
            )));
        }
        let remotes = lock(&self.state.remotes);
        let found = remotes.values().find(|remote| remote.lease == *lease).cloned();
        Ok(found.map(|remote| remote as Arc<dyn Remote>))
    }

    async fn reap(&self, lease: &Lease) -> Result<bool> {
        match self.adopt(lease).await? {
            Some(remote) => remote.release().await.map(|()| true),
            None => Ok(false),
        }
    }

    async fn shutdown(&self) -> Result<()> {
        lock(&self.state.counts).shutdowns += 1;
        self.state.slots.close();
        let mut left = Ok(());
        for remote in self.remotes() {
            left = remote.release().await.and(left);
        }
        left
    }
}

/// A call of `provision`: counts itself as withdrawn unless it is answered.
struct Asked<'a> {
    state: &'a State,
    answered: bool,
}

impl Asked<'_> {
    fn answer(mut self, yielded: bool) {
        self.answered = true;
        if !yielded {
            lock(&self.state.counts).failed += 1;
        }
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.answered {
            lock(&self.state.counts).withdrawn += 1;
        }
    }
}

/// A remote that is not there.
#[derive(Debug)]
pub struct FakeRemote {
    number: usize,
    connection: Arc<dyn Connection>,
    fake: Arc<FakeConnection>,
    lease: Lease,
    facts: Facts,
    notes: Notes,
    release_time: Duration,
    slot: Mutex<Option<OwnedSemaphorePermit>>,
    /// How the release ended, once it did.
    released: watch::Sender<Option<Result<(), Failure>>>,
    state: Weak<State>,
}

impl FakeRemote {
    /// Its connection, to cut it or to look at its counts.
    pub fn fake_connection(&self) -> &Arc<FakeConnection> {
        &self.fake
    }

    /// Gives it back in the background, so that it does not matter who waits for it.
    fn start_release(&self) {
        // Whoever takes the slot does it.
        let (Some(slot), Some(state)) = (lock(&self.slot).take(), self.state.upgrade()) else {
            return;
        };
        let (released, time) = (self.released.clone(), self.release_time);
        let (fake, number) = (self.fake.clone(), self.number);
        tokio::spawn(async move {
            sleep(time).await;
            let done = state.releases.next().meet(fake.name()).await;
            fake.cut("the remote was released");
            lock(&state.remotes).remove(&number);
            let mut counts = lock(&state.counts);
            counts.out -= 1;
            counts.released += 1;
            drop((counts, slot));
            released.send_replace(Some(done.map_err(|error| Failure::from(&error))));
        });
    }
}

#[async_trait]
impl Remote for FakeRemote {
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

    async fn release(&self) -> Result<()> {
        let mut released = self.released.subscribe();
        self.start_release();
        match released.wait_for(Option::is_some).await {
            Ok(done) => match done.clone() {
                Some(Err(failure)) => Err(error_of(&self.lease.name, failure)),
                _ => Ok(()),
            },
            Err(error) => Err(Error::infra(&self.lease.name, error)),
        }
    }
}
