//! [`Conductor`]: the main loop of a run: next event, ask the scheduler, carry out what it says.

use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Facts, Failure, Outcome, Record, RemoteId, Request, RunEvent,
    TestKey,
};
use futures::future::join_all;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep_until;

use super::barriers::Tell;
use super::deadlines::{Deadlines, bounded};
use super::recorder::{Recorder, RemoteLeases};
use super::remote::{News, Order, RemoteTask};
use super::{Run, ingest};
use crate::action::{Action, Conclusion};
use crate::plan::{Plan, PoolPlan};
use crate::scheduler::Scheduler;
use crate::standing::Standing;
use crate::summary::{LeftBehind, Summary};

/// The main loop of a run. All decisions are the scheduler's; all waiting for backends is done in tasks, which are joined
/// before the run is over.
#[derive(Debug)]
pub(super) struct Conductor {
    pub(super) run: Run,
    /// In the order of the run's pools.
    pub(super) pools: Vec<PoolPlan>,
    /// Whether any tests run together, and so have to find each other.
    has_gangs: bool,
    first: RunEvent,
    scheduler: Scheduler,
    pub(super) recorder: Arc<Recorder>,
    pub(super) artifacts: Arc<Path>,
    deadlines: Arc<Deadlines>,
    news: (UnboundedSender<News>, UnboundedReceiver<News>),
    pub(super) tasks: JoinSet<()>,
    pub(super) remotes: HashMap<RemoteId, Handle>,
    /// When the attempts began that are under way.
    began: HashMap<TestKey, Duration>,
    /// The last attempt of each test that is not concluded.
    pub(super) ended: HashMap<TestKey, Ended>,
    /// Tests that wait at barriers, by remote and name.
    pub(super) waiting: HashMap<(RemoteId, String), Vec<Tell>>,
    wakes: BTreeSet<Duration>,
    /// Conclusions that are on their way through the aggregators.
    filing: usize,
    finished: bool,
    /// Remotes of a former life that could not be given back then, and are being given back.
    pub(super) reaping: BTreeSet<RemoteId>,
    pub(super) summary: Summary,
    /// How the run stood when its last controller died.
    pub(super) standing: Standing,
}

/// A remote's task, as the main loop knows it.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) orders: UnboundedSender<Order>,
    /// Stops what it does now.
    pub(super) cancel: CancellationToken,
    /// As people call it, once that is known.
    pub(super) name: String,
    /// Where other remotes find it, once that is known.
    pub(super) address: String,
}

#[derive(Debug)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) artifacts: Result<Artifacts, Failure>,
    /// When it began and ended, if that was in this life of the run.
    pub(super) when: Option<Range<Duration>>,
}

/// Where other remotes find one that is called this.
pub(super) fn address(name: &str, facts: &Facts) -> String {
    facts.get(Facts::ADDRESS).first().map_or(name, String::as_str).to_owned()
}

impl Conductor {
    pub(super) fn new(mut run: Run) -> Self {
        let plan: Plan = run.plan();
        let (standing, after) = run.standing.take().unzip();
        let sinks = std::mem::take(&mut run.sinks);
        Self {
            recorder: Arc::new(Recorder::new(sinks, after.unwrap_or_default())),
            artifacts: Arc::from(std::mem::take(&mut run.artifacts)),
            deadlines: Arc::new(run.deadlines.clone()),
            pools: plan.pools.clone(),
            has_gangs: plan.tests.iter().any(|test| test.together.is_some()),
            first: if standing.is_some() { RunEvent::Restarted } else { plan.started() },
            scheduler: match &standing {
                Some(standing) => Scheduler::resumed(plan, standing),
                None => Scheduler::new(plan),
            },
            standing: standing.unwrap_or_default(),
            news: mpsc::unbounded_channel(),
            tasks: JoinSet::new(),
            remotes: HashMap::new(),
            began: HashMap::new(),
            ended: HashMap::new(),
            waiting: HashMap::new(),
            wakes: BTreeSet::new(),
            filing: 0,
            finished: false,
            reaping: BTreeSet::new(),
            summary: Summary::new(),
            run,
        }
    }

    pub(super) async fn conduct(mut self) -> Summary {
        self.take_up();
        let first = self.first.clone();
        self.happened(first);
        while !self.finished || self.filing > 0 || !self.reaping.is_empty() {
            match self.next().await {
                News::Event(event) => self.happened(event),
                News::Ended(event, artifacts) => self.test_ended(event, artifacts),
                News::Reached(event, tell) => self.reached(event, tell),
            }
        }
        while let Some(joined) = self.tasks.join_next().await {
            rethrow(joined);
        }
        self.close().await;
        self.summary.wall = self.recorder.emit(&RunEvent::RunFinished);
        self.summary
    }

