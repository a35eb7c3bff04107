//! From documents to nodes: children, deep keys, directives.

use std::path::{Path, PathBuf};

use triomphe::Arc;

use crate::error::{Error, ErrorKind, Location, Result};
use crate::integer::Int;
use crate::map::{Entry, Key, Map, Origin};
use crate::merge::Effort;
use crate::record::{Document, Link, Record};
use crate::scan::{self, Scanner, Step};
use crate::tree::Tree;
use crate::value::Value;

/// Nodes nested deeper than this are refused.
const MAX_DEPTH: u16 = 400;

/// How often the content of a node may name a directory to read, one inside the other.
const MAX_GROWTH: usize = 16;

/// Builds the nodes of a tree; inheritance comes afterwards.
#[derive(Debug)]
pub(crate) struct Builder {
    tree: Tree,
    documents: Vec<Document>,
    empty: Arc<Map>,
    scanner: Option<Scanner>,
    growth: usize,
    /// Where relative paths in the metadata start.
    base: PathBuf,
}

impl Tree {
    /// Reads the tree that contains the given directory: the nearest directory upwards with a `.fmf` directory in it.
    ///
    /// Reads all files of the tree, whatever directory of it was named. Nothing is kept open.
    ///
    /// # Errors
    /// There is no such tree, a file cannot be read or parsed, or its content breaks a rule of the format. The first
    /// mistake in the order of reading is reported, with file, line and column.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_from("", path)
    }

    /// As [`Tree::open`], with relative paths seen from another directory than the current one.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn open_from(base: impl AsRef<Path>, path: impl AsRef<Path>) -> Result<Self> {
        let start = crate::root::absolute(base.as_ref(), path.as_ref())?;
        let root = crate::root::find(&start)?;
        let version = crate::root::read_version(&root)?;
        let config = crate::root::read_config(&root)?;
        let mut builder =
            Builder::new(version, config.clone().unwrap_or_else(|| Map::new().into()));
        builder.base = base.as_ref().to_owned();
        builder.scanner = Some(Scanner::new(root.clone(), config));
        builder.tree.root = Some(root.clone());
        builder.grow(0, &root)?;
        builder.finish()
    }

    /// Makes a tree from a map, as if it had been read from one file.
    ///
    /// # Errors
    /// The map is empty, or its content breaks a rule of the format.
    pub fn from_map(map: &Map) -> Result<Self> {
        if map.is_empty() {
            let message = "no data provided to initialize the tree";
            return Err(Error::new(ErrorKind::General, message));
        }
        let mut builder = Builder::new(1.into(), Map::new().into());
        builder.update_map(0, map.clone())?;
        builder.finish()
    }
}

impl Builder {
    fn new(version: Int, config: Value) -> Self {
        let empty = Arc::default();
        let tree = Tree {
            nodes: vec![Record::new("/".into(), &empty)],
            top: 0,
            documents: Arc::default(),
            root: None,
            version,
            config,
            effort: Effort::default(),
        };
        let (documents, base) = (Vec::new(), PathBuf::new());
        Self { tree, documents, empty, scanner: None, growth: 0, base }
    }

    fn finish(mut self) -> Result<Tree> {
        self.tree.nodes.shrink_to_fit();
        self.documents.shrink_to_fit();
        self.tree.documents = Arc::new(self.documents);
        self.tree.inherit()?;
        Ok(self.tree)
    }

    /// Reads a directory into a node.
    fn grow(&mut self, node: u32, directory: &Path) -> Result<()> {
        let Some(scanner) = &mut self.scanner else { return Ok(()) };
        let mut scan = scanner.scan(directory, self.documents.len());
        self.documents.reserve_exact(scan.files());
        let mut open = vec![node];
        while let Some(step) = scan.steps.next() {
            let Some(&current) = open.last() else { break };
            match step {
                Step::Enter(name) => open.push(self.child(current, &name)?),
                Step::Leave => {
                    self.remove_empty(current);
                    open.pop();
                }
                Step::Document { path, is_main } => {
                    let content = scan.content(&path)?;
                    let name = (!is_main).then(|| scan::own_name(&path));
                    self.document(current, name.as_deref(), path, content)?;
                }
                Step::Failed(error) => return Err(*error),
            }
        }
        Ok(())
    }

