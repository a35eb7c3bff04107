//! [`Pool`]: how many remotes of a pool there are, and how it fares.

use std::collections::HashSet;
use std::time::Duration;

use super::State;
use crate::plan::{Limits, PoolPlan};

/// A pool, as far as its remotes are concerned.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub(crate) name: String,
    pub(crate) platform: String,
    pub(crate) max: usize,
    pub(crate) min: usize,
    pub(crate) spares: usize,
    /// Remotes by state; see [`State`].
    pub(super) requested: usize,
    pub(super) preparing: usize,
    /// Those that have a test, or will have one.
    pub(crate) working: usize,
    pub(super) idle: usize,
    /// Withdrawn and released ones, of which the end is awaited.
    pub(super) leaving: usize,
    pub(super) quarantined: usize,
    /// Failures in a row, and answers in a row that everything is taken.
    pub(super) failures: u32,
    pub(super) waits: u32,
    /// All failures that counted, ever.
    pub(super) epoch: u64,
    /// Left alone until then.
    pub(super) rests_until: Duration,
    /// A failure that no retry can mend.
    pub(super) broken: bool,
    pub(super) last_failure: Option<String>,
    /// The names of remotes that get no tests.
    pub(super) bad: HashSet<String>,
}

impl Pool {
    pub(super) fn new(plan: &PoolPlan) -> Self {
        Self {
            name: plan.name.clone(),
            platform: plan.platform.clone(),
            max: plan.max,
            min: plan.min,
            spares: plan.spares,
            requested: 0,
            preparing: 0,
            working: 0,
            idle: 0,
            leaving: 0,
            quarantined: 0,
            failures: 0,
            waits: 0,
            epoch: 0,
            rests_until: Duration::ZERO,
            broken: false,
            last_failure: None,
            bad: HashSet::new(),
        }
    }

    pub(super) fn count(&mut self, state: State) -> &mut usize {
        match state {
            State::Requested => &mut self.requested,
            State::Preparing => &mut self.preparing,
            State::Idle => &mut self.idle,
            State::Held | State::Running(_) | State::RollingBack => &mut self.working,
            State::Withdrawing | State::Releasing => &mut self.leaving,
            State::Quarantined => &mut self.quarantined,
        }
    }

    pub(super) fn out(&self) -> usize {
        self.prospects() + self.leaving + self.quarantined
    }

    /// How many more remotes it may have now.
    pub(super) fn room(&self, now: Duration, limits: &Limits) -> usize {
        if now < self.rests_until || self.is_given_up(limits) {
            return 0;
        }
        self.max.saturating_sub(self.out())
    }

    pub(super) fn is_given_up(&self, limits: &Limits) -> bool {
        let spent = self.failures >= limits.pool_failures.max(1)
            || self.waits >= limits.capacity_waits.max(1);
        self.broken || self.quarantined >= self.max || (spent && self.prospects() == 0)
    }

    /// How many remotes of it run tests, or may yet.
    pub(super) fn prospects(&self) -> usize {
        self.requested + self.preparing + self.working + self.idle
    }
}
