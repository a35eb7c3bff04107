//! [`Running`]: a test while it runs: takes what it says, keeps its time limit, stops it when asked to, and attaches again
//! when the connection was cut.

use std::fs::{self, File};
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, BoxRead, BoxWrite, CancellationToken, Child, Command, Connection, Error, Result,
    Status, Stdio, millis,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::control::{Deadline, Parser, Word};
use crate::guest::RunScript;
use crate::result::ResultSink;
use crate::run::{Run, Stop};

/// How long a test that was told to stop may take to be gone. The remote itself kills it after a few seconds.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// How much longer than its limit a test may run on a remote whose controller is gone.
const UNATTENDED_GRACE: Duration = Duration::from_secs(30);
/// How much of the control stream is read at once.
const CHUNK: usize = 64 << 10;
/// The pauses between attempts to reconnect: from the first to the longest, each twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// A test while it runs.
pub(crate) struct Running<'a> {
    run: &'a Run<'a>,
    child: Child,
    /// The control stream, as long as it is open.
    control: Option<BoxRead>,
    /// How many bytes of it were taken: where to go on after a cut.
    taken: u64,
    /// The file of the test's output. What is in it is where to go on after a cut.
    output: PathBuf,
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

impl<'a> Running<'a> {
    /// Starts the test and attaches to it.
    pub(crate) async fn start(
        run: &'a Run<'a>,
        artifacts: &Artifacts,
        sink: &'a mut ResultSink,
    ) -> Result<Self> {
        let path = ResultSink::output_file(artifacts);
        let output = File::create_new(&path).map_err(Error::io("cannot create", &path))?;
        let limit = run.test.time_limit();
        let began = Instant::now();
        let unattended = limit.saturating_add(UNATTENDED_GRACE);
        let command = run.guest.run(run.number, unattended.as_secs(), run.debug).stderr(output);
        let mut child = run.connection.spawn(command).await?;
        let stop = Some(run.guest.tell(run.number, "stop"));
        let guard = StopGuard { connection: Arc::clone(run.connection), stop };
        let script = RunScript { guest: run.guest, test: run.test, environment: run.environment };
        if let Some(stdin) = child.stdin.take() {
            give(stdin, script.text()).await.map_err(|source| lost(run, source))?;
        }
        Ok(Self {
            run,
            control: child.stdout.take(),
            child,
            taken: 0,
            output: path,
            sink,
            parser: Parser::default(),
            deadline: Deadline::new(Duration::ZERO, limit),
            began,
            unattended,
            exit_code: None,
            guard,
        })
    }

    /// Follows the test to its end, across cut connections; the exit code.
    pub(crate) async fn follow(mut self, cancel: &CancellationToken) -> Result<i32, Stop> {
        let ended = loop {
            match self.attend(cancel).await {
                Err(Stop::Other(cut)) if is_cut(&cut) => {
                    if let Err(stop) = self.attach_again(cut, cancel).await {
                        break Err(stop);
                    }
                }
                ended => break ended,
            }
        };
        self.guard.stop = None;
        match &ended {
            // Nobody is there to be told.
            Err(Stop::Other(error)) if is_cut(error) => {}
            Ok(_) => {}
            Err(stop) => {
                let take = matches!(stop, Stop::Late(_) | Stop::Other(Error::Cancelled));
                self.stop(take).await?;
            }
        }
        ended
    }

