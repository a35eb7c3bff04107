//! The tree and its nodes, as seen from outside.

use std::path::{Path, PathBuf};

use triomphe::Arc;

use crate::error::{Error, Location, Result, Written};
use crate::integer::Int;
use crate::map::{Key, Map, Origin};
use crate::merge::Effort;
use crate::record::{Document, Link, Record};
use crate::value::Value;

/// A metadata tree: nodes with their inherited data.
///
/// Cloning copies the nodes, but shares their data until one side is adjusted.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(crate) nodes: Vec<Record>,
    /// The node that selection starts from and names are looked up below.
    pub(crate) top: u32,
    /// The files that were read, in scan order; origins and nodes refer to them by index.
    pub(crate) documents: Arc<Vec<Document>>,
    pub(crate) root: Option<PathBuf>,
    pub(crate) version: Int,
    pub(crate) config: Value,
    /// What merging took so far.
    pub(crate) effort: Effort,
}

/// What the key `/` of a node says about the node itself. Unset directives are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// Whether the node inherits from its parent (it does, unless told otherwise).
    pub inherit: Option<bool>,
    /// Whether the node is selected (by default, nodes without children are).
    pub select: Option<bool>,
}

/// Names a node of a tree, also while the tree is being changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(crate) u32);

/// A node of a tree.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    pub(crate) tree: &'t Tree,
    pub(crate) index: u32,
}

impl Tree {
    /// The node at the top.
    #[must_use]
    pub fn top(&self) -> Node<'_> {
        Node { tree: self, index: self.top }
    }

    /// The node of an id that this tree, or the tree it is a copy of, gave out.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<Node<'_>> {
        self.nodes.get(id.0 as usize).map(|_| Node { tree: self, index: id.0 })
    }

    /// A copy that starts at the given node. Its parents remain reachable, but adjusting does not touch them.
    #[must_use]
    pub fn subtree(&self, id: NodeId) -> Self {
        Self { top: id.0, ..self.clone() }
    }

    /// The directory of the tree; none if it was made from a map.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    /// The format version that the tree declares.
    #[must_use]
    pub fn version(&self) -> &Int {
        &self.version
    }

    /// The content of `.fmf/config`; an empty map without one.
    #[must_use]
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The files that were read, in the order in which they were.
    #[must_use]
    pub fn files(&self) -> impl ExactSizeIterator<Item = &Path> {
        self.documents.iter().map(|document| &*document.path)
    }

    /// The place where an entry was written; none if it was not read from a file. Reads that line of the file.
    #[must_use]
    pub fn locate(&self, origin: Origin) -> Option<Location> {
        let document = self.documents.get(origin.document()?)?;
        Some(Location::read(&document.path, origin.line(), origin.column()))
    }

    pub(crate) fn record(&self, index: u32) -> &Record {
        &self.nodes[index as usize]
    }

    /// The files that contributed to a node, the last one first.
    pub(crate) fn documents_of(&self, record: &Record) -> impl Iterator<Item = &Path> {
        let document = |link: Link| self.documents.get(link.get()? as usize);
        let last = document(record.document);
        std::iter::successors(last, move |next| document(next.previous)).map(|found| &*found.path)
    }

    /// Nodes from `index` on, parents first, children in the order of their creation.
    pub(crate) fn descendants(&self, index: u32) -> Vec<u32> {
        let mut order = Vec::with_capacity(if index == 0 { self.nodes.len() } else { 0 });
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            order.push(index);
            open.extend(self.record(index).children.by_appearance().into_iter().rev());
        }
        order
    }

    /// Gives every node its inherited data.
    pub(crate) fn inherit(&mut self) -> Result<()> {
        for index in self.descendants(self.top) {
            let record = self.record(index);
            let inherits = record.directives.inherit != Some(false);
            let base =
                record.parent.get().filter(|_| inherits).map(|p| Arc::clone(&self.record(p).data));
            let own = Arc::clone(&record.own);
            let data = match base {
                Some(base) if own.is_empty() => base,
                None if !crate::merge::has_suffixes(&own) => own,
                base => {
                    let mut data = match &base {
                        Some(base) => Map::inheriting_with(base, &own),
                        None => Map::new(),
                    };
                    self.merge_into(index, &mut data, &own)?;
                    Arc::new(data)
                }
            };
            self.nodes[index as usize].data = data;
        }
        Ok(())
    }

    /// Applies `source` to `data`, which belongs to a node; errors point to the entry that caused them.
    pub(crate) fn merge_into(&mut self, index: u32, data: &mut Map, source: &Map) -> Result<()> {
        let name = &self.nodes[index as usize].name;
        let mut merger = crate::merge::Merger::new(name, &mut self.effort);
        let result = merger.merge(data, source);
        let (origin, entry) = (merger.origin, merger.entry);
        result.map_err(|error| {
            let history = entry.map(|entry| self.history(index, &entry, source));
            self.point_at(error, origin).with_history(history.unwrap_or_default())
        })
    }

    /// What had been written about a key when it was merged from `source` into a node: in those that the node inherits from, first,
    /// and in the node itself.
    fn history(&self, index: u32, failed: &Key, source: &Map) -> Vec<Written> {
        let Some(base) = crate::merge::base_of(failed) else { return Vec::new() };
        let mut history = Vec::new();
        let mut next = Some(index);
        while let Some(record) = next.map(|index| self.record(index)) {
            let is_source = std::ptr::eq(&*record.own, source);
            let before = |key: &Key| !(is_source && key == failed);
            let entries = record.own.entries().take_while(|(key, ..)| before(key));
            let same = entries.filter(|(key, ..)| crate::merge::base_of(key) == Some(base));
            let mut written: Vec<Written> = same
                .map(|(key, _, origin)| Written {
                    key: key.value().to_text().into_owned(),
                    node: record.name.to_string(),
                    location: self.locate(origin),
                })
                .collect();
            written.append(&mut history);
            history = written;
            next = record.parent.get().filter(|_| record.directives.inherit != Some(false));
        }
        history
    }

    pub(crate) fn point_at(&self, error: Error, origin: Origin) -> Error {
        let location = self.locate(origin);
        error.at(location)
    }
}