    /// The next thing that happens.
    async fn next(&mut self) -> News {
        loop {
            let wake = self.wakes.first().and_then(|at| self.recorder.moment(*at));
            let wake = async {
                match wake {
                    Some(moment) => sleep_until(moment).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.run.cancel.cancelled(), if !self.summary.interrupted => {
                    return News::Event(RunEvent::Interrupted);
                }
                // Never `None`: we have a sender ourselves.
                Some(news) = self.news.1.recv() => return news,
                () = wake => return News::Event(RunEvent::TimePassed),
                Some(joined) = self.tasks.join_next() => rethrow(joined),
            }
        }
    }

    /// Tells the sinks and the scheduler of an event, and carries out what the scheduler says.
    pub(super) fn happened(&mut self, event: RunEvent) {
        let now = self.recorder.emit(&event);
        self.take_note(now, &event);
        for action in self.scheduler.on(now, &event) {
            self.perform(action);
        }
    }

    /// Keeps what the summary will need.
    fn take_note(&mut self, now: Duration, event: &RunEvent) {
        match event {
            RunEvent::RemoteProvisioned { remote, name, facts } => {
                if let Some(handle) = self.remotes.get_mut(remote) {
                    handle.name.clone_from(name);
                    handle.address = address(name, facts);
                }
            }
            RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote }
            | RunEvent::RemoteReleased { remote } => {
                self.reaping.remove(remote);
                self.remotes.remove(remote);
            }
            RunEvent::ReleaseFailed { remote, failure } => {
                self.reaping.remove(remote);
                let handle = self.remotes.remove(remote);
                let name = handle.map_or_else(|| remote.to_string(), |handle| handle.name);
                self.summary.left_behind.push(LeftBehind { name, failure: failure.clone() });
            }
            RunEvent::IngestFailed { failure, .. } => {
                self.summary.report_failures.push(failure.clone());
            }
            RunEvent::TestConcluded { test, wanted, verdict, platform, attempts, note } => {
                self.filing -= 1;
                self.summary.conclusions.push(Conclusion {
                    test: test.clone(),
                    wanted: wanted.clone(),
                    verdict: *verdict,
                    platform: platform.clone(),
                    attempts: *attempts,
                    note: note.clone(),
                });
            }
            RunEvent::Interrupted => self.summary.interrupted = true,
            RunEvent::TestStarted { attempt, .. } => {
                self.began.insert(attempt.key(), now);
            }
            RunEvent::TimePassed => {
                self.wakes = self.wakes.split_off(&now.saturating_add(Duration::from_nanos(1)));
            }
            RunEvent::RunStarted { .. }
            | RunEvent::Restarted
            | RunEvent::RemoteRequested { .. }
            | RunEvent::Leased { .. }
            | RunEvent::RemotePrepared { .. }
            | RunEvent::PrepareFailed { .. }
            | RunEvent::RemoteLost { .. }
            | RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
            | RunEvent::RemoteQuarantined { .. }
            | RunEvent::BarrierReached { .. }
            | RunEvent::TestEnded { .. }
            | RunEvent::RunFinished => {}
        }
    }