    /// The content of one file: of the directory's own node, or of a child of it.
    fn document(
        &mut self,
        directory: u32,
        name: Option<&str>,
        path: PathBuf,
        content: Value,
    ) -> Result<()> {
        let index = self.documents.len() as u32;
        let at = path.clone();
        let place = || Some(Location { path: at, line: 1, column: 1, text: None });
        self.documents.push(Document { path: path.into(), previous: Link::NONE });
        if name.is_none() && !matches!(content, Value::Map(_) | Value::Null) {
            return Err(self.not_a_map(directory, &content).at(place()));
        }
        let node = match name {
            Some(name) => self.child(directory, name)?,
            None => directory,
        };
        let previous = std::mem::replace(&mut self.record(node).document, Link::to(index));
        self.documents[index as usize].previous = previous;
        self.update(node, content).map_err(|error| error.at(place()))
    }

    fn record(&mut self, index: u32) -> &mut Record {
        &mut self.tree.nodes[index as usize]
    }

    /// Deletes children that have neither data nor children of their own.
    fn remove_empty(&mut self, node: u32) {
        let mut children = std::mem::take(&mut self.record(node).children);
        children.retain(|child| {
            let child = self.tree.record(child);
            child.updated || !child.children.is_empty()
        });
        self.record(node).children = children;
    }

