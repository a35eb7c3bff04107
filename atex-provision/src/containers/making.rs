//! [`Making`]: one container, from the lease that is written down to the remote that is handed out, or to nothing.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Connection, Error, Facts, Failure, Lease, Remote, Result, async_trait};
use tokio::sync::oneshot;

use super::boot;
use super::engine::Engine;
use crate::connection::main_program;
use crate::fleet::{Fleet, Parts, Ticket, Undo};

/// What all containers of a provisioner have in common.
#[derive(Debug, Clone)]
pub(super) struct Blueprint {
    pub(super) engine: Engine,
    pub(super) main: Main,
    pub(super) facts: Facts,
}

/// The main program of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Main {
    Shell,
    Systemd { limit: Duration },
}

/// A container that is being made.
#[derive(Debug)]
pub(super) struct Making {
    pub(super) blueprint: Blueprint,
    /// What `run` is told, up to the image.
    pub(super) options: Vec<OsString>,
    pub(super) image: String,
    pub(super) lease: Lease,
    /// Whether its address is to be found out.
    pub(super) address: bool,
}

impl Blueprint {
    /// Connects to a container that runs, and waits until it is up.
    pub(super) async fn connect(&self, name: &str) -> Result<Arc<dyn Connection>> {
        let connection = Arc::new(self.engine.container(name).connect().await?);
        if let Main::Systemd { limit } = self.main {
            boot::wait(&*connection, limit).await?;
        }
        Ok(connection)
    }

    pub(super) fn parts(
        &self,
        connection: Arc<dyn Connection>,
        lease: Lease,
        address: Option<String>,
    ) -> Parts {
        let found = address
            .into_iter()
            .fold(Facts::new(), |facts, address| facts.with(Facts::ADDRESS, address));
        let undo = Box::new(Removal {
            connection: Arc::clone(&connection),
            engine: self.engine.clone(),
            name: lease.name.clone(),
        });
        Parts { connection, lease, facts: self.facts.over(&found), undo }
    }
}

impl Making {
    /// Makes it, and hands it out; whatever goes wrong, and if nobody wants it any more, it is removed.
    pub(super) async fn make(
        self,
        fleet: Arc<Fleet>,
        ticket: Ticket,
        mut tell: oneshot::Sender<Result<Arc<dyn Remote>>>,
    ) {
        let made = match self.start().await {
            // A tool that is killed in the middle might leave anything behind, so it was let finish; from here on, it may be stopped.
            Ok(Some(connection)) => Ok(connection),
            Ok(None) => tokio::select! {
                error = fleet.stopped() => Err(error),
                () = tell.closed() => Err(Error::Cancelled),
                connected = self.blueprint.connect(&self.lease.name) => connected,
            },
            Err(error) => Err(error),
        };
        let found = match made {
            Ok(connection) if self.address => tokio::select! {
                error = fleet.stopped() => Err(error),
                () = tell.closed() => Err(Error::Cancelled),
                address = self.blueprint.engine.address(&self.lease.name) => {
                    address.map(|address| (connection, address))
                }
            },
            made => made.map(|connection| (connection, None)),
        };
        let admitted = found.and_then(|(connection, address)| {
            fleet.admit(ticket, self.blueprint.parts(connection, self.lease.clone(), address))
        });
        let told = match admitted {
            Ok(remote) => tell.send(Ok(remote)),
            Err(error) => tell.send(Err(self.undone(error).await)),
        };
        if let Err(Ok(unwanted)) = told
            && let Err(error) = unwanted.release().await
        {
            tracing::warn!(reason = %Failure::from(&error).message, "a container may be left");
        }
    }

    /// Starts it. With a shell as its main program, that is what we are connected to.
    async fn start(&self) -> Result<Option<Arc<dyn Connection>>> {
        let (engine, name) = (&self.blueprint.engine, &self.lease.name);
        let mut words = self.options.clone();
        let mut add = |more: &[&str]| words.extend(more.iter().map(OsString::from));
        match self.blueprint.main {
            Main::Shell => {
                add(&[
                    &engine.id_option(name),
                    "-i",
                    "--entrypoint=sh",
                    &self.image,
                    "-c",
                    &main_program(),
                ]);
                let (guard, way) = engine.run_connected(name, words).await?;
                Ok(Some(Arc::new(engine.container(name).connected(guard, way))))
            }
            Main::Systemd { .. } => {
                add(engine.kind.for_systemd());
                add(&["-d", "--restart=always", "--entrypoint=/sbin/init", &self.image]);
                engine.run_detached(name, &words).await?;
                Ok(None)
            }
        }
    }

    /// Removes what was begun.
    async fn undone(&self, error: Error) -> Error {
        match self.blueprint.engine.remove(&self.lease.name).await {
            Ok(()) => error,
            // The tool is not even there: neither is anything of it.
            Err(Error::Usage(_)) => error,
            Err(left) => {
                let [error, left] = [&error, &left].map(|error| Failure::from(error).message);
                Error::infra(&self.lease.name, format!("{error}; and it may be left: {left}"))
            }
        }
    }
}

/// How a container is taken back.
#[derive(Debug)]
struct Removal {
    connection: Arc<dyn Connection>,
    engine: Engine,
    name: String,
}

#[async_trait]
impl Undo for Removal {
    async fn undo(self: Box<Self>) -> Result<()> {
        let closed = self.connection.close().await;
        self.engine.remove(&self.name).await?;
        closed
    }
}
