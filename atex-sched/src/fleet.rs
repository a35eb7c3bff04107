//! [`Fleet`]: the remotes that are out, and the pools that they come from.

mod pool;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atex_core::{Facts, Failure, Fault, RemoteId, Retry};
use serde_json::Value;

use crate::plan::{Limits, PoolIndex, PoolPlan, TestIndex};
use crate::queue::KindIndex;
pub(crate) use pool::Pool;

/// The longest that a pool is left alone because it says that everything is taken, whatever it says when to come back.
const WAIT_MAX: Duration = Duration::from_secs(60 * 60);

/// Where a remote is in its life. One that was given back is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Requested,
    /// The request was withdrawn, the answer is awaited.
    Withdrawing,
    Preparing,
    /// Ready, with nothing to do. Only spares stay so, and who waits for the gang before its turn to gather.
    Idle,
    /// Ready, and kept for a test that waits for the rest of its gang.
    Held,
    Running(TestIndex),
    RollingBack,
    /// Kept out of use, so that it is not handed out once more.
    Quarantined,
    Releasing,
}

#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) pool: PoolIndex,
    pub(crate) kind: KindIndex,
    pub(crate) state: State,
    /// The test that it ran last.
    pub(crate) before: Option<TestIndex>,
    pub(crate) name: String,
    pub(crate) facts: Facts,
    pub(crate) notes: BTreeMap<String, Value>,
    /// How many tests it ran, how many passed, and how many failed here and passed elsewhere.
    pub(crate) ran: u32,
    pub(crate) passed: u32,
    pub(crate) strikes: u32,
    /// Whether it gets no more tests.
    bad: bool,
    /// How many failures its pool had seen when it was asked for.
    epoch: u64,
    /// Whether it ever ran a test.
    worked: bool,
}

impl Remote {
    /// One that is asked for, of a pool that has seen so many failures.
    fn new(pool: PoolIndex, epoch: u64) -> Self {
        Self {
            pool,
            kind: pool,
            state: State::Requested,
            before: None,
            name: String::new(),
            facts: Facts::new(),
            notes: BTreeMap::new(),
            ran: 0,
            passed: 0,
            strikes: 0,
            bad: false,
            epoch,
            worked: false,
        }
    }

    /// Whether it ever ran a test.
    pub(crate) fn has_worked(&self) -> bool {
        self.worked
    }

    /// Whether it gets no more tests.
    pub(crate) fn is_bad(&self) -> bool {
        self.bad
    }
}

/// Remotes of one kind that can be put to work, or sent away.
#[derive(Debug, Clone, Default)]
struct Pending {
    requested: BTreeSet<RemoteId>,
    preparing: BTreeSet<RemoteId>,
    idle: BTreeSet<RemoteId>,
}

