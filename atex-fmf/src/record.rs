//! What a tree stores about each of its nodes.

use std::num::NonZeroU32;
use std::path::Path;

use triomphe::Arc;

use crate::map::Map;
use crate::tree::Directives;

/// What is stored about a node. There are many of them: nothing here is larger than it must be.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) name: Box<str>,
    /// The node's own data, suffixes included.
    pub(crate) own: Arc<Map>,
    /// The data after inheritance and adjusting.
    pub(crate) data: Arc<Map>,
    pub(crate) children: Children,
    pub(crate) parent: Link,
    /// The last file that contributed.
    pub(crate) document: Link,
    pub(crate) depth: u16,
    pub(crate) directives: Directives,
    pub(crate) updated: bool,
}

impl Record {
    /// A node without content. All of them share one empty map.
    pub(crate) fn new(name: Box<str>, empty: &Arc<Map>) -> Self {
        Self {
            name,
            own: Arc::clone(empty),
            data: Arc::clone(empty),
            children: Children::default(),
            parent: Link::NONE,
            document: Link::NONE,
            depth: 0,
            directives: Directives::default(),
            updated: false,
        }
    }

    /// The name without those of the nodes above.
    fn own_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) path: Box<Path>,
    /// The file that contributed to the same node before this one.
    pub(crate) previous: Link,
}

/// The index of something, or nothing, in four bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link(Option<NonZeroU32>);

impl Link {
    pub(crate) const NONE: Self = Self(None);

    pub(crate) fn to(index: u32) -> Self {
        Self(NonZeroU32::new(index.wrapping_add(1)))
    }

    pub(crate) fn get(self) -> Option<u32> {
        self.0.map(|next| next.get() - 1)
    }
}

/// The children of a node, sorted by their own names; most nodes have none.
#[derive(Debug, Clone, Default)]
#[expect(clippy::box_collection, reason = "one word in each node, and most nodes have no children")]
pub(crate) struct Children(Option<Box<Vec<u32>>>);

impl Children {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Sorted by name.
    pub(crate) fn sorted(&self) -> &[u32] {
        self.0.as_ref().map_or(&[], |children| children.as_slice())
    }

    /// In the order in which they first appeared, which is that of their indices.
    pub(crate) fn by_appearance(&self) -> Vec<u32> {
        let mut children = self.sorted().to_vec();
        children.sort_unstable();
        children
    }

    /// The child of that own name, or where it belongs.
    pub(crate) fn find(&self, name: &str, nodes: &[Record]) -> Result<u32, usize> {
        let children = self.sorted();
        let own_name = |child: &u32| nodes[*child as usize].own_name();
        // Names mostly come sorted.
        if children.last().is_some_and(|last| own_name(last) < name) {
            return Err(children.len());
        }
        children.binary_search_by(|child| own_name(child).cmp(name)).map(|place| children[place])
    }

    /// Adds a child at the place that [`Children::find`] told.
    pub(crate) fn insert(&mut self, place: usize, child: u32) {
        self.0.get_or_insert_default().insert(place, child);
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        if let Some(mut children) = self.0.take() {
            children.retain(|child| keep(*child));
            children.shrink_to_fit();
            self.0 = (!children.is_empty()).then_some(children);
        }
    }
}