    /// The child of that name, created if necessary.
    fn child(&mut self, parent: u32, own_name: &str) -> Result<u32> {
        let record = self.tree.record(parent);
        let place = match record.children.find(own_name, &self.tree.nodes) {
            Ok(child) => return Ok(child),
            Err(place) => place,
        };
        let prefix = if record.parent.get().is_none() { "" } else { &*record.name };
        let name = format!("{prefix}/{own_name}").into();
        let depth = record.depth + 1;
        if depth > MAX_DEPTH {
            let message = format!("nodes are nested deeper than {MAX_DEPTH} levels");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let index = self.tree.nodes.len() as u32;
        let nodes = &mut self.tree.nodes;
        if nodes.len() == nodes.capacity() {
            // Doubling would, for a moment, take more than all else.
            nodes.reserve_exact(nodes.len() / 8 + 16);
        }
        let record = Record::new(name, &self.empty);
        self.tree.nodes.push(Record { parent: Link::to(parent), depth, ..record });
        self.record(parent).children.insert(place, index);
        Ok(index)
    }

    fn not_a_map(&self, node: u32, content: &Value) -> Error {
        let name = &self.tree.record(node).name;
        let found = content.type_name();
        Error::new(
            ErrorKind::Type,
            format!("the content of node '{name}' must be a map, got '{found}'"),
        )
    }

    /// Adds content to a node.
    fn update(&mut self, node: u32, content: Value) -> Result<()> {
        match content {
            Value::Null => {
                self.record(node).updated = true;
                Ok(())
            }
            Value::Map(map) => self.update_map(node, Arc::unwrap_or_clone(map)),
            Value::Str(directory) => self.grow_from(node, &directory),
            other => Err(self.not_a_map(node, &other)),
        }
    }

    /// Text as the content of a node names a directory to read into it, relative to the current directory.
    fn grow_from(&mut self, node: u32, directory: &str) -> Result<()> {
        let directory = directory.trim_end_matches('/');
        if directory.is_empty() {
            return Ok(());
        }
        self.growth += 1;
        if self.growth > MAX_GROWTH {
            let message = format!("directories named by nodes are nested deeper than {MAX_GROWTH}");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        let result = self.grow(node, &crate::root::absolute(&self.base, Path::new(directory))?);
        self.growth -= 1;
        result
    }

    fn update_map(&mut self, node: u32, map: Map) -> Result<()> {
        self.record(node).updated = true;
        if let Some(directives) = map.get("/") {
            let origin = map.origin("/").unwrap_or_default();
            self.directives(node, directives, origin)?;
        }
        let is_plain = |key: &Key| key.as_str().is_some_and(|key| !key.starts_with('/'));
        if self.tree.record(node).own.is_empty() && map.keys().all(is_plain) {
            self.record(node).own = Arc::new(map);
            return Ok(());
        }
        let mut own = Vec::new();
        for entry in map.into_entries() {
            let origin = entry.origin;
            let kept = self.entry(node, entry).map_err(|error| self.point_at(error, origin))?;
            own.extend(kept);
        }
        if !own.is_empty() {
            self.add(node, own);
        }
        Ok(())
    }

    /// Adds entries to a node's own data.
    fn add(&mut self, node: u32, entries: Vec<Entry>) {
        let own = &mut self.record(node).own;
        if own.is_empty() {
            *own = Arc::new(Map::from_entries(entries));
            return;
        }
        let own = Arc::make_mut(own);
        for Entry { key, value, origin } in entries {
            own.insert_at(key, value, origin);
        }
    }

    fn point_at(&self, error: Error, origin: Origin) -> Error {
        let document = origin.document().and_then(|index| self.documents.get(index));
        error
            .at(document
                .map(|document| Location::read(&document.path, origin.line(), origin.column())))
    }

    /// Puts the content of a child where it belongs; gives back what is the node's own.
    fn entry(&mut self, node: u32, entry: Entry) -> Result<Option<Entry>> {
        let Some(name) = entry.key.as_str() else {
            let (key, null) = (entry.key.value().to_text(), entry.key.value().is_null());
            let kind = if null { ErrorKind::Format } else { ErrorKind::Type };
            return Err(Error::new(kind, format!("invalid key '{key}', keys must be strings")));
        };
        match name {
            "/" => Ok(None),
            _ if name.starts_with('/') => {
                self.deep_child(node, name, entry.value, entry.origin).map(|()| None)
            }
            _ => Ok(Some(entry)),
        }
    }

    /// Content of the node that a key like `/a/b` names, seen from `node`.
    fn deep_child(
        &mut self,
        mut node: u32,
        mut path: &str,
        value: Value,
        origin: Origin,
    ) -> Result<()> {
        loop {
            let rest = path.trim_start_matches('/');
            let (name, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            node = self.child(node, name)?;
            if below.is_empty() {
                return self.update(node, value);
            }
            self.record(node).updated = true;
            if below == "/" {
                return self.directives(node, &value, origin);
            }
            path = below;
        }
    }

    fn directives(&mut self, node: u32, value: &Value, origin: Origin) -> Result<()> {
        let name = self.tree.record(node).name.clone();
        let bad = |message: String, origin: Origin, builder: &Self| {
            builder.point_at(Error::new(ErrorKind::Format, message), origin)
        };
        let Value::Map(map) = value else {
            let message = format!(
                "invalid fmf directive in '{name}': should be a map, got '{}' instead",
                value.type_name()
            );
            return Err(bad(message, origin, self));
        };
        for (key, value, origin) in map.entries() {
            let known = matches!(key.as_str(), Some("inherit" | "select"));
            let key = key.value().to_text();
            if !known {
                let message = format!("unknown fmf directive '{key}' in '{name}'");
                return Err(
                    bad(message, origin, self).with_hint("there are 'inherit' and 'select'")
                );
            }
            let Value::Bool(on) = value else {
                let message = format!(
                    "invalid fmf directive '{key}' in '{name}': should be true or false, got '{}' instead",
                    value.type_name()
                );
                return Err(bad(message, origin, self));
            };
            let directives = &mut self.record(node).directives;
            match &*key {
                "inherit" => directives.inherit = Some(*on),
                _ => directives.select = Some(*on),
            }
        }
        Ok(())
    }
}
