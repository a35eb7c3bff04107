//! [`Fleet`]: the remotes that are out, and the pools that they come from.

use std::collections::BTreeMap;
use std::time::Duration;

use atex_core::{Failure, Fault, RemoteId, Retry};

use crate::plan::{Limits, Plan};
use crate::queue::{PoolIndex, TestIndex};

/// The longest that a pool is left alone because it says that everything is taken, whatever it says when to come back.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// Where a remote is in its life. One that was given back is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Requested,
    /// The request was withdrawn, the answer is awaited.
    Withdrawing,
    Preparing,
    /// Ready, with nothing to do. Nobody stays so: the scheduler gives it a test or releases it in the same step.
    Idle,
    Running(TestIndex),
    Releasing,
}

#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) pool: PoolIndex,
    pub(crate) state: State,
    /// The test that it ran last.
    pub(crate) before: Option<TestIndex>,
    /// How many failures its pool had seen when it was asked for.
    epoch: u64,
    /// Whether it was ever ready.
    worked: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) platform: String,
    max: usize,
    /// Remotes by state; see [`State`].
    pub(crate) requested: usize,
    pub(crate) preparing: usize,
    /// Idle and running ones.
    working: usize,
    /// Withdrawn and released ones, of which the end is awaited.
    leaving: usize,
    /// Failures in a row, and answers in a row that everything is taken.
    failures: u32,
    waits: u32,
    /// All failures that counted, ever.
    epoch: u64,
    /// Left alone until then.
    rests_until: Duration,
    /// A failure that no retry can mend.
    broken: bool,
    last_failure: Option<String>,
}

impl Pool {
    fn count(&mut self, state: State) -> &mut usize {
        match state {
            State::Requested => &mut self.requested,
            State::Preparing => &mut self.preparing,
            State::Idle | State::Running(_) => &mut self.working,
            State::Withdrawing | State::Releasing => &mut self.leaving,
        }
    }

    /// How many more remotes it may have now.
    fn room(&self, now: Duration, limits: &Limits) -> usize {
        if now < self.rests_until || self.is_given_up(limits) {
            return 0;
        }
        self.max.saturating_sub(self.requested + self.preparing + self.working + self.leaving)
    }

    fn is_given_up(&self, limits: &Limits) -> bool {
        let spent = self.failures >= limits.pool_failures.max(1)
            || self.waits >= limits.capacity_waits.max(1);
        self.broken || (spent && !self.has_prospects())
    }

