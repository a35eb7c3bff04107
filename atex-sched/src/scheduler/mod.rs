//! [`Scheduler`]: events in, actions out.

mod barrier;
mod ending;
mod gang;
mod resumed;
mod staffing;

use std::time::Duration;

use atex_core::{Facts, Failure, RemoteId, RunEvent};

use crate::action::Action;
use crate::fleet::{Fleet, Remote, State};
use crate::plan::{Plan, TestIndex};
use crate::policy::{Candidate, Judge, RemoteView};
use crate::queue::Queue;
use crate::states::{Bond, Tests};
use gang::Gangs;
use resumed::Resumed;

/// Decides which test runs where and when: a value without clock, randomness or IO.
///
/// Feed it every event of a run with [`on`](Self::on), the first being [`RunEvent::RunStarted`], and carry out what it says,
/// until it says [`Action::Finish`]. What it promises, as long as each action is answered:
///
/// * every test of the plan is concluded, once;
/// * every remote that was asked for is withdrawn or released, once, unless it could not be had;
/// * a pool never has more remotes than its maximum, those on their way in or out included;
/// * a test runs only on a remote of a pool that may run it, whose facts have what it needs;
/// * no remote is idle while a test that it could run waits, and a remote that no waiting test could use is released: except spares,
///   and those that wait for the rest of a gang;
/// * no more remotes are asked for than there are tests left for them, besides spares;
/// * tests of a gang start together, or not at all; one gang at a time gathers remotes, so that none waits for another;
/// * whoever waits at a barrier is told as soon as all of its gang have come to it, or one has ended that had not;
/// * it ends: with `Finish`, when every test is concluded and every remote is gone.
///
/// The same plan and the same list of events always give the same actions. Events that only echo its own actions
/// ([`RunEvent::RemoteRequested`], [`RunEvent::TestStarted`], …) change nothing, and an event that does not fit is ignored, so
/// the journal of a run can be fed to a fresh scheduler as it is.
#[derive(Debug, Clone)]
pub struct Scheduler {
    tests: Tests,
    queue: Queue,
    fleet: Fleet,
    gangs: Gangs,
    judge: Judge,
    /// Tests that are not concluded yet.
    open: usize,
    phase: Phase,
    /// The remote that became idle by the event that is being handled.
    freed: Option<RemoteId>,
    /// The remote that this event brought, before it is known whether anybody needs it.
    arrived: Option<RemoteId>,
    /// Whether there is something new to do for remotes that are idle.
    news: bool,
    resumed: Resumed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Interrupted,
    Finished,
}

impl Scheduler {
    /// A scheduler for this plan. Of several tests with the same name, the first counts, unless each is wanted on another platform.
    pub fn new(plan: Plan) -> Self {
        let tests = Tests::new(plan.tests, plan.limits);
        let mut scheduler = Self {
            queue: Queue::new(&plan.pools, &tests),
            fleet: Fleet::new(&plan.pools, &tests.limits),
            gangs: Gangs::new(&tests),
            judge: Judge(plan.policy),
            open: tests.len(),
            tests,
            phase: Phase::New,
            freed: None,
            arrived: None,
            news: false,
            resumed: Resumed::default(),
        };
        for index in 0..scheduler.tests.len() {
            let waits = match scheduler.tests[index].bond {
                Bond::None | Bond::Gang(_) => true,
                Bond::Group(group) => scheduler.tests.groups[group].members.first() == Some(&index),
            };
            if waits {
                scheduler.push(index);
            }
        }
        scheduler
    }

