//! A program on a remote: how it is waited for, and how it is killed.

use std::io::{self, PipeWriter};
use std::sync::Arc;

use atex_core::{Error, Fault, Process, Result, Retry, Status, async_trait};
use tokio::sync::watch;

use super::ending::{Ending, Exit};
use super::link::Link;
use super::output::Output;

/// What kills a program that was asked for, when it is dropped.
#[derive(Debug)]
pub(super) enum Hold {
    /// The writing end of its lifeline.
    Lifeline(#[expect(dead_code, reason = "it matters when it is dropped")] Option<PipeWriter>),
    /// Its token. It reads our input, so there is no lifeline.
    Token(Marked),
}

/// A program that is found by its token. Kills it when dropped, unless it has ended.
#[derive(Debug)]
pub(super) struct Marked {
    link: Arc<Link>,
    token: String,
}

impl Marked {
    pub(super) fn new(link: &Arc<Link>) -> Self {
        Self { link: Arc::clone(link), token: link.new_token() }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Marked {
    fn drop(&mut self) {
        // Not there: it has ended, or all are being killed.
        if self.link.forget(&self.token) {
            self.link.start_kill(self.token.clone());
        }
    }
}

/// A program that was asked for, with what leads to the end of it.
pub(super) struct Program {
    pub(super) name: String,
    pub(super) ending: Ending,
    /// The ending was looked at before the program could start.
    pub(super) watched: bool,
    pub(super) outputs: [Option<Output>; 2],
}

impl Program {
    /// Waits for the end, with all of the output where it belongs. An output that could not be written is told as well.
    async fn end(mut self) -> (Exit, io::Result<()>) {
        let mut written = Ok(());
        if self.watched {
            self.ending.called().await;
        }
        loop {
            let [stdout, stderr] = &mut self.outputs;
            let (stdout, stderr) = tokio::join!(settle(stdout), settle(stderr));
            written = written.and(stdout).and(stderr);
            if self.ending.look() {
                return (self.ending.into_exit(), written);
            }
            self.ending.called().await;
        }
    }
}

async fn settle(output: &mut Option<Output>) -> io::Result<()> {
    match output {
        Some(output) => output.settle().await,
        None => Ok(()),
    }
}

#[derive(Debug, Clone)]
enum Ended {
    Status(Status),
    Lost(String),
    /// Its output could not be written.
    Unwritten(String),
}

#[derive(Debug)]
pub(super) struct SshProcess {
    origin: String,
    hold: Option<Hold>,
    ended: watch::Receiver<Option<Ended>>,
    task: tokio::task::JoinHandle<()>,
}

impl SshProcess {
    /// Follows a program to its end.
    pub(super) fn follow(program: Program, hold: Hold, link: &Arc<Link>) -> Self {
        let (tell, ended) = watch::channel(None);
        let token = match &hold {
            Hold::Lifeline(_) => None,
            Hold::Token(marked) => Some(marked.token.clone()),
        };
        let origin = link.origin.clone();
        let task = tokio::spawn(follow(program, Arc::clone(link), token, tell));
        Self { origin, hold: Some(hold), ended, task }
    }
}

async fn follow(
    program: Program,
    link: Arc<Link>,
    token: Option<String>,
    tell: watch::Sender<Option<Ended>>,
) {
    let name = program.name.clone();
    let (exit, written) = program.end().await;
    // A connection that breaks ends the streams as well, perhaps with the exit code here and the last of the output not. Then
    // the master answers no more: it does until it has passed on what it got.
    let ended = match (exit, link.check().await) {
        (Exit::Code(code), Ok(())) => Ended::Status(Status::Code(code)),
        (Exit::Unknown(_), Ok(())) => Ended::Status(Status::Killed),
        (exit, Err(_)) => Ended::Lost(match link.master.has_ended() {
            Some(ended) if !ended.said.is_empty() => ended.said,
            Some(_) | None => match exit {
                Exit::Unknown(why) => why,
                Exit::Code(_) => "the connection broke while the program ended".to_owned(),
            },
        }),
    };
    if let Some(token) = token {
        link.forget(&token);
    }
    let ended = match (ended, written) {
        (Ended::Status(_), Err(error)) => {
            Ended::Unwritten(format!("cannot write the output of `{name}`: {error}"))
        }
        (ended, _) => ended,
    };
    tell.send_replace(Some(ended));
}

#[async_trait]
impl Process for SshProcess {
    async fn wait(&mut self) -> Result<Status> {
        let ended = match self.ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone(),
            Err(_) => None,
        };
        self.hold = None;
        match ended {
            Some(Ended::Status(status)) => Ok(status),
            Some(Ended::Lost(why)) => {
                Err(Error::Lost { origin: self.origin.clone(), source: why.into() })
            }
            Some(Ended::Unwritten(what)) => Err(Error::Other {
                origin: self.origin.clone(),
                what,
                fault: Fault::Infra,
                retry: Retry::Never,
                source: None,
            }),
            None => Err(Error::NotConnected { origin: self.origin.clone() }),
        }
    }

    fn start_kill(&mut self) -> Result<()> {
        self.hold = None;
        Ok(())
    }
}

impl Drop for SshProcess {
    fn drop(&mut self) {
        self.task.abort();
    }
}
