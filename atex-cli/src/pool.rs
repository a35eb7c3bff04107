//! `--pool`: from what was typed to a pool of remotes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use atex_core::{Facts, Provisioner};
use atex_provision::{Containers, Host, Hosts, Image, Inventory, Local, Ssh};
use atex_sched::Pool;

/// One `--pool`, taken apart: `BACKEND[:TARGET][,KEY=VALUE]…`.
#[derive(Debug, PartialEq, Eq)]
struct PoolSpec<'a> {
    typed: &'a str,
    backend: &'a str,
    target: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
}

/// So many containers at once, unless it is said.
const CONTAINERS: usize = 10;

/// Makes the pools of a run, each with a name of its own.
pub(crate) fn pools(typed: &[String]) -> Result<Vec<Pool>> {
    named(typed)?.into_iter().map(|(name, typed)| pool(&name, typed)).collect()
}

/// Makes one of the pools that [`named`] tells.
pub(crate) fn pool(name: &str, typed: &str) -> Result<Pool> {
    let made = PoolSpec::parse(typed).and_then(|spec| spec.pool(name));
    made.with_context(|| format!("cannot use --pool {typed}"))
}

/// The names of the pools, which depend on all of them, each with what was typed.
pub(crate) fn named(typed: &[String]) -> Result<Vec<(String, &str)>> {
    let mut names = HashSet::new();
    typed
        .iter()
        .map(|typed| {
            let spec = PoolSpec::parse(typed)
                .with_context(|| format!("cannot understand --pool {typed}"))?;
            let wanted = spec.setting("name").unwrap_or_else(|| spec.label());
            let name = (1..)
                .map(
                    |number| {
                        if number == 1 { wanted.to_owned() } else { format!("{wanted}-{number}") }
                    },
                )
                .find(|name| names.insert(name.clone()));
            Ok((name.unwrap_or_default(), typed.as_str()))
        })
        .collect()
}

