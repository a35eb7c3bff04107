//! [`Containers`]: remotes that are containers, each made for one and removed with it.

mod boot;
mod engine;
mod image;
mod making;

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Error, Facts, Lease, Provisioner, Remote, Request, Result, async_trait};
use serde_json::json;
use tokio::sync::{OnceCell, oneshot};

use self::engine::{Engine, Kind};
pub use self::image::Image;
use self::making::{Blueprint, Main, Making};
use crate::fleet::{Fleet, unique_name};

/// How long systemd may take to start what it has to.
const BOOT_LIMIT: Duration = Duration::from_secs(300);

/// Remotes that are containers of podman or docker, each made of an image for one remote, and removed with its volumes when that is
/// released. Programs in it run through a [`ContainerConnection`](crate::ContainerConnection).
///
/// * A container is called `atex-RUN-…`, and has the labels `atex.run` and `atex.lease`; the lease is `{"container": NAME}`.
/// * The image must be there already, and have `sh`, `sleep` and what a [`Container`](crate::Container) needs: see [`Image`].
/// * Its main program is a shell that waits, unless [`systemd`](Self::systemd) is asked for; that shell buries what tests leave.
///   There is no log of its output, and what the image would start by itself is not started.
/// * When the controller dies, programs in it die, containers stay: [`adopt`](Provisioner::adopt) takes one over,
///   [`reap`](Provisioner::reap) removes it, also when it is only just being made by a tool that has outlived us.
/// * A remote has the fact `address` if the [request](Request::address) wants it, and the container has an address of its own: with podman's
///   default network it has, if root runs it; with `--network=none` or `host` not.
/// * [`roll_back`](Remote::roll_back) makes another container in the place of the first, of the same image, options and name; not where its
///   address was wanted and it has one, which would change.
/// * With many requests at once, some tools run at a time, twice as many as there are processors.
#[derive(Debug)]
pub struct Containers {
    blueprint: Blueprint,
    image: Image,
    built: OnceCell<String>,
    options: Vec<OsString>,
    max: Option<usize>,
    fleet: Arc<Fleet>,
}

impl Containers {
    /// Containers of podman, any number, with the fact `arch` of this machine.
    #[cfg(feature = "podman")]
    pub fn podman(image: impl Into<Image>) -> Self {
        Self::of(Kind::Podman, image.into())
    }

    /// Containers of docker, any number, with the fact `arch` of this machine.
    #[cfg(feature = "docker")]
    pub fn docker(image: impl Into<Image>) -> Self {
        Self::of(Kind::Docker, image.into())
    }

    fn of(kind: Kind, image: Image) -> Self {
        Self {
            blueprint: Blueprint {
                engine: Engine::new(kind),
                main: Main::Shell,
                facts: Facts::new().with("arch", std::env::consts::ARCH),
            },
            image,
            built: OnceCell::new(),
            options: Vec::new(),
            max: None,
            fleet: Fleet::new(kind.name(), None),
        }
    }