impl Pending {
    fn of(&mut self, state: State) -> Option<&mut BTreeSet<RemoteId>> {
        match state {
            State::Requested => Some(&mut self.requested),
            State::Preparing => Some(&mut self.preparing),
            State::Idle => Some(&mut self.idle),
            State::Withdrawing
            | State::Held
            | State::Running(_)
            | State::RollingBack
            | State::Quarantined
            | State::Releasing => None,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    pub(crate) pools: Vec<Pool>,
    remotes: BTreeMap<RemoteId, Remote>,
    pending: Vec<Pending>,
    next: u32,
    limits: Limits,
}

impl Fleet {
    pub(crate) fn new(pools: &[PoolPlan], limits: &Limits) -> Self {
        Self {
            pools: pools.iter().map(Pool::new).collect(),
            remotes: BTreeMap::new(),
            pending: vec![Pending::default(); pools.len()],
            next: 1,
            limits: limits.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.remotes.is_empty()
    }

    pub(crate) fn get(&self, id: RemoteId) -> Option<&Remote> {
        self.remotes.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: RemoteId) -> Option<&mut Remote> {
        self.remotes.get_mut(&id)
    }

    pub(crate) fn state(&self, id: RemoteId) -> Option<State> {
        self.get(id).map(|remote| remote.state)
    }

    /// The remotes for which this holds.
    pub(crate) fn all(&self, holds: impl Fn(&Remote) -> bool) -> Vec<RemoteId> {
        self.remotes.iter().filter(|(_, remote)| holds(remote)).map(|(id, _)| *id).collect()
    }

    /// The remotes that are kept out of use.
    pub(crate) fn quarantined(&self) -> Vec<RemoteId> {
        if self.pools.iter().all(|pool| pool.quarantined == 0) {
            return Vec::new();
        }
        self.all(|remote| remote.state == State::Quarantined)
    }

    /// The newest remote of a kind in this state.
    pub(crate) fn newest(&mut self, kind: KindIndex, state: State) -> Option<RemoteId> {
        self.pending[kind].of(state)?.last().copied()
    }

    /// How many remotes of a kind are idle, are made ready, or are asked for.
    pub(crate) fn pending(&self, kind: KindIndex) -> [usize; 3] {
        self.pending
            .get(kind)
            .map_or([0; 3], |own| [own.idle.len(), own.preparing.len(), own.requested.len()])
    }

    /// The remotes that have nothing to do.
    pub(crate) fn idle(&self) -> Vec<RemoteId> {
        let mut idle: Vec<_> = self.pending.iter().flat_map(|own| &own.idle).copied().collect();
        idle.sort_unstable();
        idle
    }

    pub(crate) fn room(&self, pool: PoolIndex, now: Duration) -> usize {
        self.pools[pool].room(now, &self.limits)
    }

    /// How many remotes of a pool can still be at work at once.
    pub(crate) fn capacity(&self, pool: PoolIndex) -> usize {
        let pool = &self.pools[pool];
        if pool.is_given_up(&self.limits) {
            pool.prospects()
        } else {
            pool.max - pool.quarantined.min(pool.max)
        }
    }

    /// Whether no remote of this pool will ever run a test again.
    pub(crate) fn is_lost(&self, pool: PoolIndex) -> bool {
        let pool = &self.pools[pool];
        pool.is_given_up(&self.limits) && pool.prospects() == 0
    }

    /// What a lost pool failed of.
    pub(crate) fn why_lost(&self, pool: PoolIndex) -> String {
        let pool = &self.pools[pool];
        let why = match &pool.last_failure {
            _ if pool.quarantined >= pool.max => "all of its remotes are to blame for failures",
            Some(failure) => failure,
            None => "given up",
        };
        format!("pool {}: {why}", pool.name)
    }

    /// A new remote, which is asked for.
    pub(crate) fn add(&mut self, pool: PoolIndex) -> RemoteId {
        let id = RemoteId(self.next);
        self.next += 1;
        let remote = Remote::new(pool, self.pools[pool].epoch);
        self.remotes.insert(id, remote);
        self.pools[pool].requested += 1;
        self.pending[pool].requested.insert(id);
        id
    }

    /// A remote of another life of the run, which is not to be idle.
    pub(crate) fn restore(&mut self, id: RemoteId, kind: (PoolIndex, KindIndex), state: State) {
        let (pool, kind) = kind;
        if self.pending.len() <= kind {
            self.pending.resize_with(kind + 1, Pending::default);
        }
        let before = match state {
            State::Running(test) => Some(test),
            _ => None,
        };
        let remote = Remote {
            kind,
            state,
            before,
            worked: before.is_some(),
            ..Remote::new(pool, self.pools[pool].epoch)
        };
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

    /// A remote that was asked for is there, is called this, and is of this kind. Says whether it was found to be bad before.
    pub(crate) fn arrived(
        &mut self,
        id: RemoteId,
        (name, facts): (&str, &Facts),
        kind: KindIndex,
    ) -> bool {
        if self.pending.len() <= kind {
            self.pending.resize_with(kind + 1, Pending::default);
        }
        let Some(remote) = self.remotes.get_mut(&id) else { return false };
        if let Some(pending) = self.pending[remote.kind].of(remote.state) {
            pending.remove(&id);
        }
        remote.kind = kind;
        name.clone_into(&mut remote.name);
        remote.facts.clone_from(facts);
        if let Some(pending) = self.pending[kind].of(remote.state) {
            pending.insert(id);
        }
        self.pools[remote.pool].bad.contains(name)
    }

    /// This remote gets no more tests, nor does any that comes with its name.
    pub(crate) fn blame(&mut self, id: RemoteId) {
        if let Some(remote) = self.remotes.get_mut(&id) {
            remote.bad = true;
            self.pools[remote.pool].bad.insert(remote.name.clone());
        }
    }

    /// Moves a remote on.
    pub(crate) fn set(&mut self, id: RemoteId, state: State) {
        let Some(remote) = self.remotes.get_mut(&id) else { return };
        let pool = &mut self.pools[remote.pool];
        *pool.count(remote.state) -= 1;
        *pool.count(state) += 1;
        match state {
            State::Running(test) => {
                remote.worked = true;
                (pool.failures, pool.waits) = (0, 0);
                remote.before = Some(test);
                remote.ran += 1;
            }
            // What failed while this one worked tells nothing of what comes when its place is free.
            State::Releasing if remote.worked => (pool.failures, pool.waits) = (0, 0),
            State::Requested
            | State::Withdrawing
            | State::Preparing
            | State::Idle
            | State::Held
            | State::RollingBack
            | State::Quarantined
            | State::Releasing => {}
        }
        let pending = &mut self.pending[remote.kind];
        pending.of(remote.state).map(|before| before.remove(&id));
        pending.of(state).map(|now| now.insert(id));
        remote.state = state;
    }

    /// Forgets a remote that is gone.
    pub(crate) fn remove(&mut self, id: RemoteId) {
        if let Some(remote) = self.remotes.remove(&id) {
            *self.pools[remote.pool].count(remote.state) -= 1;
            if let Some(pending) = self.pending[remote.kind].of(remote.state) {
                pending.remove(&id);
            }
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
