//! [`Run`]: one run of one test on one remote, from its start to its results.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{Artifacts, CancellationToken, Connection, Error, Failure, Outcome, Result, Test};
use indexmap::IndexMap;
use tokio::time::Instant;

use crate::follow::Running;
use crate::guest::{Debug, Guest};
use crate::result::{Ending, ResultSink, SinkError};

/// One run of one test on one remote.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) connection: &'a Arc<dyn Connection>,
    pub(crate) guest: &'a Guest,
    /// Its number in the session.
    pub(crate) number: u32,
    pub(crate) test: &'a Test,
    pub(crate) environment: &'a IndexMap<String, String>,
    pub(crate) debug: Debug,
    /// How long a lost connection may take to come back.
    pub(crate) reconnect_limit: Duration,
}

/// Why a run did not come to its own end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The test broke the protocol; the remote is fine.
    Test(String),
    /// The test took too long; the remote is fine.
    Late(String),
    /// Something else; the session is of no further use, or was cancelled.
    Other(Error),
}

impl Run<'_> {
    /// Runs the test to its end, and fills the artifacts. See [`Session::run`](atex_core::Session::run) for what holds.
    pub(crate) async fn run(
        &self,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let began = Instant::now();
        let mut sink = ResultSink::new(artifacts.clone())?;
        let ended = if cancel.is_cancelled() {
            Err(Stop::Other(Error::Cancelled))
        } else {
            match Running::start(self, artifacts, &mut sink).await {
                Ok(running) => running.follow(cancel).await,
                Err(error) => Err(Stop::Other(error)),
            }
        };
        let took = began.elapsed();
        let (ending, error) = match ended {
            Ok(code) => (Ending::Exited(code), None),
            Err(Stop::Test(note) | Stop::Late(note)) => (Ending::Stopped(note), None),
            Err(Stop::Other(error)) => {
                (Ending::Stopped(Failure::from(&error).message), Some(error))
            }
        };
        let mut outcome = sink.finish(&ending)?;
        outcome.took = took;
        error.map_or(Ok(outcome), Err)
    }
}

/// Leaves the result of a test that cannot be run.
pub(crate) fn refuse(artifacts: &Artifacts, error: &Error) -> Result<()> {
    ResultSink::new(artifacts.clone())?.finish(&Ending::Stopped(error.to_string())).map(drop)
}

impl From<SinkError> for Stop {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Control(error) => Self::Test(error.to_string()),
            SinkError::Local(error) => Self::Other(error),
        }
    }
}
