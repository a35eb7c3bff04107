//! [`RemoteTask`]: the life of one remote, from the request to the release.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use atex_core::{
    Artifacts, Attempt, Barriers, CancellationToken, Error, Executor, Facts, Failure, Outcome,
    Provisioner, Remote, RemoteId, Request, Result, Retry, RunEvent, Session, Verdict,
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::Instant;

use super::barriers::{RemoteBarriers, Tell};
use super::deadlines::{Deadlines, bounded, stoppable};
use super::fallback;

/// What a remote's task is told to do. It does one thing at a time, and each has a token that stops it.
#[derive(Debug)]
pub(super) enum Order {
    Prepare(CancellationToken),
    /// With variables for this run alone, if it runs together with others.
    Run(Attempt, Option<Vec<(String, String)>>, CancellationToken),
    RollBack,
    Release,
}

/// What a remote's task has to say.
#[derive(Debug)]
pub(super) enum News {
    Event(RunEvent),
    /// A test ended, and this is what it left, if there was room for it.
    Ended(RunEvent, Result<Artifacts, Failure>),
    /// A test came to a barrier, and waits to be told how that goes on.
    Reached(RunEvent, Tell),
}

/// The life of one remote, from the request to the release. Ends by itself after [`Order::Release`], or when the remote could
/// not be had. Whatever its backends do (hang, panic, fail), it answers every order.
#[derive(Debug)]
pub(super) struct RemoteTask {
    pub(super) id: RemoteId,
    pub(super) platform: String,
    pub(super) provisioner: Arc<dyn Provisioner>,
    pub(super) executor: Arc<dyn Executor>,
    /// What its pool is known to be.
    pub(super) known: Facts,
    pub(super) artifacts: Arc<Path>,
    pub(super) deadlines: Arc<Deadlines>,
    pub(super) request: Request,
    // Neither channel can grow: the main loop gives an order only when the last one was answered, and an answer is one
    // event, besides the one that the remote was lost.
    pub(super) orders: UnboundedReceiver<Order>,
    pub(super) news: UnboundedSender<News>,
}

/// A remote that is there.
pub(super) struct Provisioned {
    pub(super) remote: Arc<dyn Remote>,
    pub(super) name: String,
    pub(super) session: Option<Box<dyn Session>>,
    /// What was told of its notes.
    pub(super) noted: BTreeMap<String, Value>,
    /// Why it can not be reached any more.
    pub(super) lost: Option<Failure>,
}

impl RemoteTask {
    /// Does it all. Cancelling the token withdraws the request; it means nothing once the remote is there.
    pub(super) async fn live(self, withdraw: CancellationToken) {
        if let Some(remote) = self.provision(&withdraw).await {
            self.obey(remote).await;
        }
    }

    /// Does what it is told, up to the release.
    pub(super) async fn obey(mut self, mut remote: Provisioned) {
        while let Some(order) = self.next_order(&mut remote).await {
            match order {
                Order::Prepare(cancel) => self.prepare(&mut remote, &cancel).await,
                Order::Run(attempt, together, cancel) => {
                    if let (Some(session), Some(variables)) = (&mut remote.session, together) {
                        session.set_environment(variables);
                        session.set_barriers(self.barriers(&attempt));
                    }
                    self.run(&mut remote, attempt, &cancel).await;
                }
                Order::RollBack => self.roll_back(&mut remote).await,
                Order::Release => return self.release(remote).await,
            }
        }
    }

    /// Where a test waits for those that it runs together with.
    pub(super) fn barriers(&self, attempt: &Attempt) -> Arc<dyn Barriers> {
        let (attempt, news) = (attempt.clone(), self.news.clone());
        Arc::new(RemoteBarriers { remote: self.id, attempt, news })
    }

    pub(super) fn tell(&self, event: RunEvent) {
        // Nobody listens when the run was dropped, and then this task is about to be dropped, too.
        self.news.send(News::Event(event)).ok();
    }

    /// Tells what changed in the notes of a remote.
    fn tell_notes(&self, remote: &mut Provisioned) {
        let notes = remote.remote.notes().all();
        if notes != remote.noted {
            remote.noted.clone_from(&notes);
            self.tell(RunEvent::RemoteNoted { remote: self.id, notes });
        }
    }

    async fn provision(&self, withdraw: &CancellationToken) -> Option<Provisioned> {
        let remote = self.id;
        let work = async {
            let remote = self.provisioner.provision(&self.request).await?;
            let (name, facts) = (remote.name().to_owned(), self.known.over(remote.facts()));
            Ok((remote, name, facts))
        };
        let what = format!("provisioning {remote}");
        let done = tokio::select! {
            biased;
            () = withdraw.cancelled() => None,
            done = bounded(&what, self.deadlines.provision, work) => Some(done),
        };
        match done {
            None => self.tell(RunEvent::ProvisionWithdrawn { remote }),
            Some(Err(error)) => {
                self.tell(RunEvent::ProvisionFailed { remote, failure: Failure::from(&error) });
            }
            Some(Ok((system, name, facts))) => {
                self.tell(RunEvent::RemoteProvisioned { remote, name: name.clone(), facts });
                let noted = BTreeMap::new();
                return Some(Provisioned {
                    remote: system,
                    name,
                    session: None,
                    noted,
                    lost: None,
                });
            }
        }
        None
    }