    /// Whether a remote of it runs tests, or may yet.
    fn has_prospects(&self) -> bool {
        self.requested + self.preparing + self.working > 0
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(crate) pools: Vec<Pool>,
    remotes: BTreeMap<RemoteId, Remote>,
    next: u32,
    /// The remote that has nothing to do, of which there is one at most: that of the event which is being handled.
    idle: Option<RemoteId>,
    limits: Limits,
}

impl Fleet {
    pub(crate) fn new(plan: &Plan) -> Self {
        let pools = plan.pools.iter().map(|pool| Pool {
            name: pool.name.clone(),
            platform: pool.platform.clone(),
            max: pool.max,
            requested: 0,
            preparing: 0,
            working: 0,
            leaving: 0,
            failures: 0,
            waits: 0,
            epoch: 0,
            rests_until: Duration::ZERO,
            broken: false,
            last_failure: None,
        });
        Self {
            pools: pools.collect(),
            remotes: BTreeMap::new(),
            next: 1,
            idle: None,
            limits: plan.limits.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.remotes.is_empty()
    }

    pub(crate) fn get(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(&id)
    }

    pub(crate) fn state(&self, id: RemoteId) -> Option<State> {
        self.get(id).map(|remote| remote.state)
    }

    /// The remotes that run a test.
    pub(crate) fn running(&self) -> impl Iterator<Item = RemoteId> {
        let running = |remote: &Remote| matches!(remote.state, State::Running(_));
        self.remotes.iter().filter(move |(_, remote)| running(remote)).map(|(id, _)| *id)
    }

    /// The newest remote of a pool in this state.
    pub(crate) fn newest(&self, pool: PoolIndex, state: State) -> Option<RemoteId> {
        let wanted = |remote: &Remote| remote.pool == pool && remote.state == state;
        self.remotes.iter().rev().find(|(_, remote)| wanted(remote)).map(|(id, _)| *id)
    }

    /// The remote that has nothing to do, with its pool.
    pub(crate) fn idle(&self) -> Option<(RemoteId, PoolIndex)> {
        let id = self.idle?;
        self.get(id).map(|remote| (id, remote.pool))
    }

    pub(crate) fn room(&self, pool: PoolIndex, now: Duration) -> usize {
        self.pools[pool].room(now, &self.limits)
    }

    /// Whether no remote of this pool will ever run a test again.
    pub(crate) fn is_lost(&self, pool: PoolIndex) -> bool {
        let pool = &self.pools[pool];
        pool.is_given_up(&self.limits) && !pool.has_prospects()
    }

    /// What a lost pool failed of.
    pub(crate) fn why_lost(&self, pool: PoolIndex) -> String {
        let pool = &self.pools[pool];
        format!("pool {}: {}", pool.name, pool.last_failure.as_deref().unwrap_or("given up"))
    }

    /// A new remote, which is asked for.
    pub(crate) fn add(&mut self, pool: PoolIndex) -> RemoteId {
        let id = RemoteId(self.next);
        self.next += 1;
        let epoch = self.pools[pool].epoch;
        let remote = Remote { pool, state: State::Requested, before: None, epoch, worked: false };
        self.remotes.insert(id, remote);
        self.pools[pool].requested += 1;
        id
    }

    /// A remote of another life of the run, which is not to be idle.
    pub(crate) fn restore(&mut self, id: RemoteId, pool: PoolIndex, state: State) {
        let before = match state {
            State::Running(test) => Some(test),
            _ => None,
        };
        let epoch = self.pools[pool].epoch;
        let remote = Remote { pool, state, before, epoch, worked: before.is_some() };
        *self.pools[pool].count(state) += 1;
        self.remotes.insert(id, remote);
    }

    /// Gives no number up to this one to a new remote.
    pub(crate) fn count_from(&mut self, last: u32) {
        self.next = self.next.max(last.saturating_add(1));
    }

    /// All remotes, as they are now.
    pub(crate) fn states(&self) -> Vec<(RemoteId, State)> {
        self.remotes.iter().map(|(id, remote)| (*id, remote.state)).collect()
    }

    /// Moves a remote on.
    pub(crate) fn set(&mut self, id: RemoteId, state: State) {
        let Some(remote) = self.remotes.get_mut(&id) else { return };
        let pool = &mut self.pools[remote.pool];
        *pool.count(remote.state) -= 1;
        *pool.count(state) += 1;
        match state {
            State::Idle => {
                remote.worked = true;
                (pool.failures, pool.waits) = (0, 0);
            }
            State::Running(test) => remote.before = Some(test),
            // What failed while this one worked tells nothing of what comes when its place is free.
            State::Releasing if remote.worked => (pool.failures, pool.waits) = (0, 0),
            State::Requested | State::Withdrawing | State::Preparing | State::Releasing => {}
        }
        if self.idle == Some(id) {
            self.idle = None;
        }
        if state == State::Idle {
            self.idle = Some(id);
        }
        remote.state = state;
    }

    /// Forgets a remote that is gone.
    pub(crate) fn remove(&mut self, id: RemoteId) {
        if let Some(remote) = self.remotes.remove(&id) {
            *self.pools[remote.pool].count(remote.state) -= 1;
        }
    }

    /// The pool of this remote, which has not worked yet, failed to yield it. Says when the pool may be asked again, if it has
    /// to be left alone for a while.
    pub(crate) fn failed(
        &mut self,
        id: RemoteId,
        failure: &Failure,
        now: Duration,
    ) -> Option<Duration> {
        let remote = self.remotes.get(&id)?;
        let pool = &mut self.pools[remote.pool];
        if pool.broken {
            return None;
        }
        pool.last_failure = Some(failure.message.clone());
        if failure.fault == Fault::Usage || failure.retry == Retry::Never {
            pool.broken = true;
            return None;
        }
        if remote.epoch < pool.epoch {
            // It was asked for before the last failure, so it is another sign of the same trouble.
            return None;
        }
        let rest = match failure.retry {
            Retry::SameRemote { after } => {
                pool.waits += 1;
                after.min(WAIT_MAX).max(self.limits.backoff)
            }
            Retry::NewRemote | Retry::Never => {
                pool.failures = pool.failures.saturating_add(1);
                let doubled = 1 << (pool.failures - 1).min(16);
                self.limits.backoff.saturating_mul(doubled).min(self.limits.backoff_max)
            }
        };
        pool.epoch += 1;
        pool.rests_until = now.saturating_add(rest);
        Some(pool.rests_until)
    }
}
