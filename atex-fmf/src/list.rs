//! The items of a list, in one piece of memory that is shared.

use std::fmt;
use std::ops::Deref;

use triomphe::ThinArc;

use crate::value::Value;

/// The items of a list: a slice of values. Cloning shares it.
///
/// ```
/// use atex_fmf::{List, Value};
/// let list: List = vec![Value::from("a"), Value::from(1)].into();
/// assert_eq!(list.len(), 2);
/// assert_eq!(list[0].as_str(), Some("a"));
/// ```
#[derive(Clone)]
pub struct List(ThinArc<(), Value>);

impl List {
    /// As many items as an iterator knows to have.
    pub(crate) fn of(items: impl ExactSizeIterator<Item = Value>) -> Self {
        Self(ThinArc::from_header_and_iter((), items))
    }

    /// Changes the items; what others share stays as it was.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut Vec<Value>) -> R) -> R {
        let mut items = self.to_vec();
        let result = change(&mut items);
        *self = items.into();
        result
    }

    /// Tells lists apart that share nothing.
    pub(crate) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.slice
    }
}

impl Default for List {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        Self::of(items.into_iter())
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl<'l> IntoIterator for &'l List {
    type Item = &'l Value;
    type IntoIter = std::slice::Iter<'l, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for List {}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
