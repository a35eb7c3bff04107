//! Identifiers of nodes, also in other trees: a repository, a revision, a path and a name.

mod cache;
mod checkout;
mod clone;
mod git;
mod lock;

use std::fmt;
use std::path::{Component, Path, PathBuf};

pub use cache::Cache;
pub use checkout::Checkout;

use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;
use crate::root;
use crate::tree::{Node, NodeId, Tree};
use crate::value::Value;

/// Identifies a node of some tree, as FMF metadata do: `{url: …, ref: …, path: …, name: …}`, each of them optional.
///
/// ```
/// use atex_fmf::{Cache, Reference};
/// # fn main() -> atex_fmf::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # std::fs::create_dir(directory.path().join(".fmf")).unwrap();
/// # std::fs::write(directory.path().join(".fmf/version"), "1\n").unwrap();
/// # std::fs::write(directory.path().join("smoke.fmf"), "test: ./smoke.sh\n").unwrap();
/// # let folder = directory.path().to_str().unwrap();
/// # let cache = Cache::new(directory.path().join("cache"));
/// let found = Reference::new().path(folder).name("/smoke").resolve(&cache)?;
/// assert_eq!(found.node().get("test").unwrap().as_str(), Some("./smoke.sh"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    url: Option<String>,
    revision: Option<String>,
    path: Option<String>,
    name: Option<String>,
}

/// A node that a [`Reference`] led to, with its whole tree.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// The tree of the node.
    pub tree: Tree,
    /// The node.
    pub id: NodeId,
    /// The commit that the tree was read from, if it is that of a repository.
    pub commit: Option<String>,
}

impl Resolved {
    /// The node.
    #[must_use]
    pub fn node(&self) -> Node<'_> {
        // An id that the tree itself gave out always leads to a node.
        self.tree.node(self.id).unwrap_or(self.tree.top())
    }
}

impl Reference {
    /// The top of the tree that the current directory is in.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The reference that a map of metadata describes; other keys are ignored.
    ///
    /// # Errors
    /// One of the keys is no string: [`ErrorKind::Reference`] for the name, which no node can have, else
    /// [`ErrorKind::Format`]. A `ref` may be null.
    pub fn from_map(map: &Map) -> Result<Self> {
        let text = |key: &str| match map.get(key) {
            None => Ok(None),
            Some(Value::Null) if key == "ref" => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text.to_string())),
            Some(other) => {
                let found = other.type_name();
                let message = format!("'{key}' of a reference must be a string, got '{found}'");
                let kind = if key == "name" { ErrorKind::Reference } else { ErrorKind::Format };
                Err(Error::new(kind, message)
                    .with_hint("numbers and the like are strings in quotes"))
            }
        };
        Ok(Self {
            url: text("url")?,
            revision: text("ref")?,
            path: text("path")?,
            name: text("name")?,
        })
    }

    /// The url of a git repository, as git understands it.
    #[must_use]
    pub fn url(self, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..self }
    }

    /// A branch, a tag or a commit of the repository; its default branch if none is given.
    #[must_use]
    pub fn revision(self, revision: impl Into<String>) -> Self {
        Self { revision: Some(revision.into()), ..self }
    }

    /// The folder of the tree: in the repository, or an absolute path of this machine. The root of the tree is looked for
    /// from there upwards.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The name of the node; `/` if none is given.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Finds the node. Its tree is not adjusted. Blocks while git runs.
    ///
    /// # Errors
    /// [`ErrorKind::Reference`] if there is no such node, or the path is not allowed; [`ErrorKind::Root`] if there is no tree;
    /// those of [`Cache::fetch`], and those of reading a tree.
    pub fn resolve(&self, cache: &Cache) -> Result<Resolved> {
        self.resolve_from("", cache)
    }

    /// Like [`Reference::resolve`], with another folder in the place of the current directory.
    ///
    /// # Errors
    /// Those of [`Reference::resolve`].
    pub fn resolve_from(&self, base: impl AsRef<Path>, cache: &Cache) -> Result<Resolved> {
        let (tree, commit) = match &self.url {
            None => (self.open_local(base.as_ref())?, None),
            Some(url) => {
                let checkout = cache.fetch(url, self.revision.as_deref())?;
                (self.open_in(&checkout.path)?, Some(checkout.commit))
            }
        };
        let node = tree.find(self.name.as_deref().unwrap_or("/")).map(Node::id);
        let id = node.ok_or_else(|| {
            Error::new(ErrorKind::Reference, format!("there is no node for the reference {self}"))
        })?;
        Ok(Resolved { tree, id, commit })
    }

    fn open_local(&self, base: &Path) -> Result<Tree> {
        let path = self.path.as_deref().unwrap_or(".");
        if path != "." && !path.starts_with('/') {
            let message = format!("the path '{path}' is relative, and there is no url");
            return Err(Error::new(ErrorKind::Reference, message)
                .with_hint("without a url, paths are absolute"));
        }
        Tree::open_from(base, path)
    }

    /// The tree in a folder that belongs to somebody else: nothing outside of it is read instead.
    fn open_in(&self, folder: &Path) -> Result<Tree> {
        let path = self.path.as_deref().unwrap_or(".");
        let relative = Path::new(path.trim_start_matches('/'));
        let escapes = || {
            let message = format!("the path '{path}' leads out of the repository");
            Error::new(ErrorKind::Reference, message)
        };
        if relative.components().any(|part| matches!(part, Component::ParentDir)) {
            return Err(escapes());
        }
        let start = root::absolute(folder, relative)?;
        if !start.is_dir() {
            let message = format!("the repository has no folder '{path}'");
            return Err(Error::new(ErrorKind::File, message));
        }
        if !is_below(&start, folder)? {
            return Err(escapes());
        }
        let found = root::find(&start)?;
        if !found.starts_with(folder) {
            let shown = if path == "." { String::new() } else { format!(" at '{path}'") };
            let message =
                format!("the repository has no metadata tree{shown}: no '.fmf' directory");
            return Err(Error::new(ErrorKind::Root, message));
        }
        Tree::open(&found)
    }
}

/// Whether a path leads to something in a folder, symbolic links followed.
pub(crate) fn is_below(path: &Path, folder: &Path) -> Result<bool> {
    let real = |path: &Path| -> Result<PathBuf> {
        path.canonicalize().map_err(|error| {
            Error::io(format!("invalid directory path: {}", path.display()), error)
        })
    };
    Ok(real(path)?.starts_with(real(folder)?))
}

impl fmt::Display for Reference {
    /// The parts that are given, as in metadata: `{url: …, name: …}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url.as_deref().map(git::redacted);
        let parts = [
            ("url", url.as_deref()),
            ("ref", self.revision.as_deref()),
            ("path", self.path.as_deref()),
            ("name", self.name.as_deref()),
        ];
        let parts =
            parts.iter().filter_map(|(key, part)| part.map(|part| format!("{key}: {part}")));
        write!(f, "{{{}}}", parts.collect::<Vec<_>>().join(", "))
    }
}
