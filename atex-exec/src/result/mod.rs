//! What a test reports: parsing, merging of partial results, and writing into the artifacts.

mod own;
mod partial;
mod report;
mod sink;
#[cfg(test)]
mod tests;
mod weight;

pub use partial::{OpenResults, merge};
pub use report::{FileAnnouncement, Report};
pub(crate) use sink::{Ending, ResultSink, SinkError, SinkState};
pub use weight::weight;
