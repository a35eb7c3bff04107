//! What must hold after every event: whoever is idle gets a test or goes, tests that nobody can run are concluded, and as many remotes are on
//! their way as there is work for.

use std::time::Duration;

use atex_core::RemoteId;

use super::{Phase, Scheduler};
use crate::action::{Action, Peer};
use crate::demand::Demand;
use crate::fleet::State;
use crate::plan::{PoolIndex, TestIndex};
use crate::policy::Waiting;
use crate::queue::KindIndex;
use crate::states::Bond;

impl Scheduler {
    /// Makes it true again.
    pub(super) fn settle(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if matches!(self.phase, Phase::New | Phase::Finished) {
            return;
        }
        loop {
            self.employ_all(actions);
            self.give_up_hopeless(actions);
            self.give_up_gangs(actions);
            // Whoever gave up may have left remotes, or let another gang begin.
            if !self.news {
                break;
            }
        }
        self.balance(now, actions);
        if let Some(remote) = self.arrived.take()
            && self.fleet.state(remote) == Some(State::Preparing)
        {
            actions.push(Action::Prepare { remote });
        }
        if self.open == 0 || self.phase == Phase::Interrupted {
            for remote in self.fleet.quarantined() {
                self.release(remote, actions);
            }
        }
        if self.open == 0 && self.fleet.is_empty() {
            self.phase = Phase::Finished;
            actions.push(Action::Finish);
        }
    }

    /// Gives work to those who are idle.
    fn employ_all(&mut self, actions: &mut Vec<Action>) {
        if let Some(remote) = self.freed.take() {
            self.employ(remote, actions);
        }
        while std::mem::take(&mut self.news) {
            for remote in self.fleet.idle() {
                self.employ(remote, actions);
            }
        }
    }

    fn employ(&mut self, id: RemoteId, actions: &mut Vec<Action>) {
        if self.fleet.state(id) != Some(State::Idle) {
            return;
        }
        let Some(remote) = self.fleet.get(id) else { return };
        if remote.is_bad() {
            return self.release(id, actions);
        }
        let (kind, fresh) = (remote.kind, remote.ran == 0);
        if self.join_gang(id, actions) {
            return;
        }
        let line = self.queue.line(&self.tests, (id, kind), self.gangs.is_free());
        if line.is_empty() {
            return;
        }
        let next = self
            .view(id)
            .and_then(|view| self.judge.next_test(&view, &Waiting::new(&self.tests, line)));
        match next {
            None => {
                if fresh {
                    self.refused(kind);
                }
                self.release(id, actions);
            }
            Some(index) => match self.tests[index].bond {
                Bond::Gang(gang) => {
                    self.gather(gang);
                    self.join_gang(id, actions);
                }
                Bond::None | Bond::Group(_) => {
                    self.queue.take(index);
                    self.start(id, index, Vec::new(), actions);
                }
            },
        }
    }

    /// Starts a test on a remote.
    pub(super) fn start(
        &mut self,
        remote: RemoteId,
        index: TestIndex,
        together: Vec<Peer>,
        actions: &mut Vec<Action>,
    ) {
        self.tests[index].attempts += 1;
        self.fleet.set(remote, State::Running(index));
        let pool = self.fleet.get(remote).map(|remote| remote.pool);
        let class = self.queue.class_of(index);
        if let Some(service) = pool.and_then(|pool| self.queue.classes[class].service(pool)) {
            service.refused = 0;
        }
        let attempt = self.tests[index].attempt();
        actions.push(Action::Run { remote, attempt, together });
    }

    /// A remote of this pool turned out to be of this kind: counts the classes that it should have served and does not.
    pub(super) fn compare(&mut self, pool: PoolIndex, kind: KindIndex) {
        let cap = self.patience(pool);
        for class in self.queue.kinds[pool].classes.clone() {
            let fits = self.queue.kinds[kind].classes.contains(&class);
            let Some(service) = self.queue.classes[class].service(pool) else { continue };
            service.misfits = if fits { 0 } else { service.misfits + 1 };
            if service.misfits >= cap {
                self.lose(class, pool);
            }
        }
    }

    /// How many remotes in a row may disappoint. All that there are at once are seen, even if some are handed out twice.
    fn patience(&self, pool: PoolIndex) -> u32 {
        let twice = u32::try_from(self.fleet.pools[pool].max).unwrap_or(u32::MAX).saturating_mul(2);
        self.tests.limits.pool_failures.max(1).max(twice.min(1000))
    }

    /// The policy had no test for a fresh remote of this kind, though some wait that it could run.
    fn refused(&mut self, kind: KindIndex) {
        let pool = self.queue.kinds[kind].pool;
        let cap = self.patience(pool);
        for class in self.queue.kinds[kind].classes.clone() {
            if self.queue.classes[class].wanting() == 0 {
                continue;
            }
            let Some(service) = self.queue.classes[class].service(pool) else { continue };
            service.refused += 1;
            if service.refused >= cap {
                self.lose(class, pool);
            }
        }
    }

    /// No more remotes of this pool are asked for on behalf of this class, unless one that serves it is there.
    fn lose(&mut self, class: usize, pool: PoolIndex) {
        let kinds = &self.queue.kinds;
        let serving = self.fleet.all(|remote| {
            let there =
                matches!(remote.state, State::Running(_) | State::Held | State::RollingBack);
            there && remote.pool == pool && kinds[remote.kind].classes.contains(&class)
        });
        if !serving.is_empty() {
            return;
        }
        for kind in self.queue.kinds.iter_mut().filter(|kind| kind.pool == pool) {
            kind.classes.retain(|other| *other != class);
        }
        if let Some(service) = self.queue.classes[class].service(pool) {
            service.lost = true;
        }
        self.gangs.look_again();
    }

