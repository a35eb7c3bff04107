//! How a scheduler takes up a run whose controller died.

use std::collections::{BTreeSet, HashMap};

use atex_core::RemoteId;

use super::barrier::Barriers;
use super::{Phase, Scheduler};
use crate::action::Action;
use crate::fleet::State;
use crate::plan::{Plan, PoolIndex, TestIndex};
use crate::policy::{Ended, Forgotten};
use crate::standing::{Standing, TestStanding};
use crate::states::Bond;

/// What is to be done when the run goes on after its controller died.
#[derive(Debug, Clone, Default)]
pub(super) struct Resumed {
    /// Tests that had ended for good without a last word on them.
    unsaid: Vec<TestIndex>,
    /// Remotes on which a test ran, until it ends.
    pub(super) adopted: BTreeSet<RemoteId>,
}

/// Where a test was when the controller died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It had not begun, or is to be run again.
    Waiting,
    Running(RemoteId),
    /// It had ended for good, and nobody said so.
    Over,
    Concluded,
}

impl Scheduler {
    /// A scheduler for this plan of a run that stands like this. Its first event must be [`RunEvent::Restarted`](atex_core::RunEvent::Restarted): then it goes on with the
    /// tests that ran, gives all other remotes back, and says the last words that were not said. Attempts that come to nothing because their
    /// controller died ([`Fault::Cancelled`](atex_core::Fault::Cancelled)) count against no limit. What failed before is forgiven the pools
    /// and the remotes.
    ///
    /// Tests that the run did not have are run as well. Remotes of pools that the plan does not have are left alone.
    pub fn resumed(plan: Plan, standing: &Standing) -> Self {
        let mut scheduler = Self::new(plan);
        let pools = scheduler.fleet.pools.iter().enumerate();
        let pools: HashMap<String, PoolIndex> =
            pools.map(|(index, pool)| (pool.name.clone(), index)).collect();
        let fates: Vec<Fate> = (0..scheduler.tests.len())
            .map(|index| match standing.tests.get(&scheduler.tests[index].plan.key()) {
                Some(found) => scheduler.recall(index, found, (&pools, standing)),
                None => Fate::Waiting,
            })
            .collect();
        let mut running = HashMap::new();
        for (index, fate) in fates.iter().enumerate() {
            match fate {
                Fate::Waiting => continue,
                Fate::Running(remote) => drop(running.insert(*remote, index)),
                Fate::Over if scheduler.tests[index].bond == Bond::None => {
                    scheduler.resumed.unsaid.push(index);
                }
                Fate::Over => continue,
                Fate::Concluded => scheduler.was_concluded(index),
            }
            scheduler.queue.take(index);
        }
        for (id, remote) in &standing.remotes {
            if let (Some(pool), true) = (pools.get(&remote.pool), standing.is_out(*id, &pools)) {
                let state = running.get(id).map_or(State::Releasing, |test| State::Running(*test));
                let kind = scheduler.queue.kind_of(*pool, &remote.facts);
                scheduler.fleet.restore(*id, (*pool, kind), state);
            }
        }
        scheduler.resumed.adopted = running.into_keys().collect();
        scheduler.fleet.count_from(standing.last_remote);
        (0..scheduler.tests.groups.len()).for_each(|group| scheduler.recall_group(group, &fates));
        for gang in 0..scheduler.tests.gangs.len() {
            scheduler.recall_gang(gang, &fates, standing);
        }
        scheduler
    }

    /// Takes in what is known of a test.
    fn recall(
        &mut self,
        index: TestIndex,
        found: &TestStanding,
        (pools, standing): (&HashMap<String, PoolIndex>, &Standing),
    ) -> Fate {
        self.tests[index].attempts = found.attempts;
        let mut again = true;
        for ended in &found.ended {
            let failure = ended.failure.as_ref();
            // A pool that is not there any more has no platform; whoever removed it wanted it so.
            let Some(pool) = pools.get(&ended.pool) else { continue };
            let test = &mut self.tests[index];
            test.take_in(*pool, &ended.outcome, failure);
            again = ended.orphaned;
            if !again {
                let remote = Forgotten::of(&self.fleet.pools[*pool]);
                let how = (&ended.outcome, failure);
                let ended = Ended::new(&self.tests, index, remote.view(), how);
                again = self.judge.should_rerun(&ended);
                let blame = ended.allowance();
                if again {
                    self.tests[index].count(blame);
                }
            }
        }
        let running = found.running.filter(|remote| standing.is_out(*remote, pools));
        match running {
            _ if found.concluded => Fate::Concluded,
            Some(remote) => Fate::Running(remote),
            None if again => Fate::Waiting,
            None => Fate::Over,
        }
    }

