//! [`Running`]: follows a test: does what its [`Attempt`] says, and tells it what happens.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{Artifacts, CancellationToken, Error, Result, Status};
use tokio::time::{Instant, sleep_until};

use crate::attachment::{Attachment, Came};
use crate::attempt::{Action, Attempt, End, Ended, Event};
use crate::checkpoint::{Checkpoint, Identity};
use crate::guard::StopGuard;
use crate::intake::{Intake, Taken};
use crate::result::{ResultSink, SinkError};
use crate::run::{Run, Stop};
use crate::shortcut::Shortcut;

mod act;
mod meetings;
mod pass;

use meetings::Meetings;

/// How much of the control stream is read at once.
const CHUNK: usize = 256 << 10;
/// How often is looked how much output came, while there is much, and while there is none.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// How often a connection may lose something without saying so, for a test.
const MISSED_MAX: u32 = 10;

/// A test while it runs.
pub(crate) struct Running<'a> {
    run: &'a Run<'a>,
    attempt: Attempt,
    attachment: Option<Attachment>,
    intake: Intake<'a>,
    /// A long file that does not come through the attachment.
    shortcut: Option<Shortcut>,
    chunk: Vec<u8>,
    /// When this controller began to follow it, and how long it had run then.
    began: (Instant, Duration),
    /// When to look for output, after which pause, and how much there was.
    look: (Instant, Duration, u64),
    /// Whether the test was told to stop.
    told: bool,
    /// How often the connection lost something and did not say so.
    missed: u32,
    /// What broke first.
    trouble: Option<Error>,
    meetings: Meetings,
    /// Ends the test when the future of the run is dropped.
    guard: StopGuard,
    cancel: &'a CancellationToken,
}

impl<'a> Running<'a> {
    /// Follows a test to its end, from its start or from where another controller left it; the exit code.
    pub(crate) async fn follow(
        run: &'a Run<'a>,
        artifacts: &Artifacts,
        sink: &'a mut ResultSink,
        from: Option<&Checkpoint>,
        cancel: &'a CancellationToken,
    ) -> Result<i32, Stop> {
        let identity = Identity {
            test: run.name.to_string(),
            work: run.guest.clone(),
            run: run.number,
            variables: run.variables.to_vec(),
        };
        let before = from.map_or(Duration::ZERO, Checkpoint::elapsed);
        let (attempt, action) = match from {
            None => Attempt::start(run.test.time_limit(), run.limits),
            Some(from) => Attempt::resume(from.progress.clone(), before, run.limits),
        };
        let intake = match from {
            None => Intake::new(sink, artifacts, identity),
            Some(from) => Intake::resume(sink, artifacts, identity, from),
        };
        let stop = Some(run.guest.tell(run.number, "stop"));
        let began = Instant::now();
        let mut running = Self {
            run,
            attempt,
            attachment: None,
            intake,
            shortcut: from
                .and_then(|from| from.shortcut)
                .map(|from| Shortcut::taken(run.guest.run_folder(run.number), from)),
            chunk: vec![0; CHUNK],
            began: (began, before),
            look: (began + LOOK.1, LOOK.1, 0),
            told: false,
            missed: 0,
            trouble: None,
            meetings: Meetings::default(),
            guard: StopGuard { connection: Arc::clone(run.connection), stop },
            cancel,
        };
        // What was taken back is behind us: from here on, there is a log of our own to go back to.
        if from.is_some() {
            running.meet();
        }
        let action = match from
            .map(|_| running.intake.checkpoint(before, &running.attempt.progress, true))
        {
            Some(Err(error)) => running.broke(error).unwrap_or(action),
            _ => action,
        };
        let end = running.go(action).await;
        running.end(end).await
    }

    /// How long the test has run, over all controllers.
    fn now(&self) -> Duration {
        self.began.1.saturating_add(self.began.0.elapsed())
    }

    fn on(&mut self, event: Event) -> Option<Action> {
        self.attempt.on(self.now(), event)
    }

    async fn go(&mut self, first: Action) -> End {
        let mut action = Some(first);
        loop {
            action = match action {
                Some(Action::Conclude(end)) => return end,
                Some(action) => self.act(action).await,
                None => self.listen().await,
            };
        }
    }

