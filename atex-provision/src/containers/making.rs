//! [`Making`]: one container, from the lease that is written down to the remote that is handed out, or to nothing; and made again.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Connection, Error, Facts, Failure, Lease, Remote, Result, async_trait};
use tokio::sync::{Mutex, oneshot};

use super::boot;
use super::engine::Engine;
use crate::connection::{ContainerConnection, Guard, Way, main_program};
use crate::fleet::{Fleet, Parts, ROLL_BACK, Renew, Ticket, Undo};

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
#[derive(Debug, Clone)]
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
    pub(super) async fn connect(&self, name: &str) -> Result<Arc<ContainerConnection>> {
        let connection = Arc::new(self.engine.container(name).connect().await?);
        self.wait(&*connection).await?;
        Ok(connection)
    }

    async fn wait(&self, connection: &dyn Connection) -> Result<()> {
        match self.main {
            Main::Systemd { limit } => boot::wait(connection, limit).await,
            Main::Shell => Ok(()),
        }
    }
}

impl Making {
    /// What the remote is made of.
    pub(super) fn parts(
        self,
        connection: Arc<ContainerConnection>,
        address: Option<String>,
    ) -> Parts {
        let found = address
            .into_iter()
            .fold(Facts::new(), |facts, address| facts.with(Facts::ADDRESS, address));
        let (lease, facts) = (self.lease.clone(), self.blueprint.facts.over(&found));
        let made = Arc::new(Made { connection, making: self, turn: Mutex::default() });
        let connection = Arc::clone(&made.connection) as Arc<dyn Connection>;
        let undo = Box::new(Removal(Arc::clone(&made)));
        Parts { connection, lease, facts, undo, renew: Some(made) }
    }

    /// Makes it, and hands it out; whatever goes wrong, and if nobody wants it any more, it is removed.
    pub(super) async fn make(
        self,
        fleet: Arc<Fleet>,
        ticket: Ticket,
        mut tell: oneshot::Sender<Result<Arc<dyn Remote>>>,
    ) {
        let made = match self.start().await {
            // A tool that is killed in the middle might leave anything behind, so it was let finish; from here on, it may be stopped.
            Ok(Some((guard, way))) => {
                let container = self.blueprint.engine.container(&self.lease.name);
                Ok(Arc::new(container.connected(guard, way)))
            }
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
            fleet.admit(ticket, self.clone().parts(connection, address))
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
    async fn start(&self) -> Result<Option<(Guard, impl Future<Output = Way> + Send + 'static)>> {
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
                engine.run_connected(name, words).await.map(Some)
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

/// A container that was made.
#[derive(Debug)]
struct Made {
    connection: Arc<ContainerConnection>,
    making: Making,
    /// Whoever makes it again, or removes it.
    turn: Mutex<()>,
}

#[async_trait]
impl Renew for Made {
    /// Another container of the same image, options and name is made in its place.
    async fn renew(&self) -> Result<()> {
        let (engine, name) = (&self.making.blueprint.engine, &self.making.lease.name);
        if self.making.address && engine.address(name).await?.is_some() {
            // Others were told where it is.
            return Err(Error::Unsupported { origin: name.clone(), what: ROLL_BACK });
        }
        let _turn = self.turn.lock().await;
        self.connection.pause().await?;
        engine.remove(name).await?;
        match self.making.start().await? {
            Some((guard, way)) => self.connection.go_on(guard, way).await,
            None => {
                self.connection.reconnect().await?;
                self.making.blueprint.wait(&*self.connection).await
            }
        }
    }
}

/// How a container is taken back.
#[derive(Debug)]
struct Removal(Arc<Made>);

#[async_trait]
impl Undo for Removal {
    async fn undo(self: Box<Self>) -> Result<()> {
        let made = self.0;
        let _turn = made.turn.lock().await;
        let closed = made.connection.close().await;
        made.making.blueprint.engine.remove(&made.making.lease.name).await?;
        closed
    }
}