impl<'t> Node<'t> {
    fn record(self) -> &'t Record {
        self.tree.record(self.index)
    }

    /// The name of the node in its tree.
    #[must_use]
    pub fn id(self) -> NodeId {
        NodeId(self.index)
    }

    /// The tree of the node.
    #[must_use]
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    /// The absolute name: `/`, `/tests`, `/tests/smoke`.
    #[must_use]
    pub fn name(self) -> &'t str {
        &self.record().name
    }

    /// The node above, also above the top of a subtree.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.record().parent.get().map(|index| Self { index, ..self })
    }

    /// The nodes below, in the order in which they first appeared.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let children = self.record().children.by_appearance();
        children.into_iter().map(move |index| Self { index, ..self })
    }

    /// The child with the given own name (without slash).
    #[must_use]
    pub fn child(self, name: &str) -> Option<Self> {
        let child = self.record().children.find(name, &self.tree.nodes).ok()?;
        Some(Self { index: child, ..self })
    }

    /// The data, inherited and adjusted.
    #[must_use]
    pub fn data(self) -> &'t Map {
        &self.record().data
    }

    /// The value of a key, if there is one.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'t Value> {
        self.data().get(key)
    }

    /// The node's own data before inheritance, with suffixes.
    #[must_use]
    pub fn original_data(self) -> &'t Map {
        &self.record().own
    }

    /// The directives of the node.
    #[must_use]
    pub fn directives(self) -> Directives {
        self.record().directives
    }

    /// Whether selection takes the node: by its directive, else if it has no children.
    #[must_use]
    pub fn is_selected(self) -> bool {
        let record = self.record();
        record.directives.select.unwrap_or(record.children.is_empty())
    }

    /// The files that contributed, ancestors' files first.
    #[must_use]
    pub fn sources(self) -> Vec<&'t Path> {
        let mut sources = Vec::new();
        let mut next = Some(self);
        while let Some(node) = next {
            let record = node.record();
            sources.extend(self.tree.documents_of(record));
            next = node.parent().filter(|_| record.directives.inherit != Some(false));
        }
        sources.reverse();
        sources
    }

    /// Where the value of a key was written.
    #[must_use]
    pub fn locate(self, key: &str) -> Option<Location> {
        self.tree.locate(self.data().origin(key)?)
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("name", &self.name()).field("data", self.data()).finish()
    }
}

impl PartialEq for Node<'_> {
    /// The same node of the same tree.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tree, other.tree) && self.index == other.index
    }
}

impl Eq for Node<'_> {}
