//! Every backend against the shared conformance suites, and what is particular to each.

#![expect(clippy::unwrap_used, reason = "a test stops at what must not happen")]

mod conformance;
mod container;
mod containers;
mod hosts;
mod local;
mod machine;
mod ssh;
