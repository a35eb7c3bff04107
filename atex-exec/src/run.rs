//! Drives one run of a test: starts it, takes what it says, keeps its time limit, stops it when asked to.

use std::fs::File;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, BoxRead, BoxWrite, CancellationToken, Child, Command, Connection, Error, Outcome,
    Result, Status, Test,
};
use indexmap::IndexMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::control::{Deadline, Parser, Word};
use crate::guest::{Debug, Guest, RunScript};
use crate::result::{Ending, ResultSink, SinkError};

/// How long a test that was told to stop may take to be gone. The remote itself kills it after a few seconds.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// How much longer than its limit a test may run on a remote whose controller is gone.
const UNATTENDED_GRACE: Duration = Duration::from_secs(30);
/// How much of the control stream is read at once.
const CHUNK: usize = 64 << 10;

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
}

/// Why a run did not come to its own end.
#[derive(Debug)]
enum Stop {
    /// The test is to blame, and the remote is fine: it broke the protocol, or took too long.
    Test(String),
    /// Something else; the session is of no further use, or was cancelled.
    Other(Error),
}

/// A run while it goes on.
struct Running<'a> {
    run: &'a Run<'a>,
    child: Child,
    sink: &'a mut ResultSink,
    parser: Parser,
    deadline: Deadline,
    began: Instant,
    /// When the remote would end the test by itself, as it was last told.
    unattended: Duration,
    exit_code: Option<i32>,
    /// Ends the test when the future of the run is dropped.
    guard: StopGuard,
}

/// Ends a test whose run was dropped half-way, unless it was disarmed.
struct StopGuard {
    connection: Arc<dyn Connection>,
    stop: Option<Command>,
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        // Without a runtime, the connection is about to go as well, and the time limit on the remote holds.
        if let (Some(stop), Ok(runtime)) = (self.stop.take(), tokio::runtime::Handle::try_current())
        {
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move {
                if let Ok(mut teller) = connection.spawn(stop).await {
                    teller.wait().await.ok();
                }
            });
        }
    }
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
        let ended = self.follow(artifacts, &mut sink, cancel).await;
        let took = began.elapsed();
        let (ending, error) = match ended {
            Ok(code) => (Ending::Exited(code), None),
            Err(Stop::Test(note)) => (Ending::Stopped(note), None),
            Err(Stop::Other(error)) => {
                (Ending::Stopped(atex_core::Failure::from(&error).message), Some(error))
            }
        };
        let mut outcome = sink.finish(&ending)?;
        outcome.took = took;
        error.map_or(Ok(outcome), Err)
    }

    async fn follow(
        &self,
        artifacts: &Artifacts,
        sink: &mut ResultSink,
        cancel: &CancellationToken,
    ) -> Result<i32, Stop> {
        if cancel.is_cancelled() {
            return Err(Stop::Other(Error::Cancelled));
        }
        let mut running = self.start(artifacts, sink).await.map_err(Stop::Other)?;
        let ended = running.attend(cancel).await;
        running.guard.stop = None;
        match &ended {
            // Nobody is there to be told.
            Ok(_) | Err(Stop::Other(Error::Lost { .. } | Error::NotConnected { .. })) => {}
            Err(_) => running.stop().await?,
        }
        ended
    }

    async fn start<'a>(
        &'a self,
        artifacts: &Artifacts,
        sink: &'a mut ResultSink,
    ) -> Result<Running<'a>> {
        let path = ResultSink::output_file(artifacts);
        let output = File::options()
            .create_new(true)
            .append(true)
            .open(&path)
            .map_err(Error::io("cannot create", &path))?;
        let limit = self.test.time_limit();
        let began = Instant::now();
        let unattended = limit.saturating_add(UNATTENDED_GRACE);
        let command = self.guest.run(self.number, unattended.as_secs(), self.debug).stderr(output);
        let mut child = self.connection.spawn(command).await?;
        let stop = Some(self.guest.tell(self.number, "stop"));
        let guard = StopGuard { connection: Arc::clone(self.connection), stop };
        let script =
            RunScript { guest: self.guest, test: self.test, environment: self.environment };
        if let Some(stdin) = child.stdin.take() {
            give(stdin, script.text()).await.map_err(|source| self.lost(source))?;
        }
        Ok(Running {
            run: self,
            child,
            sink,
            parser: Parser::default(),
            deadline: Deadline::new(Duration::ZERO, limit),
            began,
            unattended,
            exit_code: None,
            guard,
        })
    }

    fn lost(&self, source: io::Error) -> Error {
        Error::Lost { origin: self.connection.name().to_owned(), source: source.into() }
    }
}

