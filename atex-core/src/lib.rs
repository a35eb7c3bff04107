#![doc = include_str!("../README.md")]

mod aggregator;
mod artifacts;
pub mod ascii_json;
mod barriers;
pub mod bounded_lines;
mod command;
mod connection;
pub mod display;
mod error;
mod event;
mod executor;
mod facts;
pub mod millis;
mod name;
mod packed;
mod provisioner;
mod remote;
mod result;
mod safe_path;
mod suite;
#[cfg(feature = "testkit")]
pub mod testkit;
mod upload;
mod verdict;

pub use aggregator::{Aggregator, Record};
pub use artifacts::Artifacts;
/// The attribute that every trait here is written with; put it on your implementations.
pub use async_trait::async_trait;
pub use barriers::{Barriers, Waiting};
pub use command::{BoxRead, BoxWrite, Child, Command, Process, Status, Stdio};
pub use connection::{Connection, ConnectionExt, Output};
pub use error::{BoxError, Error, Failure, Fault, Result, Retry};
pub use event::{Attempt, EventSink, PlannedPool, PlannedTest, RemoteId, RunEvent, TestKey};
pub use executor::{Executor, Outcome, Session, Tally};
pub use facts::{Facts, Notes};
pub use name::{InvalidTestName, TestName};
pub use packed::PackedTree;
pub use provisioner::{LeaseLog, Provisioner, Request};
pub use remote::{Lease, Remote};
pub use result::ResultLine;
pub use safe_path::{SafePath, stable_hash};
pub use suite::{Content, Phase, PhaseAction, Test, TestSuite};
/// The polite way to stop something: see the methods that take one.
pub use tokio_util::sync::CancellationToken;
pub use upload::CopyOptions;
pub use verdict::Verdict;
