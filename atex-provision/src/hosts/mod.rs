//! [`Hosts`]: systems that exist already, reached by ssh.

mod host;
mod inventory;
mod roster;

use std::sync::Arc;

use atex_core::{
    Connection, Error, Facts, Failure, Fault, Lease, Provisioner, Remote, Request, Result, Retry,
    async_trait,
};
use serde_json::json;

use crate::connection::sweep;
use crate::fleet::{Fleet, Parts, Ticket, Undo};

pub use self::host::Host;
pub use self::inventory::Inventory;
use self::roster::{Roster, Taken};

const BACKEND: &str = "ssh";

/// Systems that exist already, each handed out to one at a time.
///
/// Providing one means connecting to a free host. A host that is not reached is put aside for half a minute and another one
/// is tried; while others are in use, their release is waited for. When none is left, the error names each host and why.
/// Releasing a remote hangs up; nothing on the host is removed. A remote has the facts of its host, and the fact `address`, unless
/// that is one of them: the name or address that ssh connected to. The lease is `{"host": NAME}`.
#[derive(Debug)]
pub struct Hosts {
    roster: Arc<Roster>,
    offers: Facts,
    capacity: usize,
    fleet: Arc<Fleet>,
}

impl Hosts {
    /// These hosts.
    ///
    /// # Errors
    /// [`Error::Usage`] when there are none, or one is listed twice.
    pub fn new(hosts: Vec<Host>) -> Result<Self> {
        if hosts.is_empty() {
            return Err(Error::Usage("no host is given".to_owned()));
        }
        for (index, host) in hosts.iter().enumerate() {
            if hosts[..index].iter().any(|other| other.name() == host.name()) {
                return Err(Error::Usage(format!("host {host} is given twice")));
            }
        }
        let (offers, capacity) = (in_common(&hosts), hosts.len());
        let fleet = Fleet::new(BACKEND, Some(capacity));
        Ok(Self { roster: Roster::new(hosts), offers, capacity, fleet })
    }

    /// At most this many of them at once.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.capacity = max.min(self.capacity);
        self.fleet = Fleet::new(BACKEND, Some(self.capacity));
        self
    }

    /// The host that a lease names.
    fn host_of<'a>(&self, lease: &'a Lease) -> Result<&'a str> {
        let name = match lease.data.get("host").and_then(|host| host.as_str()) {
            Some(name) if lease.backend == BACKEND => name,
            _ => return Err(Error::Usage(format!("{lease} is no lease of a host"))),
        };
        if self.fleet.has(lease) {
            // Its host would never be free.
            return Err(Error::Usage(format!("{lease} is in use already")));
        }
        Ok(name)
    }

    /// Connects to a host that was taken. When dropped, so is what was begun: ssh is killed, the host is free.
    async fn connect(&self, ticket: Ticket, taken: Taken, lease: Lease) -> Outcome {
        let host = taken.host().clone();
        let connected = tokio::select! {
            error = self.fleet.stopped() => return Outcome::Stopped(error),
            connected = host.ssh().connect() => connected,
        };
        let connection = match connected {
            Ok(connection) => Arc::new(connection),
            Err(error) => {
                tracing::warn!(%host, reason = %Failure::from(&error).message, "host put aside");
                taken.put_aside();
                return Outcome::Unreached(ticket, error);
            }
        };
        taken.reached();
        let facts = host.facts().over(&Facts::new().with(Facts::ADDRESS, connection.host()));
        let connection: Arc<dyn Connection> = connection;
        let undo = Box::new(HangUp { connection: Arc::clone(&connection), taken });
        let parts = Parts { connection, lease, facts, undo, renew: None };
        match self.fleet.admit(ticket, parts) {
            Ok(remote) => Outcome::Remote(remote),
            Err(error) => Outcome::Stopped(error),
        }
    }
}

enum Outcome {
    Remote(Arc<dyn Remote>),
    /// Another host may do.
    Unreached(Ticket, Error),
    Stopped(Error),
}

#[async_trait]
impl Provisioner for Hosts {
    fn offers(&self) -> &Facts {
        &self.offers
    }

    fn capacity(&self) -> Option<usize> {
        Some(self.capacity)
    }

