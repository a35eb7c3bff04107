//! [`Scheduler`]: events in, actions out.

mod last_attempt;
mod resumed;

use std::collections::HashMap;
use std::time::Duration;

use atex_core::{Attempt, Failure, Fault, Outcome, RemoteId, Retry, RunEvent, TestName, Verdict};

use crate::action::{Action, Conclusion};
use crate::fleet::{Fleet, State};
use crate::plan::{Limits, Plan, TestPlan};
use crate::queue::{PoolIndex, Queue, TestIndex};
use crate::standing;
use last_attempt::{LastAttempt, costs_the_remote};
use resumed::Resumed;

/// Decides which test runs where and when: a value without clock, randomness or IO.
///
/// Feed it every event of a run with [`on`](Self::on), the first being [`RunEvent::RunStarted`], and carry out what it says,
/// until it says [`Action::Finish`]. What it promises, as long as each action is answered:
///
/// * every test of the plan is concluded, once;
/// * every remote that was asked for is withdrawn or released, once, unless it could not be had;
/// * a pool never has more remotes than its maximum, those on their way in or out included;
/// * no remote is idle while a test that it could run waits, and a remote that no waiting test could use is released;
/// * no more remotes are asked for than there are tests left for them;
/// * it ends: with `Finish`, when every test is concluded and every remote is gone.
///
/// The same plan and the same list of events always give the same actions. Events that only echo its own actions
/// ([`RunEvent::RemoteRequested`], [`RunEvent::TestStarted`], …) change nothing, and an event that does not fit is ignored, so
/// the journal of a run can be fed to a fresh scheduler as it is.
#[derive(Debug, Clone)]
pub struct Scheduler {
    tests: Vec<TestState>,
    queue: Queue,
    fleet: Fleet,
    limits: Limits,
    /// Tests that are not concluded yet.
    open: usize,
    phase: Phase,
    resumed: Resumed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    Interrupted,
    Finished,
}

#[derive(Debug, Clone)]
struct TestState {
    plan: TestPlan,
    /// How many times it was started.
    attempts: u32,
    /// How many of these were second tries, by the limit that they count against.
    reruns: u32,
    infra_retries: u32,
    last: Option<LastAttempt>,
}

impl Scheduler {
    /// A scheduler for this plan. Of several tests with the same name, the first counts, unless each is wanted on another platform.
    pub fn new(mut plan: Plan) -> Self {
        let mut wanted: HashMap<TestName, Vec<Option<String>>> = HashMap::new();
        plan.tests.retain(|test| {
            let others = wanted.entry(test.name.clone()).or_default();
            let first = others.is_empty();
            let another =
                test.wanted.is_some() && !others.contains(&None) && !others.contains(&test.wanted);
            others.push(test.wanted.clone());
            first || another
        });
        Self {
            queue: Queue::new(&plan),
            fleet: Fleet::new(&plan),
            limits: plan.limits,
            open: plan.tests.len(),
            tests: plan.tests.into_iter().map(TestState::new).collect(),
            phase: Phase::New,
            resumed: Resumed::default(),
        }
    }

    /// Takes one event, which happened at `now` since the run began, and says what is to be done about it.
    #[must_use = "whoever drives the scheduler must carry out every action"]
    pub fn on(&mut self, now: Duration, event: &RunEvent) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            RunEvent::RunStarted { .. } => self.started(),
            RunEvent::RemoteProvisioned { remote, .. } => self.provisioned(*remote, &mut actions),
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
            | RunEvent::RemoteNoted { .. }
            | RunEvent::RemoteRolledBack { .. }
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

    fn provisioned(&mut self, remote: RemoteId, actions: &mut Vec<Action>) {
        match self.fleet.state(remote) {
            Some(State::Requested) => {
                self.fleet.set(remote, State::Preparing);
                actions.push(Action::Prepare { remote });
            }
            // It was there before the word that nobody needs it.
            Some(State::Withdrawing) => self.release(remote, actions),
            _ => {}
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
            self.fleet.set(remote, State::Idle);
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
            Some(State::Idle) => self.release(remote, actions),
            Some(State::Preparing) => self.prepare_failed(now, remote, failure, actions),
            // The end of the test or of the release is still to come, and says more.
            _ => {}
        }
    }

    fn test_ended(
        &mut self,
        remote: RemoteId,
        attempt: &Attempt,
        (outcome, failure): (&Outcome, Option<&Failure>),
        actions: &mut Vec<Action>,
    ) {
        let Some(State::Running(index)) = self.fleet.state(remote) else { return };
        let Some(pool) = self.fleet.get(remote).map(|remote| remote.pool) else { return };
        let test = &mut self.tests[index];
        if test.attempt() != *attempt {
            return;
        }
        test.last = Some(LastAttempt::new(outcome, failure, pool));
        let destructive = test.plan.destructive;
        let orphaned = self.resumed.adopted.remove(&remote) && standing::is_orphan(failure);
        if self.phase == Phase::Running && (orphaned || test.may_run_again(&self.limits, failure)) {
            self.queue.push(index);
        } else {
            self.conclude(index, None, actions);
        }
        if destructive || failure.is_some_and(costs_the_remote) {
            self.release(remote, actions);
        } else {
            self.fleet.set(remote, State::Idle);
        }
    }

    fn gone(&mut self, remote: RemoteId, after: State) {
        if self.fleet.state(remote) == Some(after) {
            self.fleet.remove(remote);
        }
    }

