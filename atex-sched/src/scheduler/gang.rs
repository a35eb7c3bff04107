//! [`Gangs`]: tests that run at once, each on a remote of its own, and how their remotes are gathered.

use std::collections::BTreeMap;

use atex_core::{Attempt, RemoteId};

use super::barrier::{Barriers, Told};
use super::{Phase, Scheduler};
use crate::action::{Action, Peer};
use crate::demand::Demand;
use crate::fleet::State;
use crate::plan::TestIndex;
use crate::states::{Bond, Tests};

/// The gangs of a run. At most one gathers remotes at a time: so two never hold what the other waits for.
#[derive(Debug, Clone)]
pub(super) struct Gangs {
    gathering: Option<Gathering>,
    /// Gangs that run.
    running: BTreeMap<usize, Running>,
    /// Gangs that are not concluded.
    open: Vec<usize>,
    /// How many remotes there could be in each pool, when it was last looked at.
    capacities: Vec<usize>,
}

/// A gang that waits until there is a remote for each of its tests.
#[derive(Debug, Clone)]
struct Gathering {
    gang: usize,
    /// In the order of its tests.
    remotes: Vec<Option<RemoteId>>,
}

#[derive(Debug, Clone, Default)]
struct Running {
    /// How many of its tests have not ended.
    left: usize,
    /// Whether one of them asks for another try.
    again: bool,
    /// Whether the others were stopped, because one did not come to its end.
    stopped: bool,
    /// Where its tests wait for each other, each by its place in the gang.
    barriers: Barriers,
}

impl Gangs {
    pub(super) fn new(tests: &Tests) -> Self {
        let open = (0..tests.gangs.len()).collect();
        Self { gathering: None, running: BTreeMap::new(), open, capacities: Vec::new() }
    }

    /// There may be gangs by now that can never gather.
    pub(super) fn look_again(&mut self) {
        self.capacities.clear();
    }

    /// Whether another gang may begin to gather.
    pub(super) fn is_free(&self) -> bool {
        self.gathering.is_none()
    }
}

impl Scheduler {
    /// The tests of a gang leave the line, and remotes are kept for them from now on.
    pub(super) fn gather(&mut self, gang: usize) {
        let members = self.tests.gangs[gang].clone();
        for member in &members {
            self.queue.take(*member);
            let class = self.queue.class_of(*member);
            self.queue.classes[class].claims += 1;
        }
        self.gangs.gathering = Some(Gathering { gang, remotes: vec![None; members.len()] });
        self.news = true;
    }

    /// Keeps an idle remote for the gang that gathers, if that has a use for it. The last one of them makes it start.
    pub(super) fn join_gang(&mut self, id: RemoteId, actions: &mut Vec<Action>) -> bool {
        let Some(mut gathering) = self.gangs.gathering.take() else { return false };
        let members = self.tests.gangs[gathering.gang].clone();
        let mut visited = vec![false; members.len()];
        let Some(filled) = self.seat(id, &members, (&mut gathering.remotes, &mut visited)) else {
            self.gangs.gathering = Some(gathering);
            return false;
        };
        let class = self.queue.class_of(members[filled]);
        self.queue.classes[class].claims -= 1;
        self.fleet.set(id, State::Held);
        let remotes: Option<Vec<RemoteId>> = gathering.remotes.iter().copied().collect();
        match remotes {
            Some(remotes) => self.start_gang(gathering.gang, &members, &remotes, actions),
            None => self.gangs.gathering = Some(gathering),
        }
        true
    }

    /// Finds a seat for a remote; those who have one may have to move to another. Says which seat was empty before.
    fn seat(
        &self,
        id: RemoteId,
        members: &[TestIndex],
        (seats, visited): (&mut Vec<Option<RemoteId>>, &mut Vec<bool>),
    ) -> Option<usize> {
        let kind = self.fleet.get(id)?.kind;
        for (seat, member) in members.iter().enumerate() {
            if visited[seat] || !self.queue.serves(kind, *member) {
                continue;
            }
            visited[seat] = true;
            let filled = match seats[seat] {
                None => Some(seat),
                Some(other) => self.seat(other, members, (seats, visited)),
            };
            if filled.is_some() {
                seats[seat] = Some(id);
                return filled;
            }
        }
        None
    }