    fn give_up_hopeless(&mut self, actions: &mut Vec<Action>) {
        let fleet = &self.fleet;
        let hopeless = self.queue.drain(|class| {
            class.services.iter().all(|service| service.lost || fleet.is_lost(service.pool))
        });
        for index in hopeless {
            let reason = self.why_hopeless(index);
            match self.tests[index].bond {
                Bond::None => self.conclude(index, Some(&reason), actions),
                Bond::Gang(gang) => self.give_up_gang(gang, &reason, actions),
                Bond::Group(group) => {
                    let group = &mut self.tests.groups[group];
                    let left = group.members.split_off(group.at);
                    left.into_iter().for_each(|test| self.conclude(test, Some(&reason), actions));
                }
            }
        }
    }

    fn why_hopeless(&self, index: TestIndex) -> String {
        let class = &self.queue.classes[self.queue.class_of(index)];
        let needs: Vec<String> = class.needs.iter().map(ToString::to_string).collect();
        let needs = needs.join("; ");
        let lacking = |who: &str| match (&self.tests[index].plan.wanted, needs.as_str()) {
            (None, "") => format!("{who} can run it"),
            (Some(platform), "") => format!("{who} of the platform {platform} can run it"),
            (None, needs) => format!("{who} has what it needs: {needs}"),
            (Some(platform), needs) => {
                format!("{who} of the platform {platform} has what it needs: {needs}")
            }
        };
        if class.services.is_empty() {
            return lacking("no pool");
        }
        let reasons: Vec<String> = class
            .services
            .iter()
            .map(|service| match (self.fleet.is_lost(service.pool), service.misfits) {
                (true, _) => self.fleet.why_lost(service.pool),
                (false, 0) => format!(
                    "pool {}: the policy gave it to none of its remotes",
                    self.fleet.pools[service.pool].name
                ),
                (false, seen) => {
                    let name = &self.fleet.pools[service.pool].name;
                    lacking(&format!("pool {name}: none of {seen} remotes"))
                }
            })
            .collect();
        reasons.join("; ")
    }

    /// Withdraws and releases what no test needs, and asks for what is missing.
    fn balance(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let (pools, kinds) = (self.fleet.pools.len(), self.queue.kinds.len());
        // So it is nearly always: everybody runs a test.
        let full = (0..pools).all(|pool| self.fleet.room(pool, now) == 0);
        if full && (0..kinds).all(|kind| self.fleet.pending(kind) == [0; 3]) {
            return;
        }
        let room: Vec<usize> = (0..pools).map(|pool| self.fleet.room(pool, now)).collect();
        let pending: Vec<[usize; 3]> = (0..kinds).map(|kind| self.fleet.pending(kind)).collect();
        let mut demand = Demand::of(&self.queue);
        let mut surplus = pending.clone();
        // Who is nearest to being ready has the first claim on a test.
        for stage in 0..3 {
            for kind in 0..kinds {
                surplus[kind][stage] -= demand.take(kind, pending[kind][stage]);
            }
        }
        let mut missing: Vec<usize> =
            (0..pools).map(|pool| demand.take(pool, room[pool])).collect();
        for pool in 0..pools {
            let used: usize = (0..kinds)
                .filter(|kind| self.queue.kinds[*kind].pool == pool)
                .map(|kind| {
                    pending[kind].iter().sum::<usize>() - surplus[kind].iter().sum::<usize>()
                })
                .sum();
            let mut keep = self.to_keep(pool, used + missing[pool]);
            let own = |kind: &KindIndex| self.queue.kinds[*kind].pool == pool;
            for (stage, kind) in (0..3).flat_map(|stage| (0..kinds).map(move |kind| (stage, kind)))
            {
                if own(&kind) {
                    let kept = keep.min(surplus[kind][stage]);
                    surplus[kind][stage] -= kept;
                    keep -= kept;
                }
            }
            missing[pool] += keep.min(room[pool] - missing[pool]);
        }
        self.carry_out(&surplus, &missing, actions);
    }

    /// How many remotes of a pool are kept, or asked for, though nothing waits for them.
    fn to_keep(&self, pool: PoolIndex, used: usize) -> usize {
        let there = &self.fleet.pools[pool];
        if self.phase != Phase::Running || (there.min, there.spares) == (0, 0) {
            return 0;
        }
        let classes = &self.queue.kinds[pool].classes;
        let open: usize = classes.iter().map(|class| self.queue.classes[*class].open).sum();
        let lacking = there.min.saturating_sub(there.working + used);
        there.spares.max(lacking).min(open)
    }

    fn carry_out(&mut self, surplus: &[[usize; 3]], missing: &[usize], actions: &mut Vec<Action>) {
        for (kind, [idle, preparing, requested]) in surplus.iter().enumerate() {
            for _ in 0..*idle {
                if let Some(remote) = self.fleet.newest(kind, State::Idle) {
                    self.release(remote, actions);
                }
            }
            for _ in 0..*requested {
                if let Some(remote) = self.fleet.newest(kind, State::Requested) {
                    self.fleet.set(remote, State::Withdrawing);
                    actions.push(Action::Withdraw { remote });
                }
            }
            for _ in 0..*preparing {
                if let Some(remote) = self.fleet.newest(kind, State::Preparing) {
                    self.release(remote, actions);
                }
            }
        }
        for (pool, missing) in missing.iter().enumerate() {
            for _ in 0..*missing {
                let name = self.fleet.pools[pool].name.clone();
                actions.push(Action::Provision { remote: self.fleet.add(pool), pool: name });
            }
        }
    }
}
