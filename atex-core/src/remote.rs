//! [`Remote`]: a provisioned system; [`Lease`]: enough to find it again.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Connection, Facts, Notes, Result};

/// A system that a [`Provisioner`](crate::Provisioner) handed out. It *has* a connection.
///
/// Used as `Arc<dyn Remote>`. Whoever got it releases it, once; a remote that is dropped without
/// [`release`](Self::release) stays leased until its provisioner shuts down or its lease is reaped.
#[async_trait]
pub trait Remote: fmt::Debug + Send + Sync + 'static {
    /// The system, as people call it: a host name, a container name. The same as the connection's.
    fn name(&self) -> &str {
        &self.lease().name
    }

    /// The channel to it, which is open when the remote is handed out.
    fn connection(&self) -> &Arc<dyn Connection>;

    /// What is needed to find it again after a crash. Does not change.
    fn lease(&self) -> &Lease;

    /// What it is. Says at least what the provisioner's [`offers`](crate::Provisioner::offers) said.
    fn facts(&self) -> &Facts;

    /// What this run did to it.
    fn notes(&self) -> &Notes;

    /// Makes the system again what it was when it was handed out, for as long as it takes. What was on it since then is gone, its
    /// notes with it; its connection works afterwards.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) when it cannot do that (the default). After any error it is of no
    /// further use, and is to be released.
    async fn roll_back(&self) -> Result<()> {
        let origin = self.name().to_owned();
        Err(crate::Error::Unsupported { origin, what: "going back to how it was handed out" })
    }

    /// Gives it back: closes its connection, and destroys what was created for it. When this resolves, its slot of the
    /// provisioner is free. May be called again, and at once from many tasks: it happens once, all wait for it.
    /// Dropping the future does not stop the release; it goes on in the background, and `shutdown` waits for it.
    ///
    /// # Errors
    /// When something may be left behind; the text says what. The slot is free all the same.
    async fn release(&self) -> Result<()>;
}

/// What is needed to find a system again after the controller died: plain data for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The backend that made it (`local`, `ssh`), which alone understands `data`.
    pub backend: String,
    /// The system, as people call it.
    pub name: String,
    /// Whatever the backend needs to find it. Never a secret.
    pub data: Value,
}

impl Lease {
    /// A lease of this backend.
    pub fn new(backend: impl Into<String>, name: impl Into<String>, data: Value) -> Self {
        Self { backend: backend.into(), name: name.into(), data }
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.backend, self.name)
    }
}
