//! Where other trees and libraries come from: the cache, the host of libraries, and the tree of a section.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::Discover;
use crate::error::{Error, ErrorKind, Result};
use crate::reference::{Cache, Reference, Resolved};
use crate::tree::Tree;

type Probe = Arc<dyn Fn(&str, &str) -> io::Result<bool> + Send + Sync>;

/// Where the libraries lie that tests require by their short form `library(NICK/NAME)`: the repository of each is the nick,
/// below one url.
///
/// What is not there is taken for the name of a package, as it is written. To find out, the repository is asked by git
/// (`git ls-remote`), so that any server will do, also one that needs the user's credentials.
#[derive(Clone)]
pub struct LibraryHost {
    base: String,
    probe: Option<Probe>,
}

impl LibraryHost {
    /// Libraries whose repositories are `BASE/NICK`.
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into().trim_end_matches('/').to_owned(), probe: None }
    }

    /// With another way to find out whether there is a library: it gets the url of the repository and the name of the
    /// node, with its slash. An error of it ends the discovery.
    #[must_use]
    pub fn probe(
        self,
        probe: impl Fn(&str, &str) -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        Self { probe: Some(Arc::new(probe)), ..self }
    }

    /// The url of the repository for a nick.
    pub(super) fn url(&self, nick: &str) -> String {
        format!("{}/{nick}", self.base)
    }

    pub(super) fn has(&self, url: &str, name: &str, cache: &Cache) -> Result<bool> {
        match &self.probe {
            None => cache.exists(url),
            Some(probe) => probe(url, name).map_err(|error| {
                let message =
                    format!("cannot find out whether there is a library '{name}' at '{url}'");
                Error::new(ErrorKind::Fetch, message).with_source(error)
            }),
        }
    }
}

impl Default for LibraryHost {
    /// The public repositories of beakerlib libraries.
    fn default() -> Self {
        Self::new("https://github.com/beakerlib")
    }
}

impl fmt::Debug for LibraryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own_probe = self.probe.is_some();
        f.debug_struct("LibraryHost")
            .field("base", &self.base)
            .field("own_probe", &own_probe)
            .finish()
    }
}

impl Discover {
    /// The node of a reference, adjusted to the context from there on.
    pub(super) fn resolve(&self, reference: &Reference) -> Result<Resolved> {
        let cache = self.remote_cache()?;
        let mut resolved = reference.resolve(cache)?;
        resolved.tree = resolved.tree.subtree(resolved.id);
        resolved.tree.adjust(&self.context)?;
        Ok(resolved)
    }

    /// The tree of a section with a `url`, adjusted to the context.
    pub(super) fn remote_tree(&self, reference: &Reference) -> Result<Tree> {
        self.resolve(reference).map(|resolved| resolved.tree)
    }

    pub(super) fn remote_cache(&self) -> Result<&Cache> {
        self.cache.as_ref().ok_or_else(|| {
            let message = "repositories cannot be fetched without a cache directory";
            Error::new(ErrorKind::General, message)
        })
    }
}
