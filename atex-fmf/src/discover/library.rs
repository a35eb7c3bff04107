//! Libraries that tests require: found, laid under `libs/`, and what they require themselves added to the tests.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use atex_core::Content;
use serde_json::{Value as Json, json};

use super::Discover;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::map::Map;
use crate::reference::{Reference, Resolved, is_below};
use crate::tree::{Node, Tree};
use crate::value::Value;

/// How deeply libraries may require each other.
const MAX_DEPTH: usize = 100;

/// How many requirements a test may end up with; libraries that require each other twice double them at each step.
const MAX_REQUIREMENTS: usize = 100_000;

/// What a test or a library requires and recommends, with what its libraries add.
#[derive(Debug, Clone, Default)]
pub(super) struct Requirements {
    pub(super) require: Vec<Json>,
    pub(super) recommend: Vec<Json>,
}

impl Requirements {
    fn extend(&mut self, other: &Self) -> bool {
        self.require.extend_from_slice(&other.require);
        self.recommend.extend_from_slice(&other.recommend);
        self.require.len().max(self.recommend.len()) <= MAX_REQUIREMENTS
    }
}

/// Finds the libraries of the tests of one section.
#[derive(Debug)]
pub(super) struct Libraries<'d> {
    discover: &'d Discover,
    tree: &'d Tree,
    /// The name of the section, or empty.
    prefix: &'d str,
    /// What the libraries add that were met already; while one is being resolved: nothing, which ends cycles.
    met: HashMap<String, Requirements>,
    /// Libraries that do not exist.
    absent: HashSet<String>,
    content: Vec<Content>,
}

/// One library, as it was asked for.
struct Wanted<'w> {
    /// Under which name it is met again.
    key: String,
    /// Where it is laid, below `libs/`.
    target: String,
    entry: Entry<'w>,
}

enum Entry<'w> {
    /// A node of the tree of the tests.
    Own(Node<'w>),
    /// A node of another tree.
    Other(Reference),
}

impl<'d> Libraries<'d> {
    pub(super) fn new(discover: &'d Discover, tree: &'d Tree, prefix: &'d str) -> Self {
        let (met, absent) = (HashMap::new(), HashSet::new());
        Self { discover, tree, prefix, met, absent, content: Vec::new() }
    }

    /// The folders of the libraries that were met.
    pub(super) fn into_content(self) -> Vec<Content> {
        self.content
    }

    /// What a test requires and recommends.
    pub(super) fn requirements(&mut self, test: Node<'_>) -> Result<Requirements> {
        self.of_node(test, 0)
    }

    fn of_node(&mut self, node: Node<'_>, depth: usize) -> Result<Requirements> {
        let mut all = Requirements::default();
        if depth > MAX_DEPTH {
            let message = format!("libraries require each other more than {MAX_DEPTH} levels deep");
            return Err(Error::new(ErrorKind::Limit, message).at(node.locate("require")));
        }
        for item in items(node.get("recommend")) {
            match item {
                Value::Str(_) => all.recommend.push(item.to_json()),
                other => {
                    let found = other.type_name();
                    let what = format!("must be a string or a list of strings, got '{found}'");
                    return Err(super::wrong(node, "recommend", &what));
                }
            }
        }
        for item in items(node.get("require")) {
            let fits = self.add_item(node, item, &mut all, depth).and_then(|fits| match fits {
                true => Ok(()),
                false => {
                    let message = format!("more than {MAX_REQUIREMENTS} requirements of libraries");
                    Err(Error::new(ErrorKind::Limit, message))
                }
            });
            fits.map_err(|error| error.at(place(node, item)))?;
        }
        Ok(all)
    }

    /// Adds what one item of `require` stands for. False: too many requirements.
    fn add_item(
        &mut self,
        node: Node<'_>,
        item: &Value,
        all: &mut Requirements,
        depth: usize,
    ) -> Result<bool> {
        match item {
            Value::Str(text) => {
                if let Some((nick, name)) = short_form(text) {
                    return self.short((nick, name, text), all, depth);
                }
                all.require.push(item.to_json());
                Ok(true)
            }
            Value::Map(map) => {
                all.require.push(item.to_json());
                if is_library(map) {
                    return self.library(self.wanted(map)?, all, depth);
                }
                Ok(true)
            }
            _ => {
                let what = "must be a string, a map, or a list of these";
                Err(super::wrong(node, "require", what))
            }
        }
    }

