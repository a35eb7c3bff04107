//! Changing metadata where they are written: in the files of a tree.

mod layout;
mod patch;
mod save;

use std::path::{Path, PathBuf};

use triomphe::Arc;

use crate::emit::Emit;
use crate::error::{Error, ErrorKind, Result};
use crate::map::{Key, Map};
use crate::tree::{Node, NodeId, Tree};
use crate::value::Value;
use crate::{scan, yaml};

/// A change to the file in which a node is defined, until it is written or dropped.
///
/// [`Edit::data`] is what that file says about the node: suffixes, directives and children (`/name`) are keys as they are
/// in the file; what is inherited is not there. Dropping an edit changes nothing. The tree that it came from keeps the
/// data it has read; open it again to see the change.
///
/// ```
/// # let directory = tempfile::tempdir().unwrap();
/// # let root = directory.path();
/// use atex_fmf::Tree;
/// Tree::init(root).unwrap();
/// std::fs::write(root.join("main.fmf"), "# All of them.\n/smoke:\n    test: ./smoke.sh  # fast\n").unwrap();
///
/// let tree = Tree::open(root).unwrap();
/// let mut edit = tree.modify(tree.find("/smoke").unwrap().id()).unwrap();
/// edit.data().insert("id".into(), "6f1c".into());
/// edit.write().unwrap();
///
/// let text = std::fs::read_to_string(root.join("main.fmf")).unwrap();
/// assert_eq!(text, "# All of them.\n/smoke:\n    test: ./smoke.sh  # fast\n    id: 6f1c\n");
/// ```
#[derive(Debug)]
#[must_use = "nothing is changed before 'write' is called"]
pub struct Edit {
    path: PathBuf,
    /// The file as it was read, with its line breaks.
    before: String,
    /// Its content then and now.
    old: Arc<Map>,
    new: Map,
    /// The keys from the top of the file down to the node.
    steps: Vec<Key>,
    fresh: bool,
}

impl Tree {
    /// Starts to change the data of a node in the file that defines it: the last of its files that was read, or, if that
    /// says nothing about it, the one of the nearest parent that has data in a file. Reads that file again.
    ///
    /// # Errors
    /// No file defines the node (the tree was made from a map), the file cannot be read or parsed any more, or it has
    /// something else than a map where the node should be.
    pub fn modify(&self, id: NodeId) -> Result<Edit> {
        let mut names: Vec<&str> = Vec::new();
        let mut next = self.node(id);
        while let Some(node) = next {
            if let Some(edit) = self.edit(node, &names)? {
                return Ok(edit);
            }
            let own = node.name().rsplit('/').next().unwrap_or_default();
            names.insert(0, own);
            next = node.parent();
        }
        let name = self.node(id).map_or("", Node::name);
        let message =
            format!("no file has data of the node '{name}': was the tree read from files?");
        Err(Error::new(ErrorKind::General, message))
    }

    /// The change to the last file of a node itself; none if there is no data in it.
    fn edit(&self, node: Node<'_>, names: &[&str]) -> Result<Option<Edit>> {
        let file = self.documents_of(self.record(node.id().0)).next();
        let Some(path) = file else { return Ok(None) };
        let before = save::read(path)?;
        let text = yaml::normalize(&before);
        let content = yaml::load(&text, 0).map_err(|error| error.in_file(path, &text))?;
        let Value::Map(old) = content else { return Ok(None) };
        // Directives alone make no data, except in the file of a directory.
        let own_file = path.file_name().is_some_and(|name| name != "main.fmf");
        if old.keys().all(|key| own_file && key.as_str() == Some("/")) {
            return Ok(None);
        }
        let mut edit = Edit {
            path: path.to_owned(),
            before,
            new: Map::clone(&old),
            old,
            steps: names.iter().map(|name| format!("/{name}").as_str().into()).collect(),
            fresh: false,
        };
        edit.descend()?;
        Ok(Some(edit))
    }
}

impl Edit {
    /// The file that is going to be changed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says about the node, to be changed.
    pub fn data(&mut self) -> &mut Map {
        let mut map = &mut self.new;
        for step in &self.steps {
            // That all steps lead to maps was made sure at the start, and only what is below them can be changed.
            match map.get_mut(step.value()) {
                Some(Value::Map(below)) => map = Arc::make_mut(below),
                _ => unreachable!("the node was found when the edit was made"),
            }
        }
        map
    }

    /// Whether the whole file is written anew in any case, in the one form that [`Emit`] knows: without comments, and maps and lists
    /// that are shared in the file get new anchors. Otherwise only the lines of what was changed are written, and everything
    /// else stays as it is; a file that this does not work for (merge keys, keys after a question mark, an anchor that would be
    /// lost) is written anew as well.
    pub fn fresh(mut self, fresh: bool) -> Self {
        self.fresh = fresh;
        self
    }

    /// The text that the file is going to have.
    #[must_use]
    pub fn text(&self) -> String {
        if !self.fresh
            && let Some(text) = patch::patch(&yaml::normalize(&self.before), &self.old, &self.new)
        {
            let breaks = self.before.contains("\r\n");
            return if breaks { text.replace('\n', "\r\n") } else { text };
        }
        Emit::new().anchors(true).write_map(&self.new)
    }

    /// Writes the file: all or nothing, with the permissions that it has. A symbolic link is followed, not replaced.
    ///
    /// # Errors
    /// The file was changed by somebody else since the edit was made, or cannot be written. It is unchanged then.
    pub fn write(self) -> Result<()> {
        if save::read(&self.path)? != self.before {
            let message = format!(
                "'{}' was changed by somebody else in the meantime; nothing was written",
                self.path.display()
            );
            return Err(Error::new(ErrorKind::File, message).with_hint("read the tree again"));
        }
        save::replace(&self.path, &self.text())
    }

    /// Makes the maps on the way down to the node, where there is none yet.
    fn descend(&mut self) -> Result<()> {
        let mut map = &mut self.new;
        for step in &self.steps {
            if map.get(step.value()).is_none_or(Value::is_null) {
                map.insert(step.clone(), Map::new().into());
            }
            let place = map.origin(step.value()).unwrap_or_default();
            match map.get_mut(step.value()) {
                Some(Value::Map(below)) => map = Arc::make_mut(below),
                other => {
                    let found = other.map_or("nothing", |value| value.type_name());
                    let message = format!(
                        "'{}' must be a map to be changed, got '{found}'",
                        step.value().to_text()
                    );
                    let place = crate::Location::read(&self.path, place.line(), place.column());
                    return Err(Error::new(ErrorKind::Type, message).at(Some(place)));
                }
            }
        }
        Ok(())
    }
}