    /// Waits for the next order, and meanwhile watches a connection that should stay open.
    async fn next_order(&mut self, remote: &mut Provisioned) -> Option<Order> {
        loop {
            let system = remote.remote.clone();
            let closed = bounded(&remote.name, None, async {
                Result::<()>::Err(system.connection().closed().await)
            });
            let idle = remote.session.is_some() && remote.lost.is_none();
            let error = tokio::select! {
                biased;
                order = self.orders.recv() => return order,
                Err(error) = closed, if idle => error,
            };
            let failure = Failure::from(&error);
            remote.lost = Some(failure.clone());
            self.tell(RunEvent::RemoteLost { remote: self.id, failure });
        }
    }

    async fn prepare(&self, remote: &mut Provisioned, cancel: &CancellationToken) {
        let what = format!("preparing {}", remote.name);
        let stop = (cancel, self.deadlines.cancel);
        let work = async { self.executor.start(remote.remote.connection().clone(), cancel).await };
        let event = match stoppable(&what, self.deadlines.prepare, stop, work).await {
            Ok(session) => {
                remote.session = Some(session);
                RunEvent::RemotePrepared { remote: self.id }
            }
            Err(error) => {
                RunEvent::PrepareFailed { remote: self.id, failure: Failure::from(&error) }
            }
        };
        self.tell_notes(remote);
        self.tell(event);
    }

    /// Ends the session, of which nothing is left afterwards, and makes the remote what it was when it was handed out.
    async fn roll_back(&self, remote: &mut Provisioned) {
        drop(remote.session.take());
        remote.noted.clear();
        let what = format!("rolling {} back", remote.name);
        let system = remote.remote.clone();
        let work = async { system.roll_back().await };
        self.tell(match bounded(&what, self.deadlines.prepare, work).await {
            Ok(()) => RunEvent::RemoteRolledBack { remote: self.id },
            Err(error) => {
                let failure = Failure::from(&error);
                remote.lost = Some(failure.clone());
                RunEvent::RemoteLost { remote: self.id, failure }
            }
        });
    }

    async fn run(&self, remote: &mut Provisioned, attempt: Attempt, cancel: &CancellationToken) {
        let begin = Instant::now();
        let artifacts = Artifacts::create(
            &self.artifacts,
            &self.platform,
            attempt.test.as_str(),
            attempt.number,
        );
        let (outcome, failure, artifacts) = match artifacts {
            Ok(artifacts) => {
                let (outcome, failure) =
                    match self.run_into(remote, &attempt, (&artifacts, cancel)).await {
                        Ok(outcome) => (outcome, None),
                        Err(failure) => {
                            let failure = fallback::complete(&artifacts, failure);
                            (infra(&failure, begin), Some(failure))
                        }
                    };
                (outcome, failure, Ok(artifacts))
            }
            Err(error) => {
                let failure = Failure::from(&error);
                (infra(&failure, begin), Some(failure.clone()), Err(failure))
            }
        };
        self.tell_notes(remote);
        let event = RunEvent::TestEnded { remote: self.id, attempt, outcome, failure };
        self.news.send(News::Ended(event, artifacts)).ok();
    }

    pub(super) async fn run_into(
        &self,
        remote: &mut Provisioned,
        attempt: &Attempt,
        (artifacts, cancel): (&Artifacts, &CancellationToken),
    ) -> Result<Outcome, Failure> {
        if let Some(lost) = &remote.lost {
            return Err(lost.clone());
        }
        let Some(mut session) = remote.session.take() else {
            return Err(Failure::infra(format!("{} was never prepared", remote.name)));
        };
        let what = format!("{attempt} on {}", remote.name);
        let work = async {
            let outcome = session.run(&attempt.test, artifacts, cancel).await;
            Ok((session, outcome))
        };
        // The session goes with the work: after a panic, or when the work had to be dropped, nobody can use it any more.
        match stoppable(&what, None, (cancel, self.deadlines.cancel), work).await {
            Ok((session, Ok(outcome))) => {
                remote.session = Some(session);
                Ok(outcome)
            }
            Ok((session, Err(error))) => {
                let mut failure = Failure::from(&error);
                if is_unreachable(&error) {
                    // One that denies access in the middle of a test was told to by the test: another one may not.
                    failure.retry = Retry::NewRemote;
                    remote.lost = Some(failure.clone());
                }
                remote.session = Some(session);
                Err(failure)
            }
            Err(error) => Err(Failure::from(&error)),
        }
    }