    /// Takes one event, which happened at `now` since the run began, and says what is to be done about it.
    #[must_use = "whoever drives the scheduler must carry out every action"]
    pub fn on(&mut self, now: Duration, event: &RunEvent) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            RunEvent::RunStarted { .. } => self.started(),
            RunEvent::RemoteProvisioned { remote, name, facts } => {
                self.provisioned(*remote, (name, facts), &mut actions);
            }
            RunEvent::ProvisionFailed { remote, failure } => {
                self.provision_failed(now, *remote, failure, &mut actions);
            }
            RunEvent::ProvisionWithdrawn { remote } => self.gone(*remote, State::Withdrawing),
            RunEvent::RemotePrepared { remote } => self.prepared(*remote),
            RunEvent::PrepareFailed { remote, failure } => {
                self.prepare_failed(now, *remote, failure, &mut actions);
            }
            RunEvent::RemoteLost { remote, failure } => {
                self.lost(now, *remote, failure, &mut actions);
            }
            RunEvent::RemoteRolledBack { remote } => self.rolled_back(*remote),
            RunEvent::RemoteNoted { remote, notes } => {
                if let Some(remote) = self.fleet.get_mut(*remote) {
                    remote.notes.clone_from(notes);
                }
                return actions;
            }
            RunEvent::BarrierReached { remote, attempt, barrier } => {
                self.barrier_reached((*remote, attempt), barrier, &mut actions);
                return actions;
            }
            RunEvent::TestEnded { remote, attempt, outcome, failure } => {
                self.test_ended(*remote, attempt, (outcome, failure.as_ref()), &mut actions);
            }
            RunEvent::RemoteReleased { remote } | RunEvent::ReleaseFailed { remote, .. } => {
                self.gone(*remote, State::Releasing);
            }
            RunEvent::Restarted => self.restarted(&mut actions),
            RunEvent::Interrupted => self.interrupted(&mut actions),
            RunEvent::TimePassed => {}
            RunEvent::RemoteRequested { .. }
            | RunEvent::Leased { .. }
            | RunEvent::TestStarted { .. }
            | RunEvent::RemoteQuarantined { .. }
            | RunEvent::IngestFailed { .. }
            | RunEvent::TestConcluded { .. }
            | RunEvent::RunFinished => return actions,
        }
        self.settle(now, &mut actions);
        actions
    }

    fn started(&mut self) {
        if self.phase == Phase::New {
            self.phase = Phase::Running;
        }
    }

    fn provisioned(&mut self, remote: RemoteId, what: (&str, &Facts), actions: &mut Vec<Action>) {
        match self.fleet.state(remote) {
            Some(State::Requested) => {
                let Some(pool) = self.fleet.get(remote).map(|remote| remote.pool) else { return };
                let kind = self.queue.kind_of(pool, what.1);
                if self.fleet.arrived(remote, what, kind) {
                    let reason = "it was found to be bad before".to_owned();
                    actions.push(Action::Quarantine { remote, reason });
                    self.fleet.set(remote, State::Quarantined);
                    return;
                }
                self.compare(pool, kind);
                self.make_ready(remote);
            }
            // It was there before the word that nobody needs it.
            Some(State::Withdrawing) => self.release(remote, actions),
            _ => {}
        }
    }

    /// To be made ready, if it turns out that somebody needs it.
    fn make_ready(&mut self, remote: RemoteId) {
        self.fleet.set(remote, State::Preparing);
        self.arrived = Some(remote);
    }

    fn rolled_back(&mut self, remote: RemoteId) {
        if self.fleet.state(remote) == Some(State::RollingBack) {
            if let Some(remote) = self.fleet.get_mut(remote) {
                remote.notes.clear();
            }
            self.make_ready(remote);
        }
    }

    fn provision_failed(
        &mut self,
        now: Duration,
        remote: RemoteId,
        failure: &Failure,
        actions: &mut Vec<Action>,
    ) {
        match self.fleet.state(remote) {
            Some(State::Requested) => self.pool_failed(now, remote, failure, actions),
            Some(State::Withdrawing) => {}
            _ => return,
        }
        self.fleet.remove(remote);
    }

    fn prepared(&mut self, remote: RemoteId) {
        if self.fleet.state(remote) == Some(State::Preparing) {
            self.free(remote);
        }
    }

    fn prepare_failed(
        &mut self,
        now: Duration,
        remote: RemoteId,
        failure: &Failure,
        actions: &mut Vec<Action>,
    ) {
        if self.fleet.state(remote) == Some(State::Preparing) {
            self.pool_failed(now, remote, failure, actions);
            self.release(remote, actions);
        }
    }

    fn lost(
        &mut self,
        now: Duration,
        remote: RemoteId,
        failure: &Failure,
        actions: &mut Vec<Action>,
    ) {
        match self.fleet.state(remote) {
            Some(State::Held | State::Idle) => {
                // One that is lost before it was of any use says something of its pool.
                if !self.fleet.get(remote).is_some_and(Remote::has_worked) {
                    self.pool_failed(now, remote, failure, actions);
                }
                self.leave_gang(remote);
                self.release(remote, actions);
            }
            Some(State::RollingBack | State::Quarantined) => self.release(remote, actions),
            Some(State::Preparing) => self.prepare_failed(now, remote, failure, actions),
            // The end of the test or of the release is still to come, and says more.
            Some(State::Requested | State::Withdrawing | State::Running(_) | State::Releasing)
            | None => {}
        }
    }

    fn gone(&mut self, remote: RemoteId, after: State) {
        if self.fleet.state(remote) == Some(after) {
            self.fleet.remove(remote);
        }
    }

    fn pool_failed(
        &mut self,
        now: Duration,
        remote: RemoteId,
        failure: &Failure,
        actions: &mut Vec<Action>,
    ) {
        let again = self.fleet.failed(remote, failure, now);
        if self.phase == Phase::Running {
            actions.extend(again.map(|at| Action::WakeAt { at }));
        }
    }

    fn release(&mut self, remote: RemoteId, actions: &mut Vec<Action>) {
        self.fleet.set(remote, State::Releasing);
        actions.push(Action::Release { remote });
    }

    /// A remote has nothing to do, for the moment.
    fn free(&mut self, remote: RemoteId) {
        self.fleet.set(remote, State::Idle);
        self.freed = Some(remote);
    }

    /// Lets a test wait.
    fn push(&mut self, index: TestIndex) {
        let candidate = Candidate::new(&self.tests, index, self.tests.time_left(index));
        let (rank, kin) = self.judge.rank(&candidate);
        self.queue.push(index, rank, kin);
        self.news = true;
    }

    /// A remote as policies see it.
    fn view(&self, id: RemoteId) -> Option<RemoteView<'_>> {
        let remote = self.fleet.get(id)?;
        let pool = &self.fleet.pools[remote.pool];
        Some(RemoteView::new(id, remote, pool, remote.before.map(|test| &self.tests[test].plan)))
    }
}
