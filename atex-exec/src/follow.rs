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
use crate::guest::{ATTACHED, RunScript};
use crate::result::ResultSink;
use crate::run::{Run, Stop};

/// How long a test that was told to stop may take to be gone. The remote itself kills it after a few seconds.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// How much longer than its limit a test may run on a remote whose controller is gone.
const UNATTENDED_GRACE: Duration = Duration::from_secs(30);
/// How much of the control stream is read at once.
const CHUNK: usize = 64 << 10;
/// How long one attempt to connect and attach may take.
const ATTACH_LIMIT: Duration = Duration::from_secs(60);
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
    /// Whether the attachment has begun; until then, what comes is the noise of a login shell.
    attached: bool,
    /// Whether nothing of the test runs any more, as far as its remote says.
    over: bool,
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
        let command = run.guest.run(run.number, unattended, run.debug).stderr(output);
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
            attached: false,
            over: false,
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
        if let Err(stop) = &ended
            && !self.over
        {
            let cut = matches!(stop, Stop::Other(error) if is_cut(error));
            // Nobody is there to be told, unless only the attachment died.
            if !cut || self.run.connection.check().await.is_ok() {
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
            let (up, runs) = (self.up(), self.exit_code.is_none());
            let count = tokio::select! {
                count = read(&mut self.control, &mut chunk) => {
                    count.map_err(|source| Stop::Other(lost(self.run, source)))?
                }
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
                // Once the test is over, what it left may take its time to get here.
                () = sleep_until(up), if runs => return Err(self.late()),
            };
            if count == 0 {
                break;
            }
            let start = self.skip_noise(&chunk[..count]);
            self.taken += (count - start) as u64;
            self.take(&chunk[start..count]).await?;
        }
        self.control = None;
        let status = self.child.wait().await.map_err(Stop::Other)?;
        self.conclude(status)
    }

    /// Where the control stream begins in a chunk: after the line that says that the attachment has begun, which the guest
    /// writes at once and alone.
    fn skip_noise(&mut self, chunk: &[u8]) -> usize {
        if self.attached {
            return 0;
        }
        let found = chunk.windows(ATTACHED.len()).position(|window| window == ATTACHED);
        self.attached = found.is_some();
        found.map_or(chunk.len(), |at| at + ATTACHED.len())
    }

    /// When the time is up. A limit that no clock can hold never is.
    fn up(&self) -> Instant {
        let far = Duration::from_secs(30 * 366 * 86_400);
        self.began.checked_add(self.deadline.end()).unwrap_or(self.began + far)
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
            self.tell(&format!("limit {}", left.as_secs().min(u64::from(u32::MAX)))).await?;
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
        let (began, mut pause) = (Instant::now(), PAUSES.0);
        let is_late = |wait: Duration| began.elapsed() + wait > self.run.reconnect_limit;
        // Perhaps only the attachment died, by the test's doing or for lack of memory.
        let mut connected = self.run.connection.check().await.is_ok();
        loop {
            if is_late(Duration::ZERO) && !connected {
                return Err(Stop::Other(cut));
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
            }
            pause = (pause * 2).min(PAUSES.1);
            let attached = tokio::select! {
                attached = timeout(ATTACH_LIMIT, self.try_to_attach(connected)) => attached,
                () = cancel.cancelled() => return Err(Stop::Other(Error::Cancelled)),
            };
            match attached {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(Error::Unsupported { .. })) => return Err(Stop::Other(cut)),
                Ok(Err(error)) => tracing::debug!(origin, %error, "not yet"),
                Err(_) => tracing::debug!(origin, "no answer"),
            }
            connected = false;
        }
    }

    /// Opens the connection anew, unless it is there, and attaches.
    async fn try_to_attach(&mut self, connected: bool) -> Result<()> {
        if !connected {
            self.run.connection.reconnect().await?;
        }
        let here = fs::metadata(&self.output).map_err(Error::io("cannot read", &self.output))?;
        let output = File::options().append(true).open(&self.output);
        let output = output.map_err(Error::io("cannot write", &self.output))?;
        let command = self.run.guest.attach(self.run.number, self.taken, here.len());
        self.child = self.run.connection.spawn(command.stdin(Stdio::Null).stderr(output)).await?;
        self.control = self.child.stdout.take();
        self.attached = false;
        Ok(())
    }

    /// What the end of the attachment means.
    fn conclude(&mut self, status: Status) -> Result<i32, Stop> {
        let origin = self.run.connection.name();
        let infra = |what: &str| Err(Stop::Other(Error::infra(origin, what)));
        self.over = matches!(status, Status::Code(0 | 4 | 6 | 7 | 8));
        match status {
            Status::Code(0) => {}
            Status::Code(3) => return infra("the supervisor of the test was killed"),
            Status::Code(4) => return infra("the test could not be started (see its output)"),
            Status::Code(5) => {
                return infra("the output of the test could not be stored (is a disk full?)");
            }
            Status::Code(6) => return infra("the system rebooted while the test ran"),
            Status::Code(7) => return Err(self.late()),
            Status::Code(8) => {
                return infra("what the test said could not be kept there (is its disk full?)");
            }
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

    /// Ends the test on the remote, and waits until it is gone: until its streams end, however long they are, as long as
    /// something comes. What it said before is taken, if it is to be.
    async fn stop(&mut self, take: bool) -> Result<(), Stop> {
        let origin = self.run.connection.name();
        let stuck = || Stop::Other(Error::infra(origin, "the test could not be stopped"));
        let told = timeout(STOP_GRACE, self.tell("stop")).await.map_err(|_| stuck())?;
        told.map_err(Stop::Other)?;
        let (mut take, mut chunk) = (take, vec![0; CHUNK]);
        while self.control.is_some() {
            let read = timeout(STOP_GRACE, read(&mut self.control, &mut chunk));
            let Ok(count @ 1..) = read.await.map_err(|_| stuck())? else { break };
            let start = self.skip_noise(&chunk[..count]);
            // Whatever is wrong with the rest, the test is being stopped already.
            take = take && self.take(&chunk[start..count]).await.is_ok();
        }
        self.control = None;
        match timeout(STOP_GRACE, self.child.wait()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Stop::Other(error)),
            Err(_) => Err(stuck()),
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