impl<'a> PoolSpec<'a> {
    fn parse(typed: &'a str) -> Result<Self> {
        let mut parts = typed.split(',');
        let head = parts.next().unwrap_or_default();
        let (backend, target) = match head.split_once(':') {
            Some((backend, target)) => (backend, Some(target)),
            None => (head, None),
        };
        if target == Some("") {
            bail!("a target is missing after `{backend}:`");
        }
        let settings = parts
            .map(|part| match part.split_once('=') {
                Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key, value)),
                _ => bail!("expected KEY=VALUE, found {part:?}"),
            })
            .collect::<Result<_>>()?;
        Ok(Self { typed, backend, target, settings })
    }

    fn setting(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(own, _)| *own == key).map(|(_, value)| *value)
    }

    /// What the pool is called unless it is given a name: its head, without what makes it long.
    fn label(&self) -> &'a str {
        self.typed.split(',').next().unwrap_or(self.typed)
    }

    fn pool(&self, name: &str) -> Result<Pool> {
        let max = self.setting("max").map(parse_max).transpose()?;
        let (provisioner, default_max): (Arc<dyn Provisioner>, _) = match self.backend {
            "local" => (Arc::new(self.local(max.unwrap_or(1))?), Some(1)),
            "ssh" => (Arc::new(self.ssh()?), None),
            "podman" => (Arc::new(self.containers(Containers::podman, max)?), None),
            "docker" => (Arc::new(self.containers(Containers::docker, max)?), None),
            other => bail!("there is no backend {other:?}; there are: local, ssh, podman, docker"),
        };
        let pool = Pool::new(name, provisioner);
        let pool = max.or(default_max).into_iter().fold(pool, Pool::max);
        // What is in an image is not known before there is a container of it, but what it is called.
        let image = self.target.filter(|_| matches!(self.backend, "podman" | "docker"));
        let image = image.map(|image| format!("{image}@{}", std::env::consts::ARCH));
        let facts = self.facts();
        // What somebody says that it is, is what it is filed under.
        let said = facts
            .iter()
            .any(|(dimension, _)| matches!(dimension.as_str(), "distro" | Facts::PLATFORM));
        let platform = self.setting("platform").map(str::to_owned).or(image.filter(|_| !said));
        let count = |key| self.setting(key).map(parse_count).transpose();
        let pool = pool.min(count("min")?.unwrap_or(0)).spares(count("spares")?.unwrap_or(0));
        let pool = pool.facts(
            facts
                .into_iter()
                .fold(Facts::new(), |facts, (dimension, value)| facts.with(dimension, value)),
        );
        Ok(platform.into_iter().fold(pool, Pool::platform))
    }

    /// What is said of its systems.
    fn facts(&self) -> Vec<(String, String)> {
        let settings = self.settings.iter();
        settings
            .filter_map(|(key, value)| Some((fact(key)?.to_owned(), (*value).to_owned())))
            .collect()
    }

    fn local(&self, max: usize) -> Result<Local> {
        self.check(&["base"])?;
        if let Some(target) = self.target {
            bail!("a local pool has no target, found {target:?}");
        }
        let local = Local::new().max(max);
        match self.setting("base") {
            Some(base) if !Path::new(base).is_dir() => bail!("there is no folder {base}"),
            base => Ok(base.into_iter().fold(local, Local::base)),
        }
    }

    fn containers(
        &self,
        make: impl FnOnce(Image) -> Containers,
        max: Option<usize>,
    ) -> Result<Containers> {
        self.check(&["systemd", "tools", "recipe", "option"])?;
        let image = match (self.target, self.setting("recipe"), self.is_set("tools")?) {
            (Some(image), None, false) => Image::named(image),
            (Some(image), None, true) => Image::with_tools(image),
            (None, Some(file), false) => Image::recipe(
                std::fs::read_to_string(file)
                    .map_err(|error| anyhow!("cannot read {file}: {error}"))?,
            ),
            (None, None, _) => {
                bail!("which image? Say {0}:IMAGE, or {0},recipe=CONTAINERFILE", self.backend)
            }
            (_, Some(_), _) => bail!("a recipe says by itself what the image is made of"),
        };
        let containers = make(image).max(max.unwrap_or(CONTAINERS));
        let containers = if self.is_set("systemd")? { containers.systemd() } else { containers };
        let options = self.settings.iter().filter(|(key, _)| *key == "option");
        Ok(options.fold(containers, |containers, (_, word)| containers.option(word)))
    }

    /// Whether a setting that is `yes` or `no` is `yes`; `no` by default.
    fn is_set(&self, key: &str) -> Result<bool> {
        match self.setting(key) {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => bail!("{key} is yes or no, found {other:?}"),
        }
    }

    fn ssh(&self) -> Result<Hosts> {
        self.check(&["inventory", "identity", "ssh_config", "ssh_option"])?;
        let hosts = match (self.target, self.setting("inventory")) {
            (Some(target), None) => vec![Host::parse(target)?],
            (None, Some(file)) => read_inventory(Path::new(file))?,
            (Some(_), Some(_)) => bail!("a pool has a host or an inventory, not both"),
            (None, None) => bail!("which host? Say ssh:HOST, or ssh,inventory=FILE"),
        };
        let settings = self.settings.iter().copied();
        let hosts = hosts
            .into_iter()
            .map(|host| host.with_ssh(|ssh| settings.clone().fold(ssh, with_setting)));
        Ok(Hosts::new(hosts.collect())?)
    }

    fn check(&self, known: &[&str]) -> Result<()> {
        let everywhere = ["max", "min", "spares", "name", "platform"];
        for (key, _) in &self.settings {
            if !known.contains(key) && !everywhere.contains(key) && fact(key).is_none() {
                bail!(
                    "a pool of {} has no setting {key:?}; there are: {}",
                    self.backend,
                    everywhere.iter().chain(known).copied().collect::<Vec<_>>().join(", ")
                );
            }
        }
        Ok(())
    }
}

/// The hosts of an inventory. A file that cannot be read is a wrong use, whatever the reason: somebody named it.
fn read_inventory(file: &Path) -> Result<Vec<Host>> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| anyhow!("cannot read {}: {error}", file.display()))?;
    Ok(Inventory::parse(&text, &file.display().to_string())?.hosts)
}

/// An ssh connection with one more setting of the pool.
fn with_setting(ssh: Ssh, (key, value): (&str, &str)) -> Ssh {
    match key {
        "ssh_config" => ssh.config_file(value),
        "identity" => ssh.identity(value),
        "ssh_option" => ssh.option(value),
        _ => ssh,
    }
}

/// The fact that a setting states.
fn fact(key: &str) -> Option<&str> {
    match key {
        "distro" | "arch" => Some(key),
        _ => key.strip_prefix("fact.").filter(|dimension| !dimension.is_empty()),
    }
}

/// What is said of the systems of a pool.
pub(crate) fn typed_facts(typed: &str) -> Result<Vec<(String, String)>> {
    Ok(PoolSpec::parse(typed)?.facts())
}

fn parse_count(text: &str) -> Result<usize> {
    text.parse().map_err(|_| anyhow!("min and spares are numbers of systems; found {text:?}"))
}

fn parse_max(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(0) | Err(_) => bail!("max is the number of systems at once, 1 or more; found {text:?}"),
        Ok(max) => Ok(max),
    }
}
