//! What the crate promises, checked from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]
#![expect(
    clippy::print_stderr,
    reason = "a skipped check says so, and a comparison shows its numbers"
)]

#[path = "../../examples/conformance/canon.rs"]
mod canon;
#[path = "../../examples/conformance/cases.rs"]
mod cases;
#[path = "../../examples/conformance/compare.rs"]
mod compare;
#[path = "../../examples/conformance/operations.rs"]
mod operations;
#[path = "../../examples/conformance/tree.rs"]
mod tree;

mod conditions;
mod conformance;
#[cfg(feature = "discover")]
mod discovery;
mod emit;
mod errors;
#[cfg(feature = "discover")]
mod libraries;
mod limits;
#[cfg(feature = "discover")]
mod lint;
#[cfg(feature = "discover")]
mod metadata;
mod modify;
#[cfg(feature = "git")]
mod processes;
mod properties;
#[cfg(feature = "git")]
mod reference;
#[cfg(feature = "git")]
mod repository;
mod sample;
#[cfg(feature = "schema")]
mod schema;
mod show;
#[cfg(feature = "git")]
mod web;
