//! [`Aggregator`]: where finished tests go.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Artifacts, Outcome, Result, TestName};

/// Where finished tests go: a file of JSON lines, a report server.
///
/// Used as `Arc<dyn Aggregator>`, from many tasks at once.
#[async_trait]
pub trait Aggregator: fmt::Debug + Send + Sync + 'static {
    /// A short name for messages, with the target: `json lines into out/results.jsonl`.
    fn name(&self) -> String;

    /// Takes in one finished test.
    ///
    /// All of its results go in, or none. They are durable when this returns: nothing has to be closed for them to be
    /// read. The artifacts are only read (files may be hard-linked, so they must not be changed afterwards); who does not
    /// need them any more removes them. Dropping the future half-way leaves all or nothing of the test.
    ///
    /// # Errors
    /// Why nothing of it was taken in: artifacts that cannot be read, a target that cannot be written, the same test of
    /// the same platform for a second time.
    async fn ingest(&self, record: Record) -> Result<()>;

    /// Ends the output (the end of an archive, "launch finished"). After it, `ingest` fails. May be called again.
    ///
    /// # Errors
    /// What could not be written.
    async fn finish(&self) -> Result<()> {
        Ok(())
    }
}

/// One finished test.
#[derive(Debug, Clone)]
pub struct Record {
    /// The platform that it ran on.
    pub platform: String,
    /// The test.
    pub test: TestName,
    /// What it left.
    pub artifacts: Artifacts,
    /// How it went.
    pub outcome: Outcome,
    /// When its attempt began and ended, since the run began, if somebody knows: the times of events.
    pub when: Option<Range<Duration>>,
}
