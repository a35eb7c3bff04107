//! What comes after a test: another run of it or its conclusion, the next of its group, and what becomes of its remote.

use atex_core::{Attempt, Failure, Fault, Outcome, RemoteId, Retry, Verdict};

use super::{Phase, Scheduler};
use crate::action::{Action, Conclusion};
use crate::fleet::State;
use crate::plan::TestIndex;
use crate::policy::{AfterTest, Ended};
use crate::standing::is_orphan;
use crate::states::Bond;

impl Scheduler {
    pub(super) fn test_ended(
        &mut self,
        remote: RemoteId,
        attempt: &Attempt,
        how: (&Outcome, Option<&Failure>),
        actions: &mut Vec<Action>,
    ) {
        let Some(State::Running(index)) = self.fleet.state(remote) else { return };
        let Some(pool) = self.fleet.get(remote).map(|remote| remote.pool) else { return };
        let test = &mut self.tests[index];
        if test.attempt() != *attempt {
            return;
        }
        let (outcome, failure) = how;
        test.take_in(pool, outcome, failure);
        let (again, after) = self.decide(remote, index, how);
        self.judge_remotes(remote, index, outcome.verdict, actions);
        // The remote is out of the way before its test is: what waits then may be for it.
        let next = self.go_on(remote, index, (again, failure), actions);
        let bad = self.fleet.get(remote).is_some_and(|remote| remote.is_bad());
        match after {
            AfterTest::Discard => self.release(remote, actions),
            _ if bad => self.release(remote, actions),
            AfterTest::RollBack => {
                self.fleet.set(remote, State::RollingBack);
                actions.push(Action::RollBack { remote });
            }
            AfterTest::Keep => match next {
                Some(next) => return self.start(remote, next, Vec::new(), actions),
                None => self.free(remote),
            },
        }
        if let Some(next) = next {
            self.push(next);
        }
    }

    /// Whether the test is run again, which is then counted, and what becomes of the remote.
    fn decide(
        &mut self,
        remote: RemoteId,
        index: TestIndex,
        how: (&Outcome, Option<&Failure>),
    ) -> (bool, AfterTest) {
        // That its controller died is not its fault, and counts against no limit.
        let orphaned = self.resumed.adopted.remove(&remote) && is_orphan(how.1);
        let Some(view) = self.view(remote) else { return (false, AfterTest::Discard) };
        let ended = Ended::new(&self.tests, index, view, how);
        let may = self.phase == Phase::Running && ended.attempts < self.tests.limits.attempts;
        let again = may && (orphaned || self.judge.should_rerun(&ended));
        let after = match how.1 {
            Some(failure) if costs_the_remote(failure) => AfterTest::Discard,
            _ => self.judge.after_test(&ended),
        };
        let blame = ended.allowance();
        if again && !orphaned {
            self.tests[index].count(blame);
        }
        (again, after)
    }

    /// Queues or concludes the test. Says which test of its group comes next.
    fn go_on(
        &mut self,
        remote: RemoteId,
        index: TestIndex,
        (again, failure): (bool, Option<&Failure>),
        actions: &mut Vec<Action>,
    ) -> Option<TestIndex> {
        match self.tests[index].bond {
            Bond::None if again => self.push(index),
            Bond::None => self.conclude(index, None, actions),
            Bond::Gang(gang) => {
                let ended = (remote, index, failure.is_some());
                self.gang_ended(gang, ended, again, actions);
            }
            Bond::Group(_) if again => return Some(index),
            Bond::Group(group) => {
                self.conclude(index, None, actions);
                let next = self.tests.advance(group);
                return next.filter(|_| self.phase == Phase::Running);
            }
        }
        None
    }

