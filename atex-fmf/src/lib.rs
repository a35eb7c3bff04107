#![doc = include_str!("../README.md")]
//!
//! Everything starts with [`Tree::open`]. [`Tree::adjust`] applies the rules that hold in a [`Context`],
//! [`Tree::prune`] chooses nodes by a [`Selection`], and a [`Node`] gives its data as a [`Map`] of [`Value`]s.

mod adjust;
mod build;
mod condition;
mod context;
#[cfg(feature = "discover")]
mod discover;
mod emit;
mod error;
mod filter;
mod init;
mod integer;
mod json;
#[cfg(feature = "discover")]
mod lint;
mod list;
mod listed;
mod map;
mod merge;
mod modify;
mod pyregex;
mod record;
#[cfg(feature = "git")]
mod reference;
mod root;
mod scan;
#[cfg(feature = "schema")]
mod schema;
mod select;
mod show;
mod text;
mod time;
mod tree;
mod value;
mod yaml;

pub use adjust::{Adjust, Decision, Undecided};
pub use condition::Condition;
pub use context::{Context, Rule};
#[cfg(feature = "discover")]
pub use discover::metadata::{
    Framework, Interpretation, Library, Phase, PlanMetadata, Requirement, Restart, TestMetadata,
};
#[cfg(feature = "discover")]
pub use discover::{Discover, LibraryHost};
pub use emit::Emit;
pub use error::{Error, ErrorKind, Location, Result, Written};
pub use filter::Filter;
pub use integer::Int;
#[cfg(feature = "discover")]
pub use lint::{Check, Finding, Lint};
pub use list::List;
pub use listed::Listed;
pub use map::{Key, Map, Origin};
pub use merge::split_substitution;
pub use modify::Edit;
#[cfg(feature = "git")]
pub use reference::{Cache, Checkout, Reference, Resolved};
#[cfg(feature = "schema")]
pub use schema::{Schema, Violation};
pub use select::{Climb, Selection};
pub use time::{Date, DateTime};
pub use tree::{Directives, Node, NodeId, Tree};
pub use value::Value;