    fn was_concluded(&mut self, index: TestIndex) {
        self.tests[index].concluded = true;
        self.open -= 1;
        let class = self.queue.class_of(index);
        self.queue.classes[class].open -= 1;
    }

    /// The first of a group that is not concluded waits, unless it runs, or its last word is still to be said.
    fn recall_group(&mut self, group: usize, fates: &[Fate]) {
        let members = self.tests.groups[group].members.clone();
        let done = |test: &TestIndex| fates[*test] == Fate::Concluded;
        let at = members.iter().take_while(|test| done(test)).count();
        self.tests.groups[group].at = at;
        for test in &members {
            self.queue.take(*test);
        }
        match members.get(at).map(|test| (*test, fates[*test])) {
            Some((test, Fate::Waiting)) => self.push(test),
            Some((test, Fate::Over)) => self.resumed.unsaid.push(test),
            Some((_, Fate::Running(_) | Fate::Concluded)) | None => {}
        }
    }

    /// A gang waits as a whole, goes on as a whole, or is concluded as a whole.
    fn recall_gang(&mut self, gang: usize, fates: &[Fate], standing: &Standing) {
        let members = self.tests.gangs[gang].clone();
        let any = |is: fn(&Fate) -> bool| members.iter().any(|test| is(&fates[*test]));
        let running = members.iter().filter(|test| matches!(fates[**test], Fate::Running(_)));
        let left = running.count();
        let (waits, concluded) =
            (any(|fate| *fate == Fate::Waiting), any(|fate| *fate == Fate::Concluded));
        if left == 0 && waits && !concluded {
            return;
        }
        for test in &members {
            self.queue.take(*test);
        }
        if left > 0 {
            // Those that had not even begun begin with the others the next time.
            let barriers = self.recall_barriers(&members, fates, standing);
            self.go_on_with_gang(gang, left, (waits && !concluded, barriers));
        } else {
            self.resumed.unsaid.extend(members.iter().filter(|test| !self.tests[**test].concluded));
            self.forget_gang(gang);
        }
    }

    /// Where the tests of a gang have come that runs.
    fn recall_barriers(
        &self,
        members: &[TestIndex],
        fates: &[Fate],
        standing: &Standing,
    ) -> Barriers {
        let found = |test: &TestIndex| standing.tests.get(&self.tests[*test].plan.key());
        let runs = |test: &&TestIndex| matches!(fates[**test], Fate::Running(_));
        let began = members.iter().filter(runs).filter_map(found).map(|test| test.began).min();
        let mut barriers = Barriers::new(members.len());
        for (seat, test) in members.iter().enumerate() {
            // One that has not ended since did not begin with them: what it came to is of an attempt before.
            let is_of_now = |found: &&TestStanding| runs(&test) || Some(found.over) > began;
            for barrier in found(test).filter(is_of_now).iter().flat_map(|found| &found.barriers) {
                barriers.reach(seat, barrier);
            }
        }
        let left = members.iter().enumerate().filter(|(_, test)| !runs(test));
        left.for_each(|(seat, _)| drop(barriers.leave(seat)));
        barriers
    }

    pub(super) fn restarted(&mut self, actions: &mut Vec<Action>) {
        if self.phase != Phase::New {
            return;
        }
        self.phase = Phase::Running;
        for index in std::mem::take(&mut self.resumed.unsaid) {
            self.conclude(index, None, actions);
            if let Bond::Group(group) = self.tests[index].bond
                && let Some(next) = self.tests.advance(group)
            {
                self.push(next);
            }
        }
        for (remote, state) in self.fleet.states() {
            actions.push(match state {
                State::Running(test) => Action::Adopt {
                    remote,
                    attempt: self.tests[test].attempt(),
                    together: matches!(self.tests[test].bond, Bond::Gang(_)),
                },
                _ => Action::Release { remote },
            });
        }
    }
}