    /// Takes what the test says until all of it is here, or the connection is cut.
    async fn attend(&mut self, cancel: &CancellationToken) -> Result<i32, Stop> {
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = tokio::select! {
                count = read(&mut self.control, &mut chunk) => {
                    count.map_err(|source| Stop::Other(lost(self.run, source)))?
                }
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
                () = sleep_until(self.began + self.deadline.end()) => return Err(self.late()),
            };
            if count == 0 {
                break;
            }
            self.taken += count as u64;
            self.take(&chunk[..count]).await?;
        }
        self.control = None;
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
                    let note = "the test announced a reboot (`disconnect`), which this version cannot follow";
                    return Err(Stop::Test(note.into()));
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
            let left = end.saturating_sub(self.began.elapsed());
            self.tell(&format!("limit {}", left.as_secs())).await?;
            self.unattended = end;
        }
        Ok(())
    }

    /// Opens the connection anew and attaches where the streams were cut. The test went on meanwhile.
    async fn attach_again(&mut self, cut: Error, cancel: &CancellationToken) -> Result<(), Stop> {
        let origin = self.run.connection.name();
        tracing::info!(origin, error = %cut, "the connection was cut; the test goes on, and is attached to again");
        // The old attachment must not write to the output any more.
        self.control = None;
        self.child.start_kill().ok();
        self.child.wait().await.ok();
        let (give_up, mut pause) = (Instant::now() + self.run.reconnect_limit, PAUSES.0);
        loop {
            let attached = tokio::select! {
                attached = self.try_to_attach() => attached,
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
                () = sleep_until(give_up) => return Err(Stop::Other(cut)),
            };
            match attached {
                Ok(()) => return Ok(()),
                Err(Error::Unsupported { .. }) => return Err(Stop::Other(cut)),
                Err(error) if Instant::now() + pause > give_up => {
                    tracing::info!(origin, %error, "the connection does not come back");
                    return Err(Stop::Other(cut));
                }
                Err(error) => tracing::debug!(origin, %error, "not yet"),
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn try_to_attach(&mut self) -> Result<()> {
        self.run.connection.reconnect().await?;
        let here = fs::metadata(&self.output).map_err(Error::io("cannot read", &self.output))?;
        let output = File::options().append(true).open(&self.output);
        let output = output.map_err(Error::io("cannot write", &self.output))?;
        let command = self.run.guest.attach(self.run.number, self.taken, here.len());
        self.child = self.run.connection.spawn(command.stdin(Stdio::Null).stderr(output)).await?;
        self.control = self.child.stdout.take();
        Ok(())
    }

    /// What the end of the attachment means.
    fn conclude(&self, status: Status) -> Result<i32, Stop> {
        let origin = self.run.connection.name();
        let infra = |what: &str| Err(Stop::Other(Error::infra(origin, what)));
        match status {
            Status::Code(0) => {}
            Status::Code(3) => return infra("the supervisor of the test was killed"),
            Status::Code(4) => return infra("the test could not be started (see its output)"),
            Status::Code(5) => {
                return infra("the output of the test could not be stored (is a disk full?)");
            }
            Status::Code(6) => return infra("the system rebooted while the test ran"),
            other => {
                let source = format!("the attachment to the test {other}").into();
                return Err(Stop::Other(Error::Lost { origin: origin.to_owned(), source }));
            }
        }
        self.parser.finish().map_err(|error| Stop::Test(error.to_string()))?;
        self.exit_code.ok_or_else(|| Stop::Test("the test ended without an exit code".into()))
    }

    fn late(&self) -> Stop {
        Stop::Late(format!("time limit of {} reached", millis::Shown(self.deadline.limit())))
    }

    /// Ends the test on the remote, and waits until it is gone. What it said before is taken, if it is to be.
    async fn stop(&mut self, take: bool) -> Result<(), Stop> {
        let gone = async {
            self.tell("stop").await?;
            let mut chunk = vec![0; CHUNK];
            // Whatever is wrong with the rest, the test is being stopped already.
            while take && let Ok(count @ 1..) = read(&mut self.control, &mut chunk).await {
                if self.take(&chunk[..count]).await.is_err() {
                    break;
                }
            }
            // A reader that is gone does not hold the attachment up.
            self.control = None;
            self.child.wait().await
        };
        match timeout(STOP_GRACE, gone).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Stop::Other(error)),
            Err(_) => {
                let origin = self.run.connection.name();
                Err(Stop::Other(Error::infra(origin, "the test could not be stopped")))
            }
        }
    }

    async fn tell(&self, words: &str) -> Result<()> {
        let command = self.run.guest.tell(self.run.number, words);
        self.run.connection.spawn(command).await?.wait().await.map(drop)
    }
}

/// Whether the connection is gone, while the test may be fine.
fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Lost { .. } | Error::NotConnected { .. })
}

fn lost(run: &Run<'_>, source: io::Error) -> Error {
    Error::Lost { origin: run.connection.name().to_owned(), source: source.into() }
}

async fn read(control: &mut Option<BoxRead>, chunk: &mut [u8]) -> io::Result<usize> {
    match control {
        Some(stream) => stream.read(chunk).await,
        None => pending().await,
    }
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