    /// Draws conclusions from what passed here and failed elsewhere.
    fn judge_remotes(
        &mut self,
        remote: RemoteId,
        index: TestIndex,
        verdict: Verdict,
        actions: &mut Vec<Action>,
    ) {
        if !verdict.is_ok() {
            self.tests[index].trouble().failed_on.push(remote);
            return;
        }
        if let Some(remote) = self.fleet.get_mut(remote) {
            remote.passed += 1;
        }
        if verdict != Verdict::Passed {
            return;
        }
        let mut suspects = self.tests[index].failed_on().to_vec();
        suspects.sort_unstable();
        suspects.dedup();
        for suspect in suspects.into_iter().filter(|suspect| *suspect != remote) {
            if self.same_platform(suspect, remote) {
                self.strike(suspect, actions);
            }
        }
    }

    fn same_platform(&self, one: RemoteId, other: RemoteId) -> bool {
        let platform = |id| {
            let remote = self.fleet.get(id)?;
            Some(self.fleet.pools[remote.pool].platform.as_str())
        };
        platform(one).is_some_and(|one| platform(other) == Some(one))
    }

    /// One more test passed elsewhere that failed on this remote.
    fn strike(&mut self, id: RemoteId, actions: &mut Vec<Action>) {
        let limit = self.tests.limits.quarantine;
        let Some(remote) = self.fleet.get_mut(id) else { return };
        let before = remote.is_bad();
        remote.strikes += 1;
        if limit == 0 || before || remote.strikes < limit || remote.strikes < remote.passed {
            return;
        }
        let reason = format!("{} tests failed on it that passed elsewhere", remote.strikes);
        let state = remote.state;
        self.fleet.blame(id);
        actions.push(Action::Quarantine { remote: id, reason });
        // Whoever runs a test, or is made ready for one, is released after it.
        if matches!(state, State::Idle | State::Held) {
            self.leave_gang(id);
            self.release(id, actions);
        }
    }

    pub(super) fn interrupted(&mut self, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::New | Phase::Running) {
            return;
        }
        self.phase = Phase::Interrupted;
        let running = self.fleet.all(|remote| matches!(remote.state, State::Running(_)));
        actions.extend(running.into_iter().map(|remote| Action::StopTest { remote }));
        let gathering = self.disband();
        let mut left = self.queue.drain(|_| true);
        left.extend(gathering);
        // Those that come after one that runs, or that waits, do not wait themselves.
        for group in 0..self.tests.groups.len() {
            let group = &self.tests.groups[group];
            left.extend(group.members.iter().skip(group.at + 1));
        }
        left.sort_unstable();
        for test in left {
            self.conclude(test, Some("the run was interrupted"), actions);
        }
    }

    /// The last word on a test, with a reason for those that were never run.
    pub(super) fn conclude(
        &mut self,
        index: TestIndex,
        reason: Option<&str>,
        actions: &mut Vec<Action>,
    ) {
        // Never twice, also when a run is taken up in which only some of a gang were concluded.
        if std::mem::replace(&mut self.tests[index].concluded, true) {
            return;
        }
        let test = &self.tests[index];
        let platform = || self.fleet.pools.get(test.pool).map(|pool| pool.platform.clone());
        actions.push(Action::Conclude(Conclusion {
            test: test.plan.name.clone(),
            wanted: test.plan.wanted.clone(),
            verdict: test.verdict.unwrap_or(Verdict::NotRun),
            platform: test.verdict.and_then(|_| platform()),
            attempts: test.attempts,
            note: test.note().cloned().or(reason.map(str::to_owned)),
        }));
        self.open -= 1;
        let class = self.queue.class_of(index);
        self.queue.classes[class].open -= 1;
    }
}

/// Whether the remote that a test failed on is of no further use. It is as good as before when something else is to blame:
/// the set-up, the test, or this machine, all of which are the same on any other remote.
fn costs_the_remote(failure: &Failure) -> bool {
    match failure.fault {
        Fault::Usage | Fault::Test => false,
        Fault::Infra => failure.retry != Retry::Never,
        Fault::Cancelled => true,
    }
}
