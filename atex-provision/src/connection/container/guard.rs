//! [`Guard`]: a shell in the container that stays, tells how programs ended, kills them, and all of them when we are gone.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use super::script::GONE;

/// The end of what the tool says is kept, this much.
const STDERR_MAX: u64 = 4096;
/// How long it may take to kill what still runs, when it is told to stop.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// A guard that runs, until it is told to stop or nobody has a handle any more.
#[derive(Debug)]
pub(crate) struct Guard {
    dir: String,
    // Not bounded, and does not grow: every program asks twice at most.
    requests: mpsc::UnboundedSender<Request>,
    ended: watch::Receiver<Option<String>>,
    tasks: TaskTracker,
}

#[derive(Debug)]
enum Request {
    Kill(String),
    End(String, oneshot::Sender<String>),
    Ping(oneshot::Sender<String>),
    Stop,
}

/// The process of the tool, with its streams.
struct Running {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    waiting: VecDeque<oneshot::Sender<String>>,
}

impl Guard {
    /// What to look at where nothing more is known: how some errors of [`start`](Self::start) end.
    pub(crate) const HINT: &str = " (does it run, and has it a shell and mktemp?)";

    /// Starts it by a command that runs it, of this tool; else says why it cannot be.
    pub(crate) async fn start(
        mut command: Command,
        tool: &str,
        limit: Duration,
    ) -> Result<Self, String> {
        let cannot = |error| format!("cannot run {tool}: {error} (is it installed?)");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(cannot)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(format!("{tool} has no pipes"));
        };
        let mut lines = BufReader::new(output).lines();
        let Ok(first) = tokio::time::timeout(limit, lines.next_line()).await else {
            return Err(format!("no answer within {}", atex_core::millis::Shown(limit)));
        };
        let Some(dir) = first.ok().flatten() else {
            let said = last_words(&mut child).await;
            let said = if said.is_empty() { "it ended without a word" } else { &said };
            return Err(format!("{tool}: {said}{}", Self::HINT));
        };
        let (requests, asked) = mpsc::unbounded_channel();
        let (tell, ended) = watch::channel(None);
        let tasks = TaskTracker::new();
        let running = Running { child, input, lines, waiting: VecDeque::new() };
        tasks.spawn(running.serve(asked, tell));
        Ok(Self { dir, requests, ended, tasks })
    }

    /// Its folder in the container.
    pub(super) fn dir(&self) -> &str {
        &self.dir
    }

    /// The tasks that belong to it: they end some time after it did.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Kills a program, unless it has ended.
    pub(super) fn kill(&self, token: &str) {
        self.requests.send(Request::Kill(token.to_owned())).ok();
    }

    /// Ends it, with all programs, in the background.
    pub(super) fn stop(&self) {
        self.requests.send(Request::Stop).ok();
        self.tasks.close();
    }

    /// How a program ended, of which nothing is kept then; `None` when there is no guard any more.
    pub(super) async fn end(&self, token: &str) -> Option<String> {
        self.ask(|reply| Request::End(token.to_owned(), reply)).await
    }

    /// Whether it answers.
    pub(super) async fn answers(&self) -> bool {
        self.ask(Request::Ping).await.is_some()
    }

    async fn ask(
        &self,
        request: impl FnOnce(oneshot::Sender<String>) -> Request,
    ) -> Option<String> {
        let (reply, replied) = oneshot::channel();
        self.requests.send(request(reply)).ok()?;
        replied.await.ok()
    }

    /// Why it ended, once it has.
    pub(super) async fn ended(&self) -> String {
        let mut ended = self.ended.clone();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or_else(|| "the runtime was shut down".to_owned())
    }

    /// Why it ended, if it did.
    pub(super) fn has_ended(&self) -> Option<String> {
        self.ended.borrow().clone()
    }
}

impl Running {
    /// Passes requests on until nobody is left who could make one, or the tool ends.
    async fn serve(
        mut self,
        mut asked: mpsc::UnboundedReceiver<Request>,
        tell: watch::Sender<Option<String>>,
    ) {
        loop {
            tokio::select! {
                request = asked.recv() => match request {
                    Some(Request::Stop) | None => {
                        self.let_go().await;
                        tell.send_replace(Some("it was closed".to_owned()));
                        return;
                    }
                    Some(request) => if self.pass_on(request).await.is_err() { break },
                },
                line = self.lines.next_line() => match line {
                    Ok(Some(line)) => {
                        // Whoever asked may have given up.
                        self.waiting.pop_front().map(|reply| reply.send(line));
                    }
                    Ok(None) | Err(_) => break,
                },
            }
        }
        let said = last_words(&mut self.child).await;
        let why = if said.is_empty() { "the container was stopped".to_owned() } else { said };
        tell.send_replace(Some(why));
        // Those who wait are told by being dropped, after this.
    }

    async fn pass_on(&mut self, request: Request) -> std::io::Result<()> {
        let line = match request {
            Request::Kill(token) => format!("kill {token}\n"),
            Request::End(token, reply) => {
                self.waiting.push_back(reply);
                format!("end {token}\n")
            }
            Request::Ping(reply) => {
                self.waiting.push_back(reply);
                "ping\n".to_owned()
            }
            Request::Stop => return Ok(()),
        };
        self.input.write_all(line.as_bytes()).await
    }

    /// Ends its input, upon which it kills what still runs, and says so. The tool may have more to do: it was what started the
    /// container, and would stay as long as that.
    async fn let_go(self) {
        let Self { mut child, input, mut lines, .. } = self;
        drop(input);
        let gone = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if line == GONE {
                    break;
                }
            }
        };
        tokio::time::timeout(STOP_LIMIT, gone).await.ok();
        child.start_kill().ok();
        child.wait().await.ok();
    }
}

/// Ends a tool that has closed its output, and gives what it said.
async fn last_words(child: &mut Child) -> String {
    let mut said = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        let read = async { stderr.take(STDERR_MAX).read_to_end(&mut said).await };
        tokio::time::timeout(Duration::from_secs(2), read).await.ok();
    }
    child.start_kill().ok();
    child.wait().await.ok();
    let text = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(2)..].join("; ")
}