    fn test_ended(&mut self, event: RunEvent, artifacts: Result<Artifacts, Failure>) {
        if let RunEvent::TestEnded { remote, attempt, outcome, .. } = &event {
            self.waiting.retain(|(other, _), _| other != remote);
            let began = self.began.remove(&attempt.key());
            let when = began.map(|began| began..self.recorder.now());
            let ended = Ended { outcome: outcome.clone(), artifacts, when };
            self.ended.insert(attempt.key(), ended);
        }
        self.happened(event);
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Provision { remote, pool } => self.provision(remote, pool),
            Action::Withdraw { remote } | Action::StopTest { remote } => self.stop(remote),
            Action::Prepare { remote } => self.order(remote, Order::Prepare),
            Action::Run { remote, attempt, together } => {
                self.happened(RunEvent::TestStarted { remote, attempt: attempt.clone() });
                let together = self.roles(remote, &together);
                self.order(remote, |cancel| Order::Run(attempt, together, cancel));
            }
            Action::Answer { remote, barrier, broken } => self.answer(remote, barrier, broken),
            Action::RollBack { remote } => self.order(remote, |_| Order::RollBack),
            Action::Quarantine { remote, reason } => {
                self.happened(RunEvent::RemoteQuarantined { remote, reason });
            }
            Action::Adopt { remote, attempt, together } => self.adopt(remote, attempt, together),
            Action::Release { remote } if self.remotes.contains_key(&remote) => {
                self.stop(remote);
                self.order(remote, |_| Order::Release);
            }
            // Of a life before this one.
            Action::Release { remote } => self.give_back(remote),
            Action::Conclude(conclusion) => self.conclude(conclusion),
            Action::WakeAt { at } => drop(self.wakes.insert(at)),
            Action::Finish => self.finished = true,
        }
    }

    fn provision(&mut self, remote: RemoteId, pool: String) {
        let Some(index) = self.pools.iter().position(|plan| plan.name == pool) else { return };
        self.happened(RunEvent::RemoteRequested { remote, pool: pool.clone() });
        let cancel = CancellationToken::new();
        let (task, orders) = self.task(remote, index);
        self.tasks.spawn(task.live(cancel.clone()));
        let name = format!("{remote} of {pool}");
        self.remotes.insert(remote, Handle { orders, cancel, address: name.clone(), name });
    }

    /// The task of a remote of this pool, and how it is given orders.
    pub(super) fn task(
        &self,
        remote: RemoteId,
        index: usize,
    ) -> (RemoteTask, UnboundedSender<Order>) {
        let (orders, receiver) = mpsc::unbounded_channel();
        let leases = Arc::new(RemoteLeases {
            remote,
            recorder: self.recorder.clone(),
            stop: self.run.cancel.clone(),
        });
        let work = self.run.pools[index].work.as_ref();
        let task = RemoteTask {
            id: remote,
            platform: self.pools[index].platform.clone(),
            provisioner: self.run.pools[index].provisioner.clone(),
            executor: work.map_or(&self.run.executor, |(_, executor)| executor).clone(),
            known: self.run.pools[index].facts.clone(),
            artifacts: self.artifacts.clone(),
            deadlines: self.deadlines.clone(),
            request: Request::recorded(&self.run.name, leases).address(self.has_gangs),
            orders: receiver,
            news: self.news.0.clone(),
        };
        (task, orders)
    }

    /// Stops what a remote's task does now.
    fn stop(&self, remote: RemoteId) {
        if let Some(handle) = self.remotes.get(&remote) {
            handle.cancel.cancel();
        }
    }

    /// Gives an order to a remote's task, with a token of its own.
    fn order(&mut self, remote: RemoteId, order: impl FnOnce(CancellationToken) -> Order) {
        if let Some(handle) = self.remotes.get_mut(&remote) {
            handle.cancel = CancellationToken::new();
            // The task listens until it is told to release.
            handle.orders.send(order(handle.cancel.clone())).ok();
        }
    }

    /// Files the attempt that counts, and then announces the last word on its test.
    fn conclude(&mut self, conclusion: Conclusion) {
        self.filing += 1;
        let ended = self.ended.remove(&conclusion.key());
        let (Some(attempt), Some(ended)) = (conclusion.attempt(), ended) else {
            return self.happened(conclusion.into());
        };
        let artifacts = match ended.artifacts {
            Ok(artifacts) => artifacts,
            Err(failure) => {
                self.happened(RunEvent::IngestFailed { attempt, failure });
                return self.happened(conclusion.into());
            }
        };
        if self.run.aggregators.is_empty() {
            return self.happened(conclusion.into());
        }
        let record = Record {
            platform: conclusion.platform.clone().unwrap_or_default(),
            test: conclusion.test.clone(),
            artifacts,
            outcome: ended.outcome,
            when: ended.when,
        };
        let (aggregators, limit) = (self.run.aggregators.clone(), self.deadlines.ingest);
        let news = self.news.0.clone();
        self.tasks.spawn(async move {
            for failure in ingest::ingest(&aggregators, limit, record).await {
                let attempt = attempt.clone();
                news.send(News::Event(RunEvent::IngestFailed { attempt, failure })).ok();
            }
            news.send(News::Event(conclusion.into())).ok();
        });
    }

    /// Ends the output of the aggregators and shuts the provisioners down.
    async fn close(&mut self) {
        let failures = ingest::finish(&self.run.aggregators, self.deadlines.ingest).await;
        self.summary.report_failures.extend(failures);
        let own = self.run.pools.iter().filter(|pool| !pool.shared);
        let shutdowns = own.map(async |pool| {
            let what = format!("shutting down pool {}", pool.name);
            let work = async { pool.provisioner.shutdown().await };
            let error = bounded(&what, self.deadlines.shutdown, work).await.err()?;
            Some(LeftBehind { name: pool.name.clone(), failure: Failure::from(&error) })
        });
        let left_behind = join_all(shutdowns).await;
        self.summary.left_behind.extend(left_behind.into_iter().flatten());
    }
}

/// Backends' panics are caught where they are called, so this would be a mistake of ours: it must not look like success.
fn rethrow(joined: Result<(), JoinError>) {
    if let Err(error) = joined
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}