/// Leaves the result of a test that cannot be run.
pub(crate) fn refuse(artifacts: &Artifacts, error: &Error) -> Result<()> {
    ResultSink::new(artifacts.clone())?.finish(&Ending::Stopped(error.to_string())).map(drop)
}

/// Writes all of a program's input. One that ended before it read everything says why by its exit code.
async fn give(mut stdin: BoxWrite, text: String) -> io::Result<()> {
    let written = async {
        stdin.write_all(text.as_bytes()).await?;
        stdin.shutdown().await
    };
    match written.await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

impl Running<'_> {
    /// Takes what the test says until all of it is here.
    async fn attend(&mut self, cancel: &CancellationToken) -> Result<i32, Stop> {
        let mut control = self.child.stdout.take();
        let mut chunk = vec![0; CHUNK];
        loop {
            let up = self.began + self.deadline.end();
            let count = tokio::select! {
                count = read(&mut control, &mut chunk) => count.map_err(|source| Stop::Other(self.run.lost(source)))?,
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
                () = sleep_until(up) => {
                    let limit = atex_core::millis::Shown(self.deadline.limit());
                    return Err(Stop::Test(format!("time limit of {limit} reached")));
                }
            };
            if count == 0 {
                break;
            }
            self.take(&chunk[..count]).await?;
        }
        let status = self.child.wait().await.map_err(Stop::Other)?;
        self.conclude(status)
    }

    /// Takes a chunk of the control stream.
    async fn take(&mut self, mut chunk: &[u8]) -> Result<(), Stop> {
        while let Some(piece) =
            self.parser.next(&mut chunk).map_err(|error| Stop::Test(error.to_string()))?
        {
            match self.sink.piece(piece)? {
                None | Some(Word::Noop | Word::Result { .. }) => {}
                Some(Word::Exitcode(code)) => self.exit_code = Some(code),
                Some(Word::Duration(change)) => self.deadline.change(self.began.elapsed(), change),
                Some(Word::Disconnect) => {
                    return Err(Stop::Test("the test announced a reboot (`disconnect`), which this version cannot follow".into()));
                }
            }
        }
        self.sink.flush()?;
        self.tell_limit().await.map_err(Stop::Other)
    }

    /// Tells the remote of a new time limit, if the one that it knows is far off. (Tests that save and restore their
    /// limit around every result would else cost a command each time.)
    async fn tell_limit(&mut self) -> Result<()> {
        let end = self.deadline.end().saturating_add(UNATTENDED_GRACE);
        if end.abs_diff(self.unattended) > UNATTENDED_GRACE / 2 {
            self.unattended = end;
            let left = end.saturating_sub(self.began.elapsed());
            self.tell(&format!("limit {}", left.as_secs())).await?;
        }
        Ok(())
    }

    /// What the end of the attachment means.
    fn conclude(&self, status: Status) -> Result<i32, Stop> {
        let origin = self.run.connection.name();
        match status {
            Status::Code(0) => {}
            Status::Code(3) => {
                return Err(Stop::Other(Error::infra(
                    origin,
                    "the supervisor of the test was killed",
                )));
            }
            Status::Code(4) => {
                return Err(Stop::Other(Error::infra(
                    origin,
                    "the test could not be started (see its output)",
                )));
            }
            Status::Code(5) => {
                return Err(Stop::Other(Error::infra(
                    origin,
                    "the output of the test could not be stored (is a disk full?)",
                )));
            }
            other => {
                let source = format!("the attachment to the test {other}").into();
                return Err(Stop::Other(Error::Lost { origin: origin.to_owned(), source }));
            }
        }
        self.parser.finish().map_err(|error| Stop::Test(error.to_string()))?;
        self.exit_code.ok_or_else(|| Stop::Test("the test ended without an exit code".into()))
    }

    /// Ends the test on the remote, and waits until it is gone.
    async fn stop(&mut self) -> Result<(), Stop> {
        let gone = async {
            self.tell("stop").await?;
            self.child.wait().await
        };
        match timeout(STOP_GRACE, gone).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Stop::Other(error)),
            Err(_) => Err(Stop::Other(Error::infra(
                self.run.connection.name(),
                "the test could not be stopped",
            ))),
        }
    }

    async fn tell(&self, words: &str) -> Result<()> {
        let mut teller =
            self.run.connection.spawn(self.run.guest.tell(self.run.number, words)).await?;
        teller.wait().await.map(drop)
    }
}

impl From<SinkError> for Stop {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Control(error) => Self::Test(error.to_string()),
            SinkError::Local(error) => Self::Other(error),
        }
    }
}

async fn read(control: &mut Option<BoxRead>, chunk: &mut [u8]) -> io::Result<usize> {
    match control {
        Some(stream) => stream.read(chunk).await,
        None => pending().await,
    }
}
