//! [`Tests`]: what is known of each test of the plan, and which of them belong together.

use std::collections::HashMap;
use std::ops::{Index, IndexMut};
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Attempt, Failure, Outcome, RemoteId, TestName, Verdict};

use crate::plan::{Limits, PoolIndex, TestIndex, TestPlan};
use crate::policy::Blame;

/// The tests of the plan, by their position in it.
#[derive(Debug, Clone)]
pub(crate) struct Tests {
    list: Vec<TestState>,
    /// Tests that run one after the other, and those that run at once.
    pub(crate) groups: Vec<Group>,
    pub(crate) gangs: Vec<Vec<TestIndex>>,
    pub(crate) limits: Limits,
}

#[derive(Debug, Clone)]
pub(crate) struct TestState {
    pub(crate) plan: TestPlan,
    /// How many times it was started.
    pub(crate) attempts: u32,
    /// How it went last, and in which pool.
    pub(crate) verdict: Option<Verdict>,
    pub(crate) pool: PoolIndex,
    pub(crate) bond: Bond,
    pub(crate) concluded: bool,
    /// Most tests have nothing to tell.
    trouble: Option<Box<Trouble>>,
}

/// What a test belongs to, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bond {
    None,
    Group(usize),
    Gang(usize),
}

/// Tests that run one after the other on one remote.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) members: Vec<TestIndex>,
    /// The first of them that is not concluded. It alone waits in the queue.
    pub(crate) at: usize,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    /// Second tries, by the limit that they count against.
    pub(crate) reruns: u32,
    pub(crate) infra_retries: u32,
    /// What was said of the last attempt.
    pub(crate) note: Option<String>,
    /// Where it did not pass.
    pub(crate) failed_on: Vec<RemoteId>,
}

impl Tests {
    /// The tests of a plan. Of several of the same name, the first counts, unless each is wanted on another platform.
    pub(crate) fn new(plans: Vec<TestPlan>, limits: Limits) -> Self {
        let mut tests = Self { list: Vec::new(), groups: Vec::new(), gangs: Vec::new(), limits };
        let mut seen: HashMap<TestName, Vec<Option<String>>> = HashMap::with_capacity(plans.len());
        let mut bonds: HashMap<(bool, Arc<str>, Option<String>), Vec<TestIndex>> = HashMap::new();
        let mut order = Vec::new();
        for plan in plans {
            let others = seen.entry(plan.name.clone()).or_default();
            let another = plan.wanted.is_some()
                && others.iter().all(|other| other.is_some() && *other != plan.wanted);
            if !others.is_empty() && !another {
                continue;
            }
            others.push(plan.wanted.clone());
            let together = plan.together.as_ref().map(|together| (true, together.gang.clone()));
            let bond = together.or_else(|| plan.group.clone().map(|group| (false, group)));
            if let Some((gang, label)) = bond {
                let members = bonds.entry((gang, label.clone(), plan.wanted.clone())).or_default();
                if members.is_empty() {
                    order.push((gang, label, plan.wanted.clone()));
                }
                members.push(tests.list.len());
            }
            tests.list.push(TestState::new(plan));
        }
        for key in order {
            let members = bonds.remove(&key).unwrap_or_default();
            tests.bind(key.0, members);
        }
        tests
    }

    fn bind(&mut self, gang: bool, members: Vec<TestIndex>) {
        let bond = match gang {
            _ if members.len() < 2 => return,
            true => Bond::Gang(self.gangs.len()),
            false => Bond::Group(self.groups.len()),
        };
        for member in &members {
            self.list[*member].bond = bond;
        }
        match gang {
            true => self.gangs.push(members),
            false => self.groups.push(Group { members, at: 0 }),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// All tests that are bound to this one, itself included.
    pub(crate) fn bound_to(&self, test: TestIndex) -> &[TestIndex] {
        match self[test].bond {
            Bond::None => &[],
            Bond::Group(group) => &self.groups[group].members,
            Bond::Gang(gang) => &self.gangs[gang],
        }
    }

    /// The first of this group that was left is concluded: says which comes next. Those that an interrupt concluded before it are passed over.
    pub(crate) fn advance(&mut self, group: usize) -> Option<TestIndex> {
        let Self { list, groups, .. } = self;
        let Group { members, at } = groups.get_mut(group)?;
        let left = members.iter().skip(*at).take_while(|test| list[**test].concluded);
        *at += left.count();
        members.get(*at).copied()
    }

    /// How long a remote is expected to be busy, once it begins with this test.
    pub(crate) fn time_left(&self, test: TestIndex) -> Option<Duration> {
        let known = |test: &TestIndex| self[*test].plan.duration;
        match self[test].bond {
            Bond::None => known(&test),
            Bond::Group(group) => {
                let group = &self.groups[group];
                let left = group.members[group.at..].iter().filter_map(known);
                left.reduce(Duration::saturating_add)
            }
            Bond::Gang(gang) => self.gangs[gang].iter().filter_map(known).max(),
        }
    }
}

impl Index<TestIndex> for Tests {
    type Output = TestState;
    fn index(&self, test: TestIndex) -> &TestState {
        &self.list[test]
    }
}

impl IndexMut<TestIndex> for Tests {
    fn index_mut(&mut self, test: TestIndex) -> &mut TestState {
        &mut self.list[test]
    }
}

impl TestState {
    fn new(plan: TestPlan) -> Self {
        Self {
            plan,
            attempts: 0,
            verdict: None,
            pool: 0,
            bond: Bond::None,
            concluded: false,
            trouble: None,
        }
    }

    /// The attempt that was started last.
    pub(crate) fn attempt(&self) -> Attempt {
        Attempt::of(self.plan.key(), self.attempts)
    }

    /// How many of its attempts were reruns, and how many came after infrastructure trouble.
    pub(crate) fn tries(&self) -> (u32, u32) {
        self.trouble.as_ref().map_or((0, 0), |trouble| (trouble.reruns, trouble.infra_retries))
    }

    /// Another try, and what it counts against; as a rerun, if only the policy knows why.
    pub(crate) fn count(&mut self, blame: Option<Blame>) {
        match blame.unwrap_or(Blame::Test) {
            Blame::Test => self.trouble().reruns += 1,
            Blame::Infra => self.trouble().infra_retries += 1,
        }
    }

    pub(crate) fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }

    /// How its last attempt went, in this pool.
    pub(crate) fn take_in(
        &mut self,
        pool: PoolIndex,
        outcome: &Outcome,
        failure: Option<&Failure>,
    ) {
        self.verdict = Some(outcome.verdict);
        self.pool = pool;
        let note = outcome.note.clone().or_else(|| failure.map(|failure| failure.message.clone()));
        if note.is_some() || self.trouble.is_some() {
            self.trouble().note = note;
        }
    }

    /// What was said of its last attempt.
    pub(crate) fn note(&self) -> Option<&String> {
        self.trouble.as_ref()?.note.as_ref()
    }

    pub(crate) fn failed_on(&self) -> &[RemoteId] {
        self.trouble.as_ref().map_or(&[], |trouble| &trouble.failed_on)
    }
}
