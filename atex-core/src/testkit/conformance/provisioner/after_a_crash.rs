//! What a [`Provisioner`] promises about leases of a controller that is gone.

use std::sync::Arc;

use super::{Backend, Systems, request, runs};
use crate::testkit::conformance::{Check, ensure};
use crate::{ConnectionExt, Error, Provisioner, Result};

/// After a crash of its controller, a remote is found by its lease, with what is on it. It takes a slot, and is released
/// like any other.
pub async fn a_lease_is_adopted_after_a_crash(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let first = backend.fresh().await?;
    let remote = first.provision(&request()).await?;
    let lease = remote.lease().clone();
    let file = remote.connection().script("mktemp", &[]).await?;
    std::mem::forget((remote, first)); // No destructor runs in a crash.
    let second = backend.fresh().await?;
    let Some(remote) = second.adopt(&lease).await? else {
        return Err(format!("{lease} was not found").into());
    };
    ensure!(*remote.lease() == lease, "the lease became {:?}", remote.lease());
    runs(&*remote).await?;
    let script = r#"[ -f "$1" ] && rm "$1""#;
    remote.connection().script(script, &[file.trim_end()]).await?;
    let fresh = second.provision(&request()).await?;
    ensure!(fresh.name() != remote.name(), "a new remote has the name of the adopted one");
    remote.release().await?;
    second.shutdown().await?;
    backend.nothing_left(&lease).await
}

/// What a provisioner has out itself, it does not take over.
pub async fn a_lease_that_is_out_is_not_adopted_again(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    match provisioner.adopt(remote.lease()).await {
        Err(Error::Usage(_)) => {}
        other => return Err(format!("adopting it again gave {other:?}").into()),
    }
    runs(&*remote).await?;
    Ok(provisioner.shutdown().await?)
}

/// What a crashed controller left is given back by its lease alone, once; what is out is not.
pub async fn a_lease_is_reaped_after_a_crash(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let first = backend.fresh().await?;
    let remote = first.provision(&request()).await?;
    let lease = remote.lease().clone();
    match first.reap(&lease).await {
        Err(Error::Usage(_)) => runs(&*remote).await?,
        other => return Err(format!("reaping what is out gave {other:?}").into()),
    }
    std::mem::forget((remote, first)); // No destructor runs in a crash.
    let second = backend.fresh().await?;
    let made = backend.systems == Systems::Made;
    let reaped = second.reap(&lease).await?;
    ensure!(reaped == made, "of {lease}, it says {reaped}");
    let again = second.reap(&lease).await?;
    ensure!(!again, "it was reaped twice");
    second.shutdown().await?;
    backend.nothing_left(&lease).await
}

/// A lease of another backend is [`Error::Usage`], whatever its data are.
pub async fn a_lease_of_nobody_is_refused(
    backend: &Backend<impl AsyncFn() -> Result<Arc<dyn Provisioner>>>,
) -> Check {
    let provisioner = backend.fresh().await?;
    let remote = provisioner.provision(&request()).await?;
    let mut stranger = remote.lease().clone();
    remote.release().await?;
    stranger.backend = "atex-no-such-backend".to_owned();
    match (provisioner.adopt(&stranger).await, provisioner.reap(&stranger).await) {
        (Err(Error::Usage(_)), Err(Error::Usage(_))) => Ok(provisioner.shutdown().await?),
        other => Err(format!("the lease of a stranger gave {other:?}").into()),
    }
}