    fn start_gang(
        &mut self,
        gang: usize,
        members: &[TestIndex],
        remotes: &[RemoteId],
        actions: &mut Vec<Action>,
    ) {
        let barriers = Barriers::new(members.len());
        let running = Running { left: members.len(), barriers, ..Running::default() };
        self.gangs.running.insert(gang, running);
        let role = |test: TestIndex| {
            let together = self.tests[test].plan.together.as_ref();
            together.map(|together| together.role.to_string()).unwrap_or_default()
        };
        let peers: Vec<Peer> = members
            .iter()
            .zip(remotes)
            .map(|(test, remote)| Peer { role: role(*test), remote: *remote })
            .collect();
        for (test, remote) in members.iter().zip(remotes) {
            self.start(*remote, *test, peers.clone(), actions);
        }
        self.news = true;
    }

    /// A remote that was kept for the gang that gathers is gone.
    pub(super) fn leave_gang(&mut self, id: RemoteId) {
        let Some(gathering) = &mut self.gangs.gathering else { return };
        let Some(seat) = gathering.remotes.iter().position(|seat| *seat == Some(id)) else {
            return;
        };
        gathering.remotes[seat] = None;
        let test = self.tests.gangs[gathering.gang][seat];
        let class = self.queue.class_of(test);
        self.queue.classes[class].claims += 1;
    }

    /// The gang that gathers gives up: its remotes are idle again. Says which tests it had.
    pub(super) fn disband(&mut self) -> Vec<TestIndex> {
        let Some(gathering) = self.gangs.gathering.take() else { return Vec::new() };
        let members = self.tests.gangs[gathering.gang].clone();
        for (member, remote) in members.iter().zip(gathering.remotes) {
            match remote {
                Some(remote) => self.fleet.set(remote, State::Idle),
                None => {
                    let class = self.queue.class_of(*member);
                    self.queue.classes[class].claims -= 1;
                }
            }
        }
        self.gangs.open.retain(|gang| *gang != gathering.gang);
        self.news = true;
        members
    }

    /// So many tests of a gang run, since before the controller died, and have come to these barriers.
    pub(super) fn go_on_with_gang(
        &mut self,
        gang: usize,
        left: usize,
        (again, barriers): (bool, Barriers),
    ) {
        self.gangs.running.insert(gang, Running { left, again, stopped: false, barriers });
    }

    /// A test that runs came to a barrier: who of its gang waits there may go on, or never will.
    pub(super) fn barrier_reached(
        &mut self,
        (remote, attempt): (RemoteId, &Attempt),
        barrier: &str,
        actions: &mut Vec<Action>,
    ) {
        let Some(State::Running(index)) = self.fleet.state(remote) else { return };
        let Bond::Gang(gang) = self.tests[index].bond else { return };
        if self.tests[index].attempt() != *attempt {
            return;
        }
        let Some(seat) = self.seat_of(gang, index) else { return };
        let Some(running) = self.gangs.running.get_mut(&gang) else { return };
        let told = running.barriers.reach(seat, barrier);
        self.answer(gang, told, actions);
    }

    fn seat_of(&self, gang: usize, index: TestIndex) -> Option<usize> {
        self.tests.gangs[gang].iter().position(|member| *member == index)
    }

    /// Tells those who wait, unless they are being stopped.
    fn answer(&self, gang: usize, told: Vec<Told>, actions: &mut Vec<Action>) {
        if self.gangs.running.get(&gang).is_none_or(|running| running.stopped) {
            return;
        }
        let members = &self.tests.gangs[gang];
        for Told { seat, barrier, without } in told {
            let runs = |state| state == State::Running(members[seat]);
            let remotes = self.fleet.all(|remote| runs(remote.state));
            let without = without.map(|seat| self.tests[members[seat]].plan.key());
            let broken = without.map(|test| format!("{test} ended before it came there"));
            actions.extend(remotes.into_iter().map(|remote| Action::Answer {
                remote,
                barrier: barrier.clone(),
                broken: broken.clone(),
            }));
        }
    }