    fn interrupted(&mut self, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::New | Phase::Running) {
            return;
        }
        self.phase = Phase::Interrupted;
        actions.extend(self.fleet.running().map(|remote| Action::StopTest { remote }));
        for test in self.queue.drain(|_| true) {
            self.conclude(test, Some("the run was interrupted"), actions);
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

    /// The last word on a test, with a reason for those that were never run.
    fn conclude(&mut self, index: TestIndex, reason: Option<&str>, actions: &mut Vec<Action>) {
        let test = &self.tests[index];
        let last = test.last.as_ref();
        actions.push(Action::Conclude(Conclusion {
            test: test.plan.name.clone(),
            wanted: test.plan.wanted.clone(),
            verdict: last.map_or(Verdict::NotRun, |last| last.verdict),
            platform: last.map(|last| self.fleet.pools[last.pool].platform.clone()),
            attempts: test.attempts,
            note: last.and_then(|last| last.note.clone()).or(reason.map(str::to_owned)),
        }));
        self.open -= 1;
    }

    /// Makes true what must hold after every event: whoever is idle gets a test or goes, tests that nobody can run are
    /// concluded, and as many remotes are on their way as there is work for.
    fn settle(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if matches!(self.phase, Phase::New | Phase::Finished) {
            return;
        }
        self.employ(actions);
        self.give_up_hopeless(actions);
        self.balance(now, actions);
        if self.open == 0 && self.fleet.is_empty() {
            self.phase = Phase::Finished;
            actions.push(Action::Finish);
        }
    }

    fn employ(&mut self, actions: &mut Vec<Action>) {
        let Some((remote, pool)) = self.fleet.idle() else { return };
        let before = self.fleet.get(remote).and_then(|remote| remote.before);
        match self.queue.pick(pool, before) {
            Some(index) => {
                let test = &mut self.tests[index];
                test.attempts += 1;
                self.fleet.set(remote, State::Running(index));
                actions.push(Action::Run { remote, attempt: test.attempt() });
            }
            None => self.release(remote, actions),
        }
    }

    fn give_up_hopeless(&mut self, actions: &mut Vec<Action>) {
        let fleet = &self.fleet;
        let hopeless = self.queue.drain(|lane| lane.pools.iter().all(|pool| fleet.is_lost(*pool)));
        for index in hopeless {
            let reason = self.why_hopeless(index);
            self.conclude(index, Some(&reason), actions);
        }
    }

    fn why_hopeless(&self, index: TestIndex) -> String {
        let pools = self.queue.pools_of(index);
        if pools.is_empty() {
            return "no pool can run it".to_owned();
        }
        let reasons: Vec<String> = pools.iter().map(|pool| self.fleet.why_lost(*pool)).collect();
        reasons.join("; ")
    }

    /// Withdraws and releases what no test needs, and asks for what is missing.
    fn balance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let pools = 0..self.fleet.pools.len();
        let room: Vec<usize> = pools.clone().map(|pool| self.fleet.room(pool, now)).collect();
        let pending =
            |pool: PoolIndex| (self.fleet.pools[pool].preparing, self.fleet.pools[pool].requested);
        if pools.clone().all(|pool| room[pool] == 0 && pending(pool) == (0, 0)) {
            return;
        }
        let mut demand = self.queue.demand();
        // Who is nearest to being ready has the first claim on a test.
        let preparing: Vec<usize> = pools
            .clone()
            .map(|pool| pending(pool).0 - demand.take(pool, pending(pool).0))
            .collect();
        let requested: Vec<usize> = pools
            .clone()
            .map(|pool| pending(pool).1 - demand.take(pool, pending(pool).1))
            .collect();
        let missing: Vec<usize> = pools.clone().map(|pool| demand.take(pool, room[pool])).collect();
        for pool in pools {
            for _ in 0..requested[pool] {
                self.withdraw_newest(pool, actions);
            }
            for _ in 0..preparing[pool] {
                if let Some(remote) = self.fleet.newest(pool, State::Preparing) {
                    self.release(remote, actions);
                }
            }
            for _ in 0..missing[pool] {
                let name = self.fleet.pools[pool].name.clone();
                actions.push(Action::Provision { remote: self.fleet.add(pool), pool: name });
            }
        }
    }

    fn withdraw_newest(&mut self, pool: PoolIndex, actions: &mut Vec<Action>) {
        if let Some(remote) = self.fleet.newest(pool, State::Requested) {
            self.fleet.set(remote, State::Withdrawing);
            actions.push(Action::Withdraw { remote });
        }
    }
}

impl TestState {
    fn new(plan: TestPlan) -> Self {
        Self { plan, attempts: 0, reruns: 0, infra_retries: 0, last: None }
    }

    /// The attempt that was started last.
    fn attempt(&self) -> Attempt {
        Attempt::of(self.plan.key(), self.attempts)
    }

    /// Whether it gets another attempt after the last one, which is then counted.
    fn may_run_again(&mut self, limits: &Limits, failure: Option<&Failure>) -> bool {
        let verdict = self.last.as_ref().map_or(Verdict::NotRun, |last| last.verdict);
        if verdict.is_ok() {
            return false;
        }
        if verdict > Verdict::Failed {
            match failure {
                Some(Failure { fault: Fault::Usage, .. } | Failure { retry: Retry::Never, .. }) => {
                    return false;
                }
                Some(failure)
                    if failure.fault == Fault::Infra
                        && self.infra_retries < limits.infra_retries =>
                {
                    self.infra_retries += 1;
                    return true;
                }
                _ => {}
            }
        }
        let again = self.reruns < limits.reruns;
        self.reruns += u32::from(again);
        again
    }
}
