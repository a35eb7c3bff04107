//! [`Queue`]: the tests that wait, and which of them a pool should run next.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::plan::Plan;

/// A test by its position in the plan.
pub(crate) type TestIndex = usize;
/// A pool by its position in the plan.
pub(crate) type PoolIndex = usize;

/// The order of a lane: longest declared duration first, then those without one; ties in the order of the suite.
type Rank = (Reverse<Option<Duration>>, TestIndex);

/// The tests that wait. Tests that the same pools can run share a lane, so that finding the next one for a pool costs
/// O(log n) for each of its lanes, of which there are few: one, if every pool can run everything.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    lanes: Vec<Lane>,
    /// The lane and the rank of each test.
    places: Vec<(usize, Rank)>,
    /// The lanes that each pool serves.
    served: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// The pools that can run its tests, in the order of the plan.
    pub(crate) pools: Vec<PoolIndex>,
    waiting: BTreeSet<Rank>,
}

impl Queue {
    /// A queue in which all tests of the plan wait.
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut queue = Self {
            lanes: Vec::new(),
            places: Vec::new(),
            served: vec![Vec::new(); plan.pools.len()],
        };
        let mut lanes: HashMap<Vec<PoolIndex>, usize> = HashMap::new();
        for (index, test) in plan.tests.iter().enumerate() {
            let can_run = |pool: &PoolIndex| {
                let there = &plan.pools[*pool];
                there.max > 0
                    && test.wanted.as_ref().is_none_or(|wanted| *wanted == there.platform)
                    && test.pools.as_ref().is_none_or(|only| only.contains(pool))
            };
            let pools: Vec<PoolIndex> = (0..plan.pools.len()).filter(can_run).collect();
            let lane = *lanes.entry(pools).or_insert_with_key(|pools| queue.add_lane(pools));
            queue.places.push((lane, (Reverse(test.duration), index)));
            queue.push(index);
        }
        queue
    }

    fn add_lane(&mut self, pools: &[PoolIndex]) -> usize {
        let lane = self.lanes.len();
        self.lanes.push(Lane { pools: pools.to_vec(), waiting: BTreeSet::new() });
        for pool in pools {
            self.served[*pool].push(lane);
        }
        lane
    }

    /// Lets a test wait.
    pub(crate) fn push(&mut self, test: TestIndex) {
        let (lane, rank) = self.places[test];
        self.lanes[lane].waiting.insert(rank);
    }

    /// Takes a test out, if it waits.
    pub(crate) fn remove(&mut self, test: TestIndex) {
        let (lane, rank) = self.places[test];
        self.lanes[lane].waiting.remove(&rank);
    }

    /// Takes the next test for a remote of this pool. The test that the remote ran just before is taken only if no other
    /// waits: another remote may do better with it.
    pub(crate) fn pick(&mut self, pool: PoolIndex, before: Option<TestIndex>) -> Option<TestIndex> {
        let lanes = || self.served[pool].iter().map(|lane| &self.lanes[*lane].waiting);
        let fresh = |rank: &&Rank| Some(rank.1) != before;
        let rank = lanes()
            .filter_map(|waiting| waiting.iter().find(fresh))
            .min()
            .or_else(|| lanes().filter_map(BTreeSet::first).min())
            .copied()?;
        let (lane, _) = self.places[rank.1];
        self.lanes[lane].waiting.remove(&rank);
        Some(rank.1)
    }

    /// Takes all tests out of the lanes for which this holds, in the order of the suite within each lane.
    pub(crate) fn drain(&mut self, mut hopeless: impl FnMut(&Lane) -> bool) -> Vec<TestIndex> {
        let mut drained = Vec::new();
        for lane in &mut self.lanes {
            if !lane.waiting.is_empty() && hopeless(lane) {
                drained.extend(std::mem::take(&mut lane.waiting).into_iter().map(|rank| rank.1));
            }
        }
        drained.sort_unstable();
        drained
    }

    /// The pools that can run a test.
    pub(crate) fn pools_of(&self, test: TestIndex) -> &[PoolIndex] {
        &self.lanes[self.places[test].0].pools
    }

    /// What waits, for remotes to be set against.
    pub(crate) fn demand(&self) -> Demand<'_> {
        Demand {
            queue: self,
            open: self.lanes.iter().map(|lane| lane.waiting.len()).collect(),
            taken: self.lanes.iter().map(|lane| vec![0; lane.pools.len()]).collect(),
        }
    }
}