    async fn provision(&self, request: &Request) -> Result<Arc<dyn Remote>> {
        let mut ticket = self.fleet.enter().await?;
        let mut unreached: Vec<(String, Error)> = Vec::new();
        loop {
            let tried: Vec<&str> = unreached.iter().map(|(name, _)| name.as_str()).collect();
            let taken = tokio::select! {
                error = self.fleet.stopped() => return Err(error),
                taken = self.roster.take(&tried) => taken,
            };
            let Some(taken) = taken else { return Err(none_reached(unreached)) };
            let name = taken.host().name();
            let lease = Lease::new(BACKEND, &name, json!({ "host": name }));
            request.record(&lease)?;
            match self.connect(ticket, taken, lease).await {
                Outcome::Remote(remote) => return Ok(remote),
                Outcome::Stopped(error) => return Err(error),
                Outcome::Unreached(unused, error) => {
                    ticket = unused;
                    unreached.push((name, error));
                }
            }
        }
    }

    /// Connects again. A host is never gone, so this is never `None`: one that does not answer is an error.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Arc<dyn Remote>>> {
        let name = self.host_of(lease)?;
        let ticket = self.fleet.enter().await?;
        let taken = tokio::select! {
            error = self.fleet.stopped() => return Err(error),
            taken = self.roster.take_this(name) => taken,
        };
        let Some(taken) = taken else {
            return Err(Error::Usage(format!("{name} is not one of the hosts (any more)")));
        };
        match self.connect(ticket, taken, lease.clone()).await {
            Outcome::Remote(remote) => Ok(Some(remote)),
            Outcome::Stopped(error) | Outcome::Unreached(_, error) => Err(error),
        }
    }

    /// Nothing was made on the host. On this machine, there may be something left of a connection that did not come about.
    async fn reap(&self, lease: &Lease) -> Result<bool> {
        self.host_of(lease)?;
        sweep();
        Ok(false)
    }

    async fn shutdown(&self) -> Result<()> {
        self.fleet.shutdown().await
    }
}

#[derive(Debug)]
struct HangUp {
    connection: Arc<dyn Connection>,
    #[expect(dead_code, reason = "the host is free when it is dropped")]
    taken: Taken,
}

#[async_trait]
impl Undo for HangUp {
    async fn undo(self: Box<Self>) -> Result<()> {
        self.connection.close().await
    }
}

/// The error of the only host, or one that lists them all.
fn none_reached(mut unreached: Vec<(String, Error)>) -> Error {
    if unreached.len() == 1
        && let Some((_, error)) = unreached.pop()
    {
        return error;
    }
    let each: Vec<String> =
        unreached.iter().map(|(_, error)| Failure::from(error).message).collect();
    // All hosts were tried: if none of them is worth another try, neither is the whole.
    let hopeless = unreached.iter().all(|(_, error)| error.retry() == Retry::Never);
    Error::Other {
        origin: "no host can be reached".to_owned(),
        what: each.join("; "),
        fault: Fault::Infra,
        retry: if hopeless { Retry::Never } else { Retry::NewRemote },
        source: None,
    }
}

/// The facts that all hosts share.
fn in_common(hosts: &[Host]) -> Facts {
    let mut facts = Facts::new();
    let Some((first, others)) = hosts.split_first() else { return facts };
    for (dimension, values) in first.facts().iter() {
        for value in values {
            if others.iter().all(|host| host.facts().get(dimension).contains(value)) {
                facts.insert(dimension, value);
            }
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_all_hosts_have_in_common() {
        let host = |name| Host::parse(name).unwrap().fact("arch", "x86_64");
        let hosts = vec![
            host("a").fact("tag", "x").fact("tag", "y").fact("distro", "fedora-42"),
            host("b").fact("tag", "y").fact("distro", "fedora-43"),
        ];
        assert_eq!(Hosts::new(hosts).unwrap().offers().to_string(), "arch=x86_64 tag=y");
    }

    #[test]
    fn hosts_that_all_deny_access_are_not_worth_another_try() {
        let denied = |host: &str| {
            let error = Error::Denied { origin: host.to_owned(), source: "no key".into() };
            (host.to_owned(), error)
        };
        let down = ("c".to_owned(), Error::infra("c", "down"));
        let both = none_reached(vec![denied("a"), denied("b")]);
        assert_eq!((both.fault(), both.retry()), (Fault::Infra, Retry::Never));
        let text = "no host can be reached: a denied access: no key; b denied access: no key";
        assert_eq!(both.to_string(), text);
        assert_eq!(none_reached(vec![denied("a"), down]).retry(), Retry::NewRemote);
        assert_eq!(none_reached(vec![denied("a")]).retry(), Retry::Never);
    }

    #[test]
    fn hosts_are_given_once() {
        let hosts = ["a:1", "b", "a:1"].map(|name| Host::parse(name).unwrap());
        let error = Hosts::new(hosts.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "host a:1 is given twice");
        assert_eq!(Hosts::new(Vec::new()).unwrap_err().to_string(), "no host is given");
    }
}
