//! Selecting nodes: climbing the tree, finding a name, pruning by names, filters and conditions.

use std::path::{Path, PathBuf};

use crate::condition::Condition;
use crate::error::{Error, ErrorKind, Result};
use crate::filter::Filter;
use crate::pyregex::Regex;
use crate::tree::{Node, Tree};

/// Which nodes to climb over, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Climb {
    /// All nodes, or only those that are selected (by their directive, else those without children).
    pub whole: bool,
    /// Children sorted by name, or in the order in which they first appeared.
    pub sort: bool,
}

impl Default for Climb {
    fn default() -> Self {
        Self { whole: false, sort: true }
    }
}

/// What nodes must fulfil to be chosen; without any restriction, all selected nodes are.
///
/// Mistakes in patterns, filters and conditions are reported when they are first used; see [`Selection::check`].
#[derive(Debug, Clone, Default)]
pub struct Selection {
    climb: Climb,
    keys: Vec<String>,
    names: Vec<Pattern>,
    sources: Vec<PathBuf>,
    filters: Vec<Filter>,
    conditions: Vec<Result<Condition, Fault>>,
}

#[derive(Debug, Clone)]
struct Pattern(Result<Regex, Fault>);

/// An error that can be reported more than once.
#[derive(Debug, Clone)]
struct Fault(ErrorKind, String);

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self(error.kind(), error.message().to_owned())
    }
}

impl From<&Fault> for Error {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.0, fault.1.clone())
    }
}

impl Selection {
    /// No restriction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All nodes, not only those without children.
    #[must_use]
    pub fn whole(mut self, on: bool) -> Self {
        self.climb.whole = on;
        self
    }

    /// Nodes in the order of their names (the default), or of their first appearance.
    #[must_use]
    pub fn sort(mut self, on: bool) -> Self {
        self.climb.sort = on;
        self
    }

    /// The key must be there, whatever its value.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// A regular expression that is found in the name; of several, one must be.
    #[must_use]
    pub fn name(mut self, pattern: &str) -> Self {
        self.names.push(Pattern(Regex::new(pattern).map_err(Fault::from)));
        self
    }

    /// A file that contributed to the node; of several, one must have. Relative to the current directory.
    #[must_use]
    pub fn source(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        self.sources
            .push(crate::root::absolute(Path::new(""), path).unwrap_or_else(|_| path.to_owned()));
        self
    }

    /// A filter, with its values and names as regular expressions; of several, all must hold.
    #[must_use]
    pub fn filter(mut self, filter: &str) -> Self {
        self.filters.push(Filter::new(filter).with_patterns(true));
        self
    }

    /// A condition; of several, all must hold.
    #[must_use]
    pub fn condition(mut self, condition: &str) -> Self {
        self.conditions.push(Condition::parse(condition).map_err(Fault::from));
        self
    }

    /// Reports the first mistake in patterns and conditions, before any node is looked at.
    ///
    /// # Errors
    /// A name is not a regular expression, or a condition is not an expression.
    pub fn check(&self) -> Result<()> {
        for Pattern(name) in &self.names {
            name.as_ref().map_err(Error::from)?;
        }
        self.conditions
            .iter()
            .try_for_each(|condition| condition.as_ref().map(|_| ()).map_err(Error::from))
    }

    /// Whether a node is chosen.
    ///
    /// # Errors
    /// A pattern or a condition is wrong, or a condition fails on the data of this node. That a filter names an
    /// unknown dimension, or a condition an unknown key, is no error: the node is not chosen.
    pub fn matches(&self, node: Node<'_>) -> Result<bool> {
        if !self.keys.iter().all(|key| node.get(key).is_some()) {
            return Ok(false);
        }
        if !self.names.is_empty() && !self.any_name(node)? {
            return Ok(false);
        }
        if !self.sources.is_empty() {
            let sources = node.sources();
            if !self.sources.iter().any(|wanted| sources.contains(&wanted.as_path())) {
                return Ok(false);
            }
        }
        let filters = self.filters.iter().map(|f| f.matches(node.data(), Some(node.name())));
        if !all_hold(filters)? {
            return Ok(false);
        }
        let conditions = self.conditions.iter().map(|condition| match condition {
            Ok(condition) => condition.evaluate(node.data()),
            Err(fault) => Err(fault.into()),
        });
        all_hold(conditions)
    }

    fn any_name(&self, node: Node<'_>) -> Result<bool> {
        for Pattern(name) in &self.names {
            if name.as_ref().map_err(Error::from)?.search(node.name())? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// All are evaluated, also after a false one; that something is unknown means "no", and ends it.
fn all_hold(results: impl Iterator<Item = Result<bool>>) -> Result<bool> {
    let mut all = true;
    for result in results {
        match result {
            Ok(holds) => all &= holds,
            Err(error) if error.kind() == ErrorKind::Filter => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

impl Tree {
    /// The nodes from the top on, each before its children.
    pub fn climb(&self, climb: Climb) -> impl Iterator<Item = Node<'_>> {
        let mut open = vec![self.top()];
        std::iter::from_fn(move || {
            loop {
                let node = open.pop()?;
                let record = self.record(node.index);
                let child = |index| Node { tree: self, index };
                if climb.sort {
                    open.extend(record.children.sorted().iter().rev().copied().map(child));
                } else {
                    open.extend(record.children.by_appearance().into_iter().rev().map(child));
                }
                if climb.whole || node.is_selected() {
                    return Some(node);
                }
            }
        })
    }

    /// The first node with the given absolute name, whether it is selected or not.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Node<'_>> {
        self.climb(Climb { whole: true, sort: true }).find(|node| node.name() == name)
    }

    /// The nodes that a selection chooses, in order. After an error, nothing more comes.
    pub fn prune<'t>(&'t self, selection: &Selection) -> impl Iterator<Item = Result<Node<'t>>> {
        let mut nodes = Some(self.climb(selection.climb));
        std::iter::from_fn(move || {
            loop {
                let node = nodes.as_mut()?.next()?;
                match selection.matches(node) {
                    Ok(true) => return Some(Ok(node)),
                    Ok(false) => {}
                    Err(error) => {
                        nodes = None;
                        return Some(Err(error));
                    }
                }
            }
        })
    }
}