    /// Nothing is left to do for a gang, but to say so.
    pub(super) fn forget_gang(&mut self, gang: usize) {
        self.gangs.open.retain(|open| *open != gang);
    }

    /// A test of a gang ended, by itself or not. When all have, they are all run again, or all concluded.
    pub(super) fn gang_ended(
        &mut self,
        gang: usize,
        (remote, index, failed): (RemoteId, TestIndex, bool),
        again: bool,
        actions: &mut Vec<Action>,
    ) {
        let seat = self.seat_of(gang, index);
        let Some(running) = self.gangs.running.get_mut(&gang) else { return };
        running.left -= 1;
        running.again |= again;
        let told = seat.map(|seat| running.barriers.leave(seat)).unwrap_or_default();
        if failed && running.left > 0 && !std::mem::replace(&mut running.stopped, true) {
            // Those that are left would wait for one that is gone.
            let members = &self.tests.gangs[gang];
            let runs = |state| matches!(state, State::Running(test) if members.contains(&test));
            let others = self.fleet.all(|other| runs(other.state));
            let others = others.into_iter().filter(|other| *other != remote);
            actions.extend(others.map(|remote| Action::StopTest { remote }));
        }
        if running.left > 0 {
            return self.answer(gang, told, actions);
        }
        let again = running.again && self.phase == Phase::Running;
        self.gangs.running.remove(&gang);
        let members = self.tests.gangs[gang].clone();
        if again {
            members.into_iter().for_each(|member| self.push(member));
        } else {
            self.gangs.open.retain(|open| *open != gang);
            members.into_iter().for_each(|member| self.conclude(member, None, actions));
        }
    }

    /// Concludes gangs for which there can never be enough remotes at once.
    pub(super) fn give_up_gangs(&mut self, actions: &mut Vec<Action>) {
        if self.gangs.open.is_empty() {
            return;
        }
        let pools = self.fleet.pools.len();
        let capacities: Vec<usize> = (0..pools).map(|pool| self.fleet.capacity(pool)).collect();
        if self.gangs.capacities == capacities {
            return;
        }
        let hopeless: Vec<usize> = self
            .gangs
            .open
            .iter()
            .copied()
            .filter(|gang| !self.is_possible(*gang, &capacities))
            .collect();
        self.gangs.capacities = capacities;
        for gang in hopeless {
            let size = self.tests.gangs[gang].len();
            let reason =
                format!("it needs {size} remotes at once, and there cannot be as many that fit");
            self.give_up_gang(gang, &reason, actions);
        }
    }

    /// Whether there could be a remote for each test of a gang at once.
    fn is_possible(&self, gang: usize, capacities: &[usize]) -> bool {
        let classes = self.tests.gangs[gang].iter().map(|test| self.queue.class_of(*test));
        let mut demand = Demand::exactly(&self.queue, classes);
        for (pool, capacity) in capacities.iter().enumerate() {
            demand.take(pool, *capacity);
        }
        demand.left() == 0
    }

    /// Concludes the tests of a gang that waits or gathers, for this reason.
    pub(super) fn give_up_gang(&mut self, gang: usize, reason: &str, actions: &mut Vec<Action>) {
        if self.gangs.running.contains_key(&gang) || !self.gangs.open.contains(&gang) {
            return;
        }
        if self.gangs.gathering.as_ref().is_some_and(|gathering| gathering.gang == gang) {
            self.disband();
        }
        self.gangs.open.retain(|open| *open != gang);
        for member in self.tests.gangs[gang].clone() {
            self.queue.take(member);
            self.conclude(member, Some(reason), actions);
        }
    }
}