/// Sets remotes against waiting tests, one for one: who can still be put to work, and how many more are worth having.
///
/// This is a maximum matching between pools and lanes, grown along augmenting paths, so a remote that is set against a test
/// stays so when more remotes are added, though perhaps for another test.
#[derive(Debug)]
pub(crate) struct Demand<'a> {
    queue: &'a Queue,
    /// For each lane, how many of its tests have no remote yet.
    open: Vec<usize>,
    /// For each lane and each of its pools, how many remotes of the pool are set against tests of the lane.
    taken: Vec<Vec<usize>>,
}

impl Demand<'_> {
    /// Sets up to `remotes` more remotes of this pool against tests; says how many there was work for.
    pub(crate) fn take(&mut self, pool: PoolIndex, remotes: usize) -> usize {
        let mut placed = 0;
        while placed < remotes {
            let mut visited = vec![false; self.open.len()];
            match self.place(pool, remotes - placed, &mut visited) {
                0 => break,
                count => placed += count,
            }
        }
        placed
    }

    fn place(&mut self, pool: PoolIndex, remotes: usize, visited: &mut [bool]) -> usize {
        let queue = self.queue;
        for lane in &queue.served[pool] {
            if self.open[*lane] > 0 {
                let count = remotes.min(self.open[*lane]);
                self.open[*lane] -= count;
                *self.slot(*lane, pool) += count;
                return count;
            }
        }
        for lane in &queue.served[pool] {
            if std::mem::replace(&mut visited[*lane], true) {
                continue;
            }
            for (position, other) in queue.lanes[*lane].pools.iter().enumerate() {
                let movable = remotes.min(self.taken[*lane][position]);
                if *other == pool || movable == 0 {
                    continue;
                }
                // If remotes of the other pool find work elsewhere, ours can have theirs.
                let count = self.place(*other, movable, visited);
                if count > 0 {
                    self.taken[*lane][position] -= count;
                    *self.slot(*lane, pool) += count;
                    return count;
                }
            }
        }
        0
    }

    fn slot(&mut self, lane: usize, pool: PoolIndex) -> &mut usize {
        let position = self.queue.lanes[lane].pools.partition_point(|other| *other < pool);
        &mut self.taken[lane][position]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PoolPlan, TestPlan};
    use atex_core::TestName;

    fn queue(pools: usize, tests: &[(Option<u64>, &[usize])]) -> Queue {
        let tests = tests.iter().enumerate().map(|(index, (seconds, pools))| {
            let mut test =
                TestPlan::new(TestName::new(format!("/{index}")).unwrap()).only(pools.to_vec());
            test.duration = seconds.map(Duration::from_secs);
            test
        });
        let plan = (0..pools)
            .fold(Plan::new(tests), |plan, pool| plan.pool(PoolPlan::new(format!("p{pool}"), 9)));
        Queue::new(&plan)
    }

    #[test]
    fn the_longest_goes_first_and_ties_keep_the_order() {
        let mut queue = queue(
            1,
            &[(None, &[0]), (Some(5), &[0]), (Some(9), &[0]), (None, &[0]), (Some(5), &[0])],
        );
        let order: Vec<_> = std::iter::from_fn(|| queue.pick(0, None)).collect();
        assert_eq!(order, [2, 1, 4, 0, 3]);
    }

    #[test]
    fn a_pool_takes_what_it_can_run_from_any_lane() {
        let mut queue = queue(2, &[(Some(1), &[0]), (Some(9), &[1]), (Some(5), &[0, 1])]);
        assert_eq!(queue.pick(0, None), Some(2));
        assert_eq!(queue.pick(0, None), Some(0));
        assert_eq!(queue.pick(0, None), None);
        assert_eq!(queue.pick(1, None), Some(1));
    }

    #[test]
    fn the_test_that_ran_just_before_waits_for_another_remote_if_it_can() {
        let mut queue = queue(1, &[(Some(9), &[0]), (None, &[0])]);
        assert_eq!(queue.pick(0, Some(0)), Some(1));
        assert_eq!(queue.pick(0, Some(0)), Some(0));
    }

    #[test]
    fn demand_moves_remotes_to_other_lanes_to_make_room() {
        let queue = queue(2, &[(None, &[0, 1]), (None, &[0])]);
        let mut demand = queue.demand();
        assert_eq!(demand.take(0, 1), 1);
        assert_eq!(demand.take(1, 1), 1, "the remote of pool 0 can run the other test");
        assert_eq!(demand.take(0, 5), 0, "both tests have a remote");
    }
}
