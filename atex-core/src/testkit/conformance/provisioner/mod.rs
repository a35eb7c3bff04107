//! What a [`Provisioner`] and its remotes promise.

mod after_a_crash;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;

pub use self::after_a_crash::{
    a_lease_is_adopted_after_a_crash, a_lease_is_reaped_after_a_crash,
    a_lease_of_nobody_is_refused, a_lease_that_is_out_is_not_adopted_again,
};
use super::{Check, Suite, ensure, run_checks};
use crate::{Command, ConnectionExt, Error, Lease, LeaseLog, Provisioner, Remote, Request, Result};

/// Longer than this, no part of making a remote is waited for before it is given up.
const LONG: Duration = Duration::from_secs(8);

/// How backends may rightly differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Systems {
    /// It makes a system for each remote, and destroys it on release.
    Made,
    /// It hands out systems that are there before and afterwards: a lease can always be adopted.
    Existing,
}

/// The subject of the checks.
#[derive(Debug)]
pub struct Backend<F> {
    make: F,
    systems: Systems,
}

/// Runs all checks. Each call of `make` gives a fresh provisioner; all of them are of the same place (the same account, the same
/// hosts), so that one can adopt what another left, and nobody else uses it meanwhile. Each can have two remotes out at
/// least, and all that its capacity says are asked for.
///
/// # Panics
/// With the list of the promises that are broken.
pub async fn all(systems: Systems, make: impl AsyncFn() -> Result<Arc<dyn Provisioner>>) {
    let backend = &Backend { make, systems };
    let mut suite = Suite::new("Provisioner");
    run_checks!(
        suite,
        backend,
        [
            a_remote_is_connected_and_what_was_offered,
            names_are_unique,
            many_are_made_at_once,
            a_released_slot_goes_to_who_waits,
            releasing_happens_once,
            a_dropped_release_goes_on,
            leases_are_recorded_before_anything_is_made,
            an_unrecorded_lease_makes_nothing,
            a_dropped_request_leaves_nothing,
            a_remote_that_is_rolled_back_is_as_it_was,
            a_lease_is_adopted_after_a_crash,
            a_lease_that_is_out_is_not_adopted_again,
            a_lease_is_reaped_after_a_crash,
            a_lease_of_nobody_is_refused,
            shutdown_releases_all_and_refuses_more,
            shutdown_fails_who_waits,
            shutdown_waits_for_what_was_begun,
        ]
    );
    suite.finish();
}

impl<F: AsyncFn() -> Result<Arc<dyn Provisioner>>> Backend<F> {
    async fn fresh(&self) -> Result<Arc<dyn Provisioner>> {
        (self.make)().await
    }

    /// Checks that nothing is left of a lease; a system that exists anyway must be free.
    async fn nothing_left(&self, lease: &Lease) -> Check {
        let other = self.fresh().await?;
        let adopted = other.adopt(lease).await?;
        match (self.systems, adopted) {
            (Systems::Made, None) | (Systems::Existing, Some(_)) => Ok(other.shutdown().await?),
            (Systems::Made, Some(_)) => Err(format!("something is left of {lease}").into()),
            (Systems::Existing, None) => Err(format!("{lease} is gone").into()),
        }
    }
}

/// Keeps what was recorded, and tells a waiter.
#[derive(Default)]
struct Log {
    leases: Mutex<Vec<Lease>>,
    refuse: bool,
    recorded: tokio::sync::Notify,
}

impl LeaseLog for Log {
    fn record(&self, lease: &Lease) -> Result<()> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).push(lease.clone());
        self.recorded.notify_one();
        if self.refuse { Err(Error::infra("the log", "refuses")) } else { Ok(()) }
    }
}

