//! What a test reports: parsing, merging of partial results, and writing into the artifacts.

mod open;
mod own;
mod partial;
mod report;
mod sink;
mod spill;
#[cfg(test)]
mod tests;
mod weight;

pub use open::OpenResults;
pub use partial::merge;
pub use report::{FileAnnouncement, Report};
pub use sink::SinkError;
pub(crate) use sink::{Ending, ResultSink, SinkState};
pub use weight::weight;