    /// `library(NICK/NAME)`: a library if the host has it, else the name of a package. False: too many requirements.
    fn short(
        &mut self,
        (nick, name, text): (&str, &str, &str),
        all: &mut Requirements,
        depth: usize,
    ) -> Result<bool> {
        let key = format!("{nick}{name}");
        let url = self.discover.library_host.url(nick);
        let equivalent = json!({"type": "library", "url": url, "name": name});
        if let Some(met) = self.met.get(&key) {
            let fits = all.extend(met);
            all.require.push(equivalent);
            return Ok(fits);
        }
        let target = target(&[nick, name])?;
        if !self.absent.contains(&key) {
            let reference = Reference::new().url(&url).name(name);
            if let Some(found) = self.look_up(&url, &reference, name)? {
                all.require.push(equivalent);
                self.lay(&folder(&found)?, target);
                return self.add(key, found.node(), all, depth);
            }
            self.absent.insert(key);
        }
        all.require.push(json!(text));
        Ok(true)
    }

    /// The node of a library in its short form, with the folder that it must have.
    fn look_up(&self, url: &str, reference: &Reference, name: &str) -> Result<Option<Resolved>> {
        if !self.discover.library_host.has(url, name, self.discover.remote_cache()?)? {
            return Ok(None);
        }
        match self.discover.resolve(reference) {
            Ok(found) => Ok(folder(&found).is_ok().then_some(found)),
            Err(error) if matches!(error.kind(), ErrorKind::Root | ErrorKind::Reference) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The library that a map asks for.
    fn wanted<'w>(&self, map: &Map) -> Result<Wanted<'w>>
    where
        'd: 'w,
    {
        let reference = Reference::from_map(map)?;
        let text = |key: &str| map.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let shown = || Value::from(map.clone()).to_text().into_owned();
        if let Some(Value::List(_) | Value::Map(_)) = map.get("nick") {
            let message = format!("the 'nick' of a library must be a string: {}", shown());
            return Err(Error::new(ErrorKind::Format, message));
        }
        let (url, path) = (text("url"), text("path"));
        if !map.contains_key("url") && !map.contains_key("path") {
            let nick = text("nick").ok_or_else(|| {
                let message = format!("a library without a 'url' needs a 'nick': {}", shown());
                Error::new(ErrorKind::Format, message)
            })?;
            let node = text("name").and_then(|name| self.tree.find(name)).ok_or_else(|| {
                let message = format!("the tree of the tests has no such library: {}", shown());
                Error::new(ErrorKind::Reference, message)
            })?;
            let key = format!("{nick}{}", node.name());
            let target = target(&[nick, node.name()])?;
            return Ok(Wanted { key, target, entry: Entry::Own(node) });
        }
        let from_url = || {
            let last = url?.trim_end_matches('/').rsplit('/').next()?;
            Some(last.strip_suffix(".git").unwrap_or(last))
        };
        let from_path = || Path::new(path?).file_name()?.to_str();
        let nick = text("nick").or_else(from_url).or_else(from_path).unwrap_or("");
        let name = text("name").unwrap_or("/");
        let (key, target) = match url {
            Some(_) => {
                let path = path.unwrap_or("");
                (format!("{nick}:{path}:{name}"), target(&[nick, path, name])?)
            }
            None => (format!("{nick}{name}"), target(&[nick, name])?),
        };
        Ok(Wanted { key, target, entry: Entry::Other(reference) })
    }

    /// Lays a library, and adds what it requires. False: too many requirements.
    fn library(
        &mut self,
        wanted: Wanted<'_>,
        all: &mut Requirements,
        depth: usize,
    ) -> Result<bool> {
        if let Some(met) = self.met.get(&wanted.key) {
            return Ok(all.extend(met));
        }
        match wanted.entry {
            Entry::Own(library) => {
                self.lay_own(library, wanted.target)?;
                self.add(wanted.key, library, all, depth)
            }
            Entry::Other(reference) => {
                let found = self.discover.resolve(&reference)?;
                self.lay(&folder(&found)?, wanted.target);
                self.add(wanted.key, found.node(), all, depth)
            }
        }
    }

    /// Adds what a library requires itself.
    fn add(
        &mut self,
        key: String,
        library: Node<'_>,
        all: &mut Requirements,
        depth: usize,
    ) -> Result<bool> {
        self.met.insert(key.clone(), Requirements::default());
        let more = self.of_node(library, depth + 1)?;
        let fits = all.extend(&more);
        self.met.insert(key, more);
        Ok(fits)
    }

    fn lay(&mut self, folder: &Path, target: String) {
        let content = Content { from: folder.to_owned(), to: self.below_prefix(&target) };
        if !self.content.contains(&content) {
            self.content.push(content);
        }
    }

    /// A library of the tree itself is laid a second time, unless it lies where it belongs already.
    fn lay_own(&mut self, library: Node<'_>, target: String) -> Result<()> {
        let Some(root) = self.tree.root() else { return Ok(()) };
        let folder = below(root, library.name());
        let to = self.below_prefix(&target);
        let is_there =
            root.join(&target).exists() || self.content.iter().any(|content| content.to == to);
        // A library that is defined in a file alone has no folder to lay.
        if is_there || !folder.is_dir() {
            return Ok(());
        }
        if !is_below(&folder, root)? {
            return Err(outside(&folder));
        }
        self.lay(&folder, target);
        Ok(())
    }

    fn below_prefix(&self, target: &str) -> String {
        match self.prefix {
            "" => target.to_owned(),
            prefix => format!("{prefix}/{target}"),
        }
    }
}

/// One item, or those of a list.
fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None | Some(Value::Null) => &[],
        Some(Value::List(items)) => items,
        Some(single) => std::slice::from_ref(single),
    }
}