impl Log {
    fn leases(&self) -> Vec<Lease> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn request() -> Request {
    Request::new("conformance")
}

/// As many remotes as there can be at once; three where there is no limit.
async fn fill(provisioner: &dyn Provisioner) -> Result<Vec<Arc<dyn Remote>>> {
    let mut remotes = Vec::new();
    for _ in 0..provisioner.capacity().unwrap_or(3) {
        remotes.push(provisioner.provision(&request()).await?);
    }
    Ok(remotes)
}

async fn runs(remote: &dyn Remote) -> Check {
    let printed = remote.connection().script("echo it runs", &[]).await?;
    ensure!(printed == "it runs\n", "a script on {} printed {printed:?}", remote.name());
    Ok(())
}

/// A remote runs programs, is named alike everywhere, and has the facts that were offered.
pub async fn a_remote_is_connected_and_what_was_offered(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    runs(&*remote).await?;
    let names = [remote.name(), remote.connection().name(), &remote.lease().name];
    ensure!(names.iter().all(|name| *name == names[0]), "it has several names: {names:?}");
    for (dimension, offered) in provisioner.offers().iter() {
        let has = remote.facts().get(dimension);
        ensure!(
            offered.iter().all(|value| has.contains(value)),
            "{dimension} was offered as {offered:?}, and is {has:?}"
        );
    }
    remote.notes().set("note", 1);
    ensure!(remote.notes().get("note") == Some(1.into()), "a note was not kept");
    Ok(provisioner.shutdown().await?)
}

/// Remotes that are out at once have names of their own.
pub async fn names_are_unique(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remotes = fill(&*provisioner).await?;
    ensure!(remotes.len() > 1, "the checks need room for two remotes");
    let names: HashSet<&str> = remotes.iter().map(|remote| remote.name()).collect();
    ensure!(names.len() == remotes.len(), "{} remotes have the names {names:?}", remotes.len());
    for remote in &remotes {
        runs(&**remote).await?;
    }
    Ok(provisioner.shutdown().await?)
}

/// As many requests at once as there are slots all get a remote, and all of them can be released at once.
pub async fn many_are_made_at_once(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let request = request();
    let want = provisioner.capacity().unwrap_or(3);
    let asked = (0..want).map(|_| provisioner.provision(&request));
    let remotes: Vec<_> = join_all(asked).await.into_iter().collect::<Result<_>>()?;
    for ran in join_all(remotes.iter().map(|remote| runs(&**remote))).await {
        ran?;
    }
    for released in join_all(remotes.iter().map(|remote| remote.release())).await {
        released?;
    }
    for remote in &remotes {
        backend.nothing_left(remote.lease()).await?;
    }
    Ok(provisioner.shutdown().await?)
}

/// When all slots are taken, a request waits, and gets the slot of the next remote that is released.
pub async fn a_released_slot_goes_to_who_waits(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let Some(_) = provisioner.capacity() else { return Ok(()) };
    let remotes = fill(&*provisioner).await?;
    let releasing = AtomicBool::new(false);
    let request = request();
    let wait = async {
        let remote = provisioner.provision(&request).await?;
        ensure!(releasing.load(Ordering::SeqCst), "there are more remotes than the capacity says");
        runs(&*remote).await
    };
    let release = async {
        // Gives the other time to find a slot that is not there.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        releasing.store(true, Ordering::SeqCst);
        remotes[0].release().await
    };
    let (waited, released) = tokio::join!(wait, release);
    released?;
    waited?;
    Ok(provisioner.shutdown().await?)
}

/// Releasing closes the connection and leaves nothing; again, and many times at once, is no error.
pub async fn releasing_happens_once(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    let (a, b, c) = tokio::join!(remote.release(), remote.release(), remote.release());
    a.and(b).and(c)?;
    remote.release().await?;
    match remote.connection().spawn(Command::new("true")).await {
        Err(Error::NotConnected { .. }) => {}
        other => return Err(format!("a program on a released remote gave {other:?}").into()),
    }
    backend.nothing_left(remote.lease()).await?;
    provisioner.shutdown().await?;
    Ok(remote.release().await?)
}

/// Dropping the future of a release does not stop it.
pub async fn a_dropped_release_goes_on(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    tokio::select! {
        biased;
        released = remote.release() => released?,
        () = std::future::ready(()) => {}
    }
    provisioner.shutdown().await?;
    backend.nothing_left(remote.lease()).await
}

/// The lease of a remote was recorded, as it is.
pub async fn leases_are_recorded_before_anything_is_made(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let log = Arc::new(Log::default());
    let remote = provisioner.provision(&Request::recorded("conformance", log.clone())).await?;
    let leases = log.leases();
    ensure!(leases.contains(remote.lease()), "{:?} is not among {leases:?}", remote.lease());
    let json = serde_json::to_value(remote.lease())?;
    let back: Lease = serde_json::from_value(json.clone())?;
    ensure!(back == *remote.lease(), "the lease does not survive being stored: {json}");
    Ok(provisioner.shutdown().await?)
}

/// When the lease cannot be recorded, the request fails with that, nothing is made, and the slot is free.
pub async fn an_unrecorded_lease_makes_nothing(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let log = Arc::new(Log { refuse: true, ..Log::default() });
    match provisioner.provision(&Request::recorded("conformance", log.clone())).await {
        Err(error) if error.to_string() == "the log: refuses" => {}
        other => return Err(format!("a refused lease gave {other:?}").into()),
    }
    for lease in log.leases() {
        backend.nothing_left(&lease).await?;
    }
    fill(&*provisioner).await?;
    Ok(provisioner.shutdown().await?)
}

/// Giving up at any moment leaves nothing behind and frees the slot.
pub async fn a_dropped_request_leaves_nothing(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let log = Arc::new(Log::default());
    let request = Request::recorded("conformance", log.clone());
    let provision = async |patience: &mut (dyn Future<Output = ()> + Unpin + Send)| {
        let provisioned = tokio::select! {
            biased;
            remote = provisioner.provision(&request) => Some(remote?),
            () = patience => None,
        };
        match provisioned {
            Some(remote) => remote.release().await,
            None => Ok(()),
        }
    };
    for moments in [0, 1, 2, 3, 5, 10, 100] {
        let patience = async {
            if moments > 0 {
                log.recorded.notified().await;
            }
            for _ in 0..moments {
                tokio::task::yield_now().await;
            }
        };
        provision(&mut Box::pin(patience)).await?;
    }
    // Also in the middle of what takes long: after parts of the time that it takes here.
    let begun = std::time::Instant::now();
    provisioner.provision(&request).await?.release().await?;
    let took = begun.elapsed().min(LONG);
    for part in 1..6 {
        let patience = tokio::time::sleep(took * part / 8);
        provision(&mut Box::pin(patience)).await?;
    }
    fill(&*provisioner).await?;
    provisioner.shutdown().await?;
    for lease in log.leases() {
        backend.nothing_left(&lease).await?;
    }
    Ok(())
}

/// Nothing of what was done on it is left, what ran there is dead, and it works as before, where a backend can do that;
/// one that cannot says so.
pub async fn a_remote_that_is_rolled_back_is_as_it_was(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    let lease = remote.lease().clone();
    match remote.roll_back().await {
        Err(Error::Unsupported { .. }) => return Ok(provisioner.shutdown().await?),
        done => done?,
    }
    for round in 0..2 {
        let change = "touch left-behind; (sleep 1000 &) >/dev/null 2>&1";
        remote.connection().script(change, &[]).await?;
        remote.notes().set("note", round);
        remote.roll_back().await?;
        let left = remote.connection().script("ls left-behind 2>/dev/null; true", &[]).await?;
        ensure!(left.is_empty(), "there is still {left:?} on {}", remote.name());
        ensure!(remote.notes().all().is_empty(), "notes were kept: {:?}", remote.notes().all());
        ensure!(*remote.lease() == lease, "{lease} became {}", remote.lease());
        remote.connection().check().await?;
        runs(&*remote).await?;
    }
    // Its release waits for one that nobody waits for any more.
    tokio::select! {
        biased;
        done = remote.roll_back() => done?,
        () = tokio::task::yield_now() => {}
    }
    remote.release().await?;
    ensure!(remote.roll_back().await.is_err(), "a released remote was rolled back");
    backend.nothing_left(&lease).await?;
    Ok(provisioner.shutdown().await?)
}

/// Shutting down releases what is out; afterwards there is nothing to be had. It may be done again.
pub async fn shutdown_releases_all_and_refuses_more(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remotes = fill(&*provisioner).await?;
    let (a, b) = tokio::join!(provisioner.shutdown(), provisioner.shutdown());
    a.and(b)?;
    provisioner.shutdown().await?;
    for remote in &remotes {
        match remote.connection().spawn(Command::new("true")).await {
            Err(Error::NotConnected { .. }) => {}
            other => return Err(format!("a program after shutdown gave {other:?}").into()),
        }
        remote.release().await?;
        backend.nothing_left(remote.lease()).await?;
    }
    let after = provisioner.provision(&request()).await.map(drop);
    ensure!(after.is_err(), "there was another remote after shutdown");
    let after = provisioner.adopt(remotes[0].lease()).await;
    ensure!(!matches!(after, Ok(Some(_))), "a lease was adopted after shutdown");
    Ok(())
}

/// Requests that wait for a slot fail when the provisioner shuts down.
pub async fn shutdown_fails_who_waits(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let Some(_) = provisioner.capacity() else { return Ok(()) };
    fill(&*provisioner).await?;
    let request = request();
    let shutdown = async {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        provisioner.shutdown().await
    };
    let (waited, shut) = tokio::join!(provisioner.provision(&request), shutdown);
    shut?;
    ensure!(waited.is_err(), "a waiting request got a remote from a shutdown");
    Ok(())
}

/// What was begun when the provisioner shuts down is undone before that resolves.
pub async fn shutdown_waits_for_what_was_begun(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let log = Arc::new(Log::default());
    let request = Request::recorded("conformance", log.clone());
    let shutdown = async {
        log.recorded.notified().await;
        provisioner.shutdown().await
    };
    let (provisioned, shut) = tokio::join!(provisioner.provision(&request), shutdown);
    shut?;
    if let Ok(remote) = provisioned {
        // It came out just before; then it was released.
        let after = remote.connection().spawn(Command::new("true")).await;
        ensure!(after.is_err(), "a remote survived the shutdown");
    }
    for lease in log.leases() {
        backend.nothing_left(&lease).await?;
    }
    Ok(())
}
