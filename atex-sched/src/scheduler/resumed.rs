//! How a scheduler takes up a run whose controller died.

use std::collections::{BTreeSet, HashMap};

use atex_core::RemoteId;

use super::{LastAttempt, Phase, Scheduler};
use crate::action::Action;
use crate::fleet::State;
use crate::plan::Plan;
use crate::queue::{PoolIndex, TestIndex};
use crate::standing::Standing;

/// What is to be done when the run goes on after its controller died.
#[derive(Debug, Clone, Default)]
pub(super) struct Resumed {
    /// Tests that had ended for good without a last word on them.
    pub(super) unsaid: Vec<TestIndex>,
    /// Remotes on which a test ran, until it ends.
    pub(super) adopted: BTreeSet<RemoteId>,
}

impl Scheduler {
    /// A scheduler for this plan of a run that stands like this. Its first event must be [`RunEvent::Restarted`](atex_core::RunEvent::Restarted): then it goes on with the
    /// tests that ran, gives all other remotes back, and says the last words that were not said. Attempts that come to nothing because their
    /// controller died ([`Fault::Cancelled`](atex_core::Fault::Cancelled)) count against no limit. What failed before is forgiven the pools.
    ///
    /// Tests that the run did not have are run as well. Remotes of pools that the plan does not have are left alone.
    pub fn resumed(plan: Plan, standing: &Standing) -> Self {
        let mut scheduler = Self::new(plan);
        let pools: HashMap<String, PoolIndex> = scheduler
            .fleet
            .pools
            .iter()
            .enumerate()
            .map(|(index, pool)| (pool.name.clone(), index))
            .collect();
        let mut running = HashMap::new();
        for index in 0..scheduler.tests.len() {
            let test = &mut scheduler.tests[index];
            let Some(found) = standing.tests.get(&test.plan.key()) else { continue };
            test.attempts = found.attempts;
            let mut again = true;
            for ended in &found.ended {
                let failure = ended.failure.as_ref();
                // A pool that is not there any more has no platform; whoever removed it wanted it so.
                let Some(pool) = pools.get(&ended.pool) else { continue };
                test.last = Some(LastAttempt::new(&ended.outcome, failure, *pool));
                again = ended.orphaned || test.may_run_again(&scheduler.limits, failure);
            }
            if found.concluded {
                scheduler.open -= 1;
            } else if let Some(remote) =
                found.running.filter(|remote| standing.is_out(*remote, &pools))
            {
                running.insert(remote, index);
            } else if !again {
                scheduler.resumed.unsaid.push(index);
            } else {
                continue;
            }
            scheduler.queue.remove(index);
        }
        for (id, remote) in &standing.remotes {
            if let (Some(pool), true) = (pools.get(&remote.pool), standing.is_out(*id, &pools)) {
                let state = running.get(id).map_or(State::Releasing, |test| State::Running(*test));
                scheduler.fleet.restore(*id, *pool, state);
            }
        }
        scheduler.resumed.adopted = running.into_keys().collect();
        scheduler.fleet.count_from(standing.last_remote);
        scheduler
    }

    pub(super) fn restarted(&mut self, actions: &mut Vec<Action>) {
        if self.phase != Phase::New {
            return;
        }
        self.phase = Phase::Running;
        for index in std::mem::take(&mut self.resumed.unsaid) {
            self.conclude(index, None, actions);
        }
        for (remote, state) in self.fleet.states() {
            actions.push(match state {
                State::Running(test) => {
                    Action::Adopt { remote, attempt: self.tests[test].attempt() }
                }
                _ => Action::Release { remote },
            });
        }
    }
}