    /// At most this many at once.
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self.fleet = Fleet::new(self.backend(), self.max);
        self
    }

    /// The main program is the image's `/sbin/init`, and a container is ready when systemd has started what it has to (as
    /// `systemctl is-system-running` tells, where there is one). Restarted by itself when it goes down, as by a reboot.
    ///
    /// Podman prepares a container for that by itself; docker needs [`option`](Self::option)s that suit the system, such as
    /// `--privileged`.
    #[must_use]
    pub fn systemd(mut self) -> Self {
        self.blueprint.main = Main::Systemd { limit: BOOT_LIMIT };
        self
    }

    /// As [`systemd`](Self::systemd), with another limit for its start than five minutes.
    #[must_use]
    pub fn systemd_within(mut self, limit: Duration) -> Self {
        self.blueprint.main = Main::Systemd { limit };
        self
    }

    /// One more option of `podman run`, in one word: `--network=none`, `--memory=1g`.
    #[must_use]
    pub fn option(mut self, word: impl Into<OsString>) -> Self {
        self.options.push(word.into());
        self
    }

    /// With these words in place of the plain `podman` or `docker`: see [`Container::tool`](crate::Container::tool).
    #[must_use]
    pub fn tool<T: Into<OsString>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.blueprint.engine.tool = words.into_iter().map(Into::into).collect();
        self
    }

    /// Remotes have these facts, instead of the architecture of this machine.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.blueprint.facts = facts;
        self
    }

    fn backend(&self) -> &'static str {
        self.blueprint.engine.kind.name()
    }

    /// The image, which is built by the first who asks.
    async fn image(&self) -> Result<&String> {
        let built = self.built.get_or_try_init(|| self.image.get(&self.blueprint.engine));
        tokio::select! {
            error = self.fleet.stopped() => Err(error),
            image = built => image,
        }
    }

    /// What `run` is told, up to the image's name.
    fn options(&self, run: &str, name: &str, address: bool) -> Vec<OsString> {
        let label = |key: &str, value: &str| format!("--label=atex.{key}={value}").into();
        let mut words: Vec<OsString> = vec!["run".into(), format!("--name={name}").into()];
        words.extend([label("run", run), label("lease", name)]);
        words.extend(address.then(|| label("address", "wanted")));
        words.extend(["--pull=never".into(), "--log-driver=none".into()]);
        words.extend(self.options.iter().cloned());
        words
    }

    /// The container that a lease names.
    fn container_of<'a>(&self, lease: &'a Lease) -> Result<&'a str> {
        let backend = self.backend();
        match lease.data.get("container").and_then(|name| name.as_str()) {
            // The name is given to a tool that may remove what it names.
            Some(name) if lease.backend == backend && name.starts_with("atex-") => {
                if self.fleet.has(lease) {
                    return Err(Error::Usage(format!("{lease} is in use already")));
                }
                Ok(name)
            }
            _ => Err(Error::Usage(format!("{lease} is no lease of a container of {backend}"))),
        }
    }
}

#[async_trait]
impl Provisioner for Containers {
    fn offers(&self) -> &Facts {
        &self.blueprint.facts
    }

    fn capacity(&self) -> Option<usize> {
        self.max
    }

    async fn provision(&self, request: &Request) -> Result<Arc<dyn Remote>> {
        let ticket = self.fleet.enter().await?;
        let image = self.image().await?.clone();
        let name = unique_name(&request.run);
        let lease = Lease::new(self.backend(), &name, json!({ "container": name }));
        request.record(&lease)?;
        let making = Making {
            blueprint: self.blueprint.clone(),
            options: self.options(&request.run, &name, request.address),
            image,
            lease,
            address: request.address,
        };
        let (tell, told) = oneshot::channel();
        // On its own, so that it comes to an end that can be undone, also when nobody waits for it any more.
        self.fleet.spawn(making.make(Arc::clone(&self.fleet), ticket, tell));
        told.await.unwrap_or_else(|_| Err(Error::infra(&name, "nothing came of making it")))
    }

    /// The container is taken over with all that is in it; what the dead controller started there is dead, unless it left its session.
    async fn adopt(&self, lease: &Lease) -> Result<Option<Arc<dyn Remote>>> {
        let name = self.container_of(lease)?;
        let ticket = self.fleet.enter().await?;
        if !self.blueprint.engine.is_there(name).await? {
            return Ok(None);
        }
        let connection = tokio::select! {
            error = self.fleet.stopped() => return Err(error),
            connection = self.blueprint.connect(name) => connection?,
        };
        let (run, address) = self.blueprint.engine.marks(name).await?;
        let making = Making {
            blueprint: self.blueprint.clone(),
            options: self.options(&run, name, address),
            image: self.image().await?.clone(),
            lease: lease.clone(),
            address,
        };
        self.fleet.admit(ticket, making.parts(connection, None)).map(Some)
    }

    async fn reap(&self, lease: &Lease) -> Result<bool> {
        let name = self.container_of(lease)?;
        let was_there = self.blueprint.engine.is_there(name).await?;
        // Also when there is no container: something else may be left of the making of one.
        self.blueprint.engine.remove(name).await?;
        Ok(was_there)
    }

    async fn shutdown(&self) -> Result<()> {
        self.fleet.shutdown().await
    }
}
