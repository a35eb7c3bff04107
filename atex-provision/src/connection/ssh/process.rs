//! A program on a remote: how it is waited for, and how it is killed.

use std::io::PipeWriter;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Error, Process, Result, Status, async_trait};
use tokio::sync::watch;

use super::link::{Link, Open};
use super::mux;

/// How long the end of a program is held back for output that is still on its way to a descriptor. Something else on the
/// remote may hold the stream open for as long as it likes.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// What kills a program that was asked for, when it is dropped.
#[derive(Debug)]
pub(super) enum Hold {
    /// The writing end of its lifeline.
    Lifeline(#[expect(dead_code, reason = "it matters when it is dropped")] PipeWriter),
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

#[derive(Debug, Clone)]
enum Ended {
    Status(Status),
    Lost(String),
}

#[derive(Debug)]
pub(super) struct SshProcess {
    origin: String,
    hold: Option<Hold>,
    ended: watch::Receiver<Option<Ended>>,
    task: tokio::task::JoinHandle<()>,
}

impl SshProcess {
    /// Follows a program to its end; `flush` says whether it writes to descriptors of ours.
    pub(super) fn follow(session: Open, hold: Hold, link: &Arc<Link>, flush: bool) -> Self {
        let (tell, ended) = watch::channel(None);
        let token = match &hold {
            Hold::Lifeline(_) => None,
            Hold::Token(marked) => Some(marked.token.clone()),
        };
        let origin = link.origin.clone();
        let task = tokio::spawn(follow(session, Arc::clone(link), token, (tell, flush)));
        Self { origin, hold: Some(hold), ended, task }
    }
}

async fn follow(
    mut session: Open,
    link: Arc<Link>,
    token: Option<String>,
    (tell, flush): (watch::Sender<Option<Ended>>, bool),
) {
    let ended = match session.exit().await {
        Some(code) => Ended::Status(Status::Code(code)),
        // Only one of the two leaves a master that answers.
        None => match mux::check(link.master.socket()).await {
            Ok(()) => Ended::Status(Status::Killed),
            Err(error) => Ended::Lost(match link.master.has_ended() {
                Some(ended) if !ended.said.is_empty() => ended.said,
                Some(_) | None => error.to_string(),
            }),
        },
    };
    if let Some(token) = token {
        link.forget(&token);
    }
    if flush && matches!(ended, Ended::Status(_)) {
        tokio::time::timeout(FLUSH_LIMIT, session.closed()).await.ok();
    }
    tell.send_replace(Some(ended));
    // The master closes the streams when we hang up, but what was printed may still be in its hands.
    session.closed().await;
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
        // Once it has ended, the task only waits for the rest of its output.
        if self.ended.borrow().is_none() {
            self.task.abort();
        }
    }
}