    /// Waits until something happens.
    async fn listen(&mut self) -> Option<Action> {
        let up = self.instant(self.attempt.wake());
        let look = self.look.0;
        let is_attached = self.attempt.is_attached();
        let came = async {
            match &mut self.attachment {
                Some(attachment) if is_attached => attachment.next(&mut self.chunk).await,
                _ => std::future::pending().await,
            }
        };
        let offered = async {
            match &mut self.shortcut {
                Some(shortcut) if shortcut.is_asked() => shortcut.offered().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            came = came => self.came(came).await,
            (name, answer) = self.meetings.next() => self.told(name, answer).await,
            () = self.cancel.cancelled(), if !self.attempt.is_ending() => self.on(Event::Cancelled),
            () = sleep_until(up) => self.on(Event::Time),
            () = sleep_until(look), if is_attached => self.look().await,
            () = offered, if is_attached => self.take_shortcut(),
        }
    }

    /// A moment of the run. One that no clock can hold never comes.
    fn instant(&self, at: Option<Duration>) -> Instant {
        let left = at.unwrap_or(Duration::MAX).saturating_sub(self.now());
        let far = Duration::from_secs(30 * 366 * 86_400);
        Instant::now() + left.min(far)
    }

    async fn came(&mut self, came: Result<Came>) -> Option<Action> {
        let (begun, range) = match came {
            Ok(Came::Begun(range)) => (true, range),
            Ok(Came::Bytes(range)) => (false, range),
            Ok(Came::Goes) => {
                // It would only take up a session of the connection, of which there may be few.
                self.leave().await;
                return self.on(Event::Goes);
            }
            Ok(Came::End(status)) => return self.ended(status),
            Err(error) => return self.broke(error),
        };
        if begun {
            if let Err(error) = self.say_what_is_here().await {
                return self.broke(error);
            }
            self.trouble = None;
            let action = self.on(Event::Attached);
            if action.is_some() {
                // Its time is up, or its channel is closed: what came with it changes nothing.
                if !range.is_empty() {
                    self.take(range).await;
                }
                return action;
            }
            // What it waits for may have come while it could not be told.
            if let Some(action) = self.tell_answers().await {
                if !range.is_empty() {
                    self.take(range).await;
                }
                return Some(action);
            }
        }
        if range.is_empty() { None } else { self.take(range).await }
    }

    /// Tells an attachment that has begun what is here already, if it asks.
    async fn say_what_is_here(&mut self) -> Result<()> {
        let Some(attachment) = &mut self.attachment else { return Ok(()) };
        if !attachment.asks() {
            self.intake.trust_output();
            return Ok(());
        }
        self.intake.drop_complaints()?;
        let (control, output) = self.intake.here();
        attachment.acknowledge(control, output).await
    }

    /// Takes what came of the control stream.
    async fn take(&mut self, range: std::ops::Range<usize>) -> Option<Action> {
        if let Some(action) = self.end_shortcut() {
            return Some(action);
        }
        if !self.attempt.listens() && !self.attempt.progress.announced {
            self.leave_shortcut();
            self.intake.skip(&self.chunk[range]);
            return self.on(Event::Heard);
        }
        let now = self.now();
        let Self { attempt, intake, chunk, .. } = self;
        let mut wanted = None;
        let taken = intake.take(&chunk[range], |word| {
            wanted = wanted.take().or(attempt.on(now, Event::Word(word)));
        });
        match taken {
            Ok(Taken::All) => {}
            Ok(Taken::Closed) => return self.close(),
            Err(SinkError::Control(error)) => return self.on(Event::Malformed(error.to_string())),
            Err(SinkError::Local(error)) => return self.broke(error),
        }
        if let Some(why) = self.meet() {
            wanted = wanted.or(self.on(Event::Malformed(why)));
        }
        if let Err(error) = self.intake.checkpoint(now, &self.attempt.progress, false) {
            return self.broke(error);
        }
        if wanted.is_some() {
            return wanted;
        }
        self.ask_shortcut();
        if let Some(action) = self.take_shortcut() {
            return Some(action);
        }
        match self.acknowledge().await {
            Some(action) => Some(action),
            None => self.on(Event::Heard),
        }
    }

    /// The test announced a reboot. That is known before it can come.
    fn close(&mut self) -> Option<Action> {
        let action = self.on(Event::Word(crate::control::Word::Disconnect));
        match self.intake.checkpoint(self.now(), &self.attempt.progress, true) {
            Ok(()) => action,
            Err(error) => self.broke(error),
        }
    }

    /// Looks what came of the output, which goes past us.
    async fn look(&mut self) -> Option<Action> {
        let length = self.intake.output_length() + self.passed();
        let (_, pause, before) = self.look;
        let pause = if length > before { LOOK.0 } else { (pause * 2).min(LOOK.1) };
        self.look = (Instant::now() + pause, pause, length);
        if let Err(error) = self.intake.checkpoint(self.now(), &self.attempt.progress, false) {
            return self.broke(error);
        }
        match self.acknowledge().await {
            None if length > before => self.on(Event::Heard),
            action => action,
        }
    }

    /// Tells the remote what it need not keep any more.
    async fn acknowledge(&mut self) -> Option<Action> {
        let (control, output) = self.intake.acknowledgement()?;
        let attachment = self.attachment.as_mut()?;
        match attachment.acknowledge(control, output).await {
            Ok(()) => None,
            Err(error) => self.broke(error),
        }
    }

    /// What the end of the attachment means.
    fn ended(&mut self, status: Status) -> Option<Action> {
        if let Some(action) = self.end_shortcut() {
            return Some(action);
        }
        self.let_go();
        let ended = match status {
            Status::Code(0) => match self.intake.conclude() {
                Ok(Some(conclusion)) => Ended::Over(conclusion.code),
                Ok(None) if self.missed < MISSED_MAX => {
                    // The remote still has it.
                    self.missed += 1;
                    if self.missed > 1
                        && let Err(error) = self.intake.take_output_back()
                    {
                        return self.broke(error);
                    }
                    return self.cut("a part of what the test said got lost");
                }
                Ok(None) => {
                    Ended::Trouble("a part of what the test said got lost, again and again")
                }
                Err(error) => return self.broke(error),
            },
            Status::Code(3) => Ended::Killed,
            Status::Code(4) => Ended::Trouble("the test could not be started (see its output)"),
            Status::Code(5) => {
                Ended::Trouble("the output of the test could not be stored (is a disk full?)")
            }
            Status::Code(6) => Ended::Rebooted,
            Status::Code(7) => Ended::Late,
            Status::Code(8) => {
                Ended::Trouble("what the test said could not be kept there (is its disk full?)")
            }
            Status::Code(9) => Ended::Missing,
            Status::Code(127) => Ended::Trouble("the work folder is gone"),
            other => return self.cut(&format!("the attachment to the test {other}")),
        };
        if matches!(ended, Ended::Over(_))
            && let Err(error) = self.intake.finish()
        {
            return self.on(Event::Ended(Ended::Torn(error.to_string())));
        }
        self.on(Event::Ended(ended))
    }

    /// The connection broke, or behaves as if it had.
    fn cut(&mut self, how: &str) -> Option<Action> {
        let origin = self.run.connection.name().to_owned();
        self.broke(Error::Lost { origin, source: how.into() })
    }

    /// Something went wrong, here or on the way.
    fn broke(&mut self, error: Error) -> Option<Action> {
        let is_cut = matches!(error, Error::Lost { .. } | Error::NotConnected { .. });
        tracing::debug!(origin = self.run.connection.name(), %error, "a test is cut off");
        if self.trouble.is_none() || !is_cut {
            self.trouble = Some(error);
        }
        self.on(if is_cut { Event::Cut } else { Event::Broken })
    }

    /// Leaves the test, which is over or given up.
    async fn end(mut self, end: End) -> Result<i32, Stop> {
        self.leave().await;
        // One that could not be told to stop is told once it can be reached again, if that is soon.
        if self.told || !matches!(end, End::Cancelled | End::Broken) {
            self.guard.stop = None;
        }
        let origin = self.run.connection.name();
        let trouble = self.trouble.take();
        let lost = || Error::NotConnected { origin: origin.to_owned() };
        Err(match end {
            End::Exited(code) => return Ok(code),
            End::Test(note) => Stop::Test(note),
            End::Late(note) => Stop::Late(note),
            End::Cancelled => Stop::Other(Error::Cancelled),
            End::Lost | End::Broken => Stop::Other(trouble.unwrap_or_else(lost)),
            End::Infra(what) => Stop::Other(Error::infra(origin, what)),
        })
    }
}