    async fn release(&self, remote: Provisioned) {
        let Provisioned { remote: system, name, session, lost, .. } = remote;
        if let (Some(session), None) = (session, lost) {
            let what = format!("ending the session on {name}");
            if let Err(error) = bounded(&what, self.deadlines.stop, session.stop()).await {
                tracing::warn!(remote = name, error = %Failure::from(&error), "something may remain on the remote");
            }
        }
        let what = format!("releasing {name}");
        let work = async { system.release().await };
        self.tell(match bounded(&what, self.deadlines.release, work).await {
            Ok(()) => RunEvent::RemoteReleased { remote: self.id },
            Err(error) => {
                RunEvent::ReleaseFailed { remote: self.id, failure: Failure::from(&error) }
            }
        });
    }
}

pub(super) fn infra(failure: &Failure, begin: Instant) -> Outcome {
    Outcome::new(Verdict::Infra, begin.elapsed()).note(Some(failure.message.clone()))
}

/// Whether there is nobody to talk to any more.
fn is_unreachable(error: &Error) -> bool {
    matches!(
        error,
        Error::Lost { .. }
            | Error::NotConnected { .. }
            | Error::Connect { .. }
            | Error::Denied { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use atex_core::testkit::fake::{FakeExecutor, FakeProvisioner, FakeRun};
    use atex_core::{Fault, TestName};
    use std::time::Duration;
    use tokio::sync::mpsc::unbounded_channel;

    /// What a task was told and says, without a run around it.
    struct Line {
        pool: FakeProvisioner,
        orders: UnboundedSender<Order>,
        news: UnboundedReceiver<News>,
        dir: tempfile::TempDir,
    }

    impl Line {
        fn open(executor: FakeExecutor) -> Self {
            let (orders, receiver) = unbounded_channel();
            let (sender, news) = unbounded_channel();
            let pool = FakeProvisioner::new("lab");
            let dir = tempfile::tempdir().unwrap();
            let task = RemoteTask {
                id: RemoteId(1),
                platform: "p".into(),
                provisioner: Arc::new(pool.clone()),
                executor: Arc::new(executor),
                known: Facts::new(),
                artifacts: dir.path().into(),
                deadlines: Arc::default(),
                request: Request::new("test"),
                orders: receiver,
                news: sender,
            };
            tokio::spawn(task.live(CancellationToken::new()));
            Self { pool, orders, news, dir }
        }

        fn order(&self, order: Order) {
            self.orders.send(order).unwrap();
        }

        async fn hear(&mut self) -> RunEvent {
            match self.news.recv().await.unwrap() {
                News::Event(event) | News::Ended(event, _) | News::Reached(event, _) => event,
            }
        }
    }

    fn attempt() -> Attempt {
        Attempt::new(TestName::new("/a").unwrap(), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_breaks_while_idle_is_noticed_and_nothing_runs_on_it() {
        let executor = FakeExecutor::new();
        let mut line = Line::open(executor.clone());
        assert!(matches!(line.hear().await, RunEvent::RemoteProvisioned { .. }));
        line.order(Order::Prepare(CancellationToken::new()));
        assert!(matches!(line.hear().await, RunEvent::RemotePrepared { .. }));
        line.pool.remotes()[0].fake_connection().cut("power failure");
        let RunEvent::RemoteLost { failure, .. } = line.hear().await else {
            panic!("nobody noticed")
        };
        assert_eq!(failure.message, "connection to lab-1 was lost: power failure");
        // An order that was under way is answered, and the results say why.
        line.order(Order::Run(attempt(), None, CancellationToken::new()));
        let RunEvent::TestEnded { failure: Some(failure), .. } = line.hear().await else {
            panic!("it ran")
        };
        assert_eq!(failure.message, "connection to lab-1 was lost: power failure");
        let results = line.dir.path().join("p/a/attempt-1/results");
        assert!(std::fs::read_to_string(results).unwrap().contains("power failure"));
        line.order(Order::Release);
        assert!(matches!(line.hear().await, RunEvent::RemoteReleased { .. }));
        let counts = executor.counts();
        assert_eq!((counts.runs, counts.stopped, counts.dropped), (0, 0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mistake_of_the_set_up_is_told_and_the_session_stays() {
        let usage = Failure { fault: Fault::Usage, retry: Retry::Never, message: "eh?".into() };
        let run = FakeRun::errs(usage).after(Duration::from_secs(3));
        let mut line = Line::open(FakeExecutor::new().usually(run));
        line.order(Order::Prepare(CancellationToken::new()));
        line.order(Order::Run(attempt(), None, CancellationToken::new()));
        line.hear().await;
        line.hear().await;
        let RunEvent::TestEnded { outcome, failure, .. } = line.hear().await else {
            panic!("it did not end")
        };
        assert_eq!((outcome.verdict, failure.unwrap().fault), (Verdict::Infra, Fault::Usage));
        assert_eq!(outcome.note.as_deref(), Some("lab-1: eh?"));
        assert_eq!(outcome.took, Duration::from_secs(3));
    }
}
