//! What is done when an [`Attempt`](crate::attempt::Attempt) says so: starting, attaching, connecting, telling.

use std::future::Future;
use std::time::Duration;

use atex_core::{Connection, Error, Result, Status};

use super::Running;
use crate::attachment::Attachment;
use crate::attempt::{Action, Event};
use crate::guest::{RunScript, Start};
use crate::limits::within;

impl Running<'_> {
    pub(super) async fn act(&mut self, action: Action) -> Option<Action> {
        match action {
            Action::Start { restart } => {
                let done = self.start(restart).await;
                self.done(done)
            }
            Action::Attach { restart } => {
                let done = self.attach(restart).await;
                self.done(done)
            }
            Action::Connect { anew } => {
                self.leave().await;
                if let Some(servers) = self.run.servers {
                    servers.end().await;
                }
                let limit = self.attempt.wake().unwrap_or_default().saturating_sub(self.now());
                let connection = self.run.connection;
                let event = tokio::select! {
                    event = connect(&**connection, anew, limit) => event,
                    () = self.cancel.cancelled() => Event::Cancelled,
                };
                self.on(event)
            }
            Action::Close => self.tell("close").await,
            Action::Limit(left) => {
                self.tell(&format!("limit {}", left.as_secs().min(u64::from(u32::MAX)))).await
            }
            Action::Stop => {
                self.told = true;
                self.tell("stop").await
            }
            Action::Conclude(_) => None,
        }
    }

    pub(super) fn done(&mut self, done: Result<()>) -> Option<Action> {
        done.err().and_then(|error| self.broke(error))
    }

    /// Starts the test, and attaches to it.
    async fn start(&mut self, restart: u32) -> Result<()> {
        self.leave().await;
        self.intake.restart();
        // Known before it is done: else nobody would find the test.
        self.intake.checkpoint(self.now(), &self.attempt.progress, true)?;
        let run = self.run;
        let mut environment = run.environment.clone();
        for name in ["TMT_REBOOT_COUNT", "TMT_TEST_RESTART_COUNT"] {
            environment.insert(name.into(), restart.to_string());
        }
        let script = RunScript { guest: run.guest, test: run.test, environment: &environment };
        let left = self.attempt.progress.told.saturating_sub(self.now());
        let start = Start { run: run.number, restart, limit: left, debug: run.debug };
        let (output, script) = (self.intake.output()?, script.text());
        let (connection, guest) = (&**run.connection, run.guest);
        let starting = async {
            let Some(servers) = run.servers else {
                return Attachment::start(connection, guest, &start, &script, output).await;
            };
            let server = servers.get(connection, guest).await?;
            Attachment::serve(server, &start, &script, output).await
        };
        self.attachment = Some(self.promptly("starting", run.limits.attach, starting).await?);
        Ok(())
    }

    async fn attach(&mut self, restart: u32) -> Result<()> {
        self.leave().await;
        let run = self.run;
        let (command, output) = (run.guest.attach(run.number, restart), self.intake.output()?);
        let attaching = Attachment::again(&**run.connection, command, output);
        self.attachment = Some(self.promptly("attaching to", run.limits.attach, attaching).await?);
        Ok(())
    }

    /// Does something that takes a moment; if it takes longer, the connection counts as cut. Whoever wants the run to end waits for it
    /// no longer than for a test that is to stop.
    pub(super) async fn promptly<T>(
        &self,
        what: &str,
        limit: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (name, origin) = (self.run.name, self.run.connection.name());
        let lost = |source: Error| Error::Lost { origin: origin.to_owned(), source: source.into() };
        let cancelled = async {
            self.cancel.cancelled().await;
            tokio::time::sleep(self.run.limits.stop).await;
        };
        tokio::select! {
            done = within(limit, || format!("{what} {name} on {origin}"), work) => match done {
                Err(error @ Error::Timeout { .. }) => Err(lost(error)),
                done => done,
            },
            () = cancelled => Err(lost(Error::Cancelled)),
        }
    }

    /// Lets go of the attachment, which has come to its end. A server is of use for another test.
    pub(super) fn let_go(&mut self) {
        let server = self.attachment.take().and_then(Attachment::into_server);
        if let (Some(servers), Some(server)) = (self.run.servers, server) {
            servers.keep(server);
        }
    }

    /// Lets go of the attachment, if there is one: it must not write to the output any more.
    pub(super) async fn leave(&mut self) {
        if let Some(attachment) = self.attachment.take() {
            // A connection that does not answer is about to be opened anew.
            tokio::time::timeout(self.run.limits.stop, attachment.end()).await.ok();
        }
    }

    /// Tells the remote something.
    async fn tell(&mut self, words: &str) -> Option<Action> {
        let command = self.run.guest.tell(self.run.number, words);
        let connection = self.run.connection;
        let telling = async { connection.spawn(command).await?.wait().await };
        match self.promptly("telling about", self.run.limits.stop, telling).await {
            Ok(Status::Code(10)) => self.on(Event::Over),
            Ok(_) => None,
            Err(error) => self.broke(error),
        }
    }
}

/// Opens the connection, if it is not there, or anyhow.
async fn connect(connection: &dyn Connection, anew: bool, limit: Duration) -> Event {
    if !anew && connection.check().await.is_ok() {
        return Event::Connected;
    }
    let what = || format!("connecting to {}", connection.name());
    match within(limit, what, connection.reconnect()).await {
        Ok(()) => Event::Connected,
        Err(error) => {
            tracing::debug!(origin = connection.name(), %error, "not yet");
            Event::Refused { for_good: matches!(error, Error::Unsupported { .. }) }
        }
    }
}
