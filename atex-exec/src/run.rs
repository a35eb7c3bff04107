//! [`Run`]: one run of one test on one remote, from its start to its results.

use std::fs::File;
use std::sync::Arc;

use atex_core::{
    Artifacts, Barriers, CancellationToken, Connection, Error, Failure, Outcome, Result, Test,
    TestName,
};
use indexmap::IndexMap;
use tokio::time::Instant;

use crate::checkpoint::{Checkpoint, Log};
use crate::follow::Running;
use crate::guest::{Debug, Guest};
use crate::hooks::{Ended, Hooks, Judgement};
use crate::limits::Limits;
use crate::result::{Ending, ResultSink, SinkError};
use crate::secret::Secrets;
use crate::server::Servers;

/// One run of one test on one remote. It can be printed by nobody: its environment may hold secrets.
pub(crate) struct Run<'a> {
    pub(crate) connection: &'a Arc<dyn Connection>,
    pub(crate) guest: &'a Guest,
    /// What starts it there, unless it is to have a session of its own on the connection.
    pub(crate) servers: Option<&'a Servers>,
    pub(crate) name: &'a TestName,
    /// Its number in the session.
    pub(crate) number: u32,
    pub(crate) test: &'a Test,
    pub(crate) environment: &'a IndexMap<String, String>,
    /// Those of it that are for this run alone.
    pub(crate) variables: &'a [(String, String)],
    /// Where it waits for those that it runs together with.
    pub(crate) barriers: Option<&'a dyn Barriers>,
    pub(crate) secrets: &'a Secrets,
    pub(crate) debug: Debug,
    pub(crate) limits: Limits,
    /// Whether results of parts of the test decide, too.
    pub(crate) beakerlib: bool,
    pub(crate) hooks: &'a Hooks,
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
        expect_empty(artifacts)?;
        let mut sink = ResultSink::new(artifacts.clone(), self.secrets.clone())?;
        self.show_output(artifacts)?;
        let began = Instant::now();
        let ended = if cancel.is_cancelled() {
            Err(Stop::Other(Error::Cancelled))
        } else {
            Running::follow(self, artifacts, &mut sink, None, cancel).await
        };
        let mut outcome = self.finish(sink, ended, artifacts);
        if let Ok(outcome) = &mut outcome {
            outcome.took = began.elapsed();
        }
        outcome
    }

    /// Goes on with a run that another controller began; what it collected lies in the artifacts.
    pub(crate) async fn resume(
        &self,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let Some(from) = Log::roll_back(artifacts)? else {
            return Err(Error::Usage(format!("there is no run of {} to go on with", self.name)));
        };
        let (began, before) = (Instant::now(), from.elapsed());
        let mut sink =
            ResultSink::resume(artifacts.clone(), self.secrets.clone(), from.sink.clone())?;
        self.show_output(artifacts)?;
        let ended = Running::follow(self, artifacts, &mut sink, Some(&from), cancel).await;
        let mut outcome = self.finish(sink, ended, artifacts);
        if let Ok(outcome) = &mut outcome {
            outcome.took = before + began.elapsed();
        }
        outcome
    }
}

impl Run<'_> {
    /// Tells who wants to follow the output where it will be.
    fn show_output(&self, artifacts: &Artifacts) -> Result<()> {
        let Some(follow) = &self.hooks.follow else { return Ok(()) };
        let path = ResultSink::output_file(artifacts);
        let made = File::options().create(true).append(true).open(&path);
        made.map_err(Error::io("cannot create", &path))?;
        follow(self.name, &path);
        Ok(())
    }

    /// Makes the end of a run its results.
    fn finish(
        &self,
        mut sink: ResultSink,
        ended: Result<i32, Stop>,
        artifacts: &Artifacts,
    ) -> Result<Outcome> {
        let (ending, error) = match ended {
            Ok(code) => (Ending::Exited(self.judged(code, &mut sink, artifacts)), None),
            Err(Stop::Test(note) | Stop::Late(note)) => (Ending::Stopped(note), None),
            Err(Stop::Other(error)) => {
                (Ending::Stopped(Failure::from(&error).message), Some(error))
            }
        };
        let outcome = sink.finish(&ending)?;
        error.map_or(Ok(outcome), Err)
    }

    /// The exit code that counts.
    fn judged(&self, code: i32, sink: &mut ResultSink, artifacts: &Artifacts) -> i32 {
        if let Some(judge) = &self.hooks.judge {
            let output = ResultSink::output_file(artifacts);
            return match judge(&Ended { test: self.name, exit_code: code, output: &output }) {
                Judgement::ExitCode(code) => code,
                Judgement::Status(status) => {
                    sink.judge(status);
                    code
                }
            };
        }
        // The exit code of a beakerlib test says nothing about what it reported.
        if code == 0 && self.beakerlib && sink.has_trouble() { 1 } else { code }
    }
}

/// Checks that nothing of another run lies among the artifacts: it would be mixed with this one's, or lost.
fn expect_empty(artifacts: &Artifacts) -> Result<()> {
    let taken = |path: &std::path::Path| {
        let source = std::io::ErrorKind::AlreadyExists.into();
        Err(Error::io("cannot begin a run where another left something:", path)(source))
    };
    for path in [artifacts.results_file(), ResultSink::output_file(artifacts)] {
        if path.symlink_metadata().is_ok() {
            return taken(&path);
        }
    }
    let files = artifacts.files_dir();
    let has_some = std::fs::read_dir(&files).is_ok_and(|mut files| files.next().is_some());
    if has_some { taken(&files) } else { Ok(()) }
}

/// Leaves the result of a test that cannot be run.
pub(crate) fn refuse(artifacts: &Artifacts, error: &Error) -> Result<()> {
    let sink = ResultSink::new(artifacts.clone(), Secrets::default())?;
    sink.finish(&Ending::Stopped(error.to_string())).map(drop)
}

/// Leaves the result of a test that was run by another controller, and that nobody can go on with.
pub(crate) fn abandon(
    artifacts: &Artifacts,
    from: Checkpoint,
    secrets: &Secrets,
    error: &Error,
) -> Result<()> {
    let sink = ResultSink::resume(artifacts.clone(), secrets.clone(), from.sink)?;
    sink.finish(&Ending::Stopped(Failure::from(error).message)).map(drop)
}

impl From<SinkError> for Stop {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Control(error) => Self::Test(error.to_string()),
            SinkError::Local(error) => Self::Other(error),
        }
    }
}
