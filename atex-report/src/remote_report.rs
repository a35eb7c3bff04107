//! [`RemoteReport`]: what is known of a remote.

use std::time::Duration;

use atex_core::{Failure, Lease, RemoteId};

/// What is known of a remote. All times are since the run began.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RemoteReport {
    /// Its number.
    pub id: RemoteId,
    /// Its pool.
    pub pool: String,
    /// Its name, once it was there.
    pub name: Option<String>,
    /// How to find it again.
    pub lease: Option<Lease>,
    /// When it was asked for.
    pub requested: Duration,
    /// When something began to exist that had to be given back.
    pub leased: Option<Duration>,
    /// When it was there.
    pub provisioned: Option<Duration>,
    /// When it was ready for tests.
    pub prepared: Option<Duration>,
    /// When it was gone: given back, withdrawn, or never had.
    pub gone: Option<Duration>,
    /// What went wrong with it last: it could not be had or made ready, or was lost.
    pub failure: Option<Failure>,
    /// When that was.
    pub failed: Option<Duration>,
    /// Why it got no more tests, if it was to blame for failures.
    pub quarantined: Option<String>,
    /// Whether it could be given back.
    pub release: Release,
}

/// Whether a remote was given back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Release {
    /// Nobody said anything yet.
    Pending,
    /// Nothing of it is left.
    Done,
    /// Something of it may be left behind.
    Failed(Failure),
}

/// A remote of which something may be left.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LeftBehind<'a> {
    /// The remote.
    pub remote: &'a RemoteReport,
    /// Why it is believed to be there.
    pub why: String,
}

impl RemoteReport {
    pub(crate) fn new(id: RemoteId, pool: &str, requested: Duration) -> Self {
        Self {
            id,
            pool: pool.to_owned(),
            name: None,
            lease: None,
            requested,
            leased: None,
            provisioned: None,
            prepared: None,
            gone: None,
            failure: None,
            failed: None,
            quarantined: None,
            release: Release::Pending,
        }
    }

    /// As people call it: its name, else its number.
    pub fn label(&self) -> String {
        let leased = self.lease.as_ref().map(|lease| lease.name.clone());
        self.name.clone().or(leased).unwrap_or_else(|| self.id.to_string())
    }

    /// From when it cost something: there was a lease, or the remote itself.
    pub fn held(&self) -> Option<Duration> {
        self.leased.or(self.provisioned)
    }

    pub(crate) fn fail(&mut self, at: Duration, failure: &Failure) {
        (self.failure, self.failed) = (Some(failure.clone()), Some(at));
    }

    pub(crate) fn end(&mut self, at: Duration, release: Release) {
        (self.gone, self.release) = (Some(at), release);
    }
}