/// Where an item of `require` is written: its first key if it is a map, else the key `require`.
fn place(node: Node<'_>, item: &Value) -> Option<Location> {
    let first = item.as_map().and_then(|map| map.entries().next());
    let own = first.and_then(|(_, _, origin)| node.tree().locate(origin));
    own.or_else(|| node.locate("require"))
}

/// Maps are libraries, unless they say that they are something else.
fn is_library(map: &Map) -> bool {
    map.get("type").is_none_or(|kind| kind.as_str() == Some("library"))
}

/// Nick and name of `library(NICK/NAME)`; the name begins with its slash.
fn short_form(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("library(")?.strip_suffix(')')?;
    let (nick, name) = inner.split_at(inner.find('/')?);
    (!nick.is_empty() && name.len() > 1 && !name.contains(')')).then_some((nick, name))
}

/// A path below `libs/`, which must not lead out of it.
fn target(parts: &[&str]) -> Result<String> {
    let mut path = PathBuf::from("libs");
    // The nick may be no absolute path; of the others, the leading slash is none of a path of this machine.
    let (nick, rest) = parts.split_first().unwrap_or((&"", &[]));
    let parts = std::iter::once(*nick).chain(rest.iter().map(|part| part.trim_start_matches('/')));
    let escapes = || {
        let rest: Vec<_> = rest.iter().map(|part| part.trim_matches('/')).collect();
        let shown = format!("{nick}/{}", rest.join("/"));
        Error::new(ErrorKind::Reference, format!("the library '{shown}' leads out of 'libs'"))
    };
    for part in parts {
        for component in Path::new(part).components() {
            match component {
                Component::Normal(name) => path.push(name),
                Component::CurDir => {}
                Component::ParentDir if path.components().count() > 1 => {
                    path.pop();
                }
                _ => return Err(escapes()),
            }
        }
    }
    path.to_str().map(str::to_owned).ok_or_else(escapes)
}

/// The folder of a node, which must lie in its tree.
fn folder(found: &Resolved) -> Result<PathBuf> {
    let name = found.node().name();
    let missing = || {
        let message = format!("the library '{name}' has no folder in its repository");
        Error::new(ErrorKind::Reference, message)
    };
    let root = found.tree.root().ok_or_else(missing)?;
    let folder = below(root, name);
    if !folder.is_dir() {
        return Err(missing());
    }
    // What lies on this machine is its owner's business.
    if found.commit.is_none() || is_below(&folder, root)? {
        Ok(folder)
    } else {
        Err(outside(&folder))
    }
}

fn below(root: &Path, name: &str) -> PathBuf {
    match name.trim_start_matches('/') {
        "" => root.to_owned(),
        name => root.join(name),
    }
}

fn outside(folder: &Path) -> Error {
    let message = format!("the library folder '{}' leads out of its tree", folder.display());
    Error::new(ErrorKind::Reference, message)
}
