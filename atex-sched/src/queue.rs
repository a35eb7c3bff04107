//! [`Queue`]: the tests that wait, in classes of those that the same remotes can run.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};

use atex_core::{Facts, RemoteId};

use crate::needs::Needs;
use crate::plan::{PoolIndex, PoolPlan, TestIndex};
use crate::policy::{Kin, Rank};
use crate::states::{Bond, Tests};

/// A class of tests by its number.
pub(crate) type ClassIndex = usize;
/// A kind of remotes by its number. The first ones are the pools: remotes that are what their pool says.
pub(crate) type KindIndex = usize;

/// The order of those who wait: the greatest rank first; ties in the order of the suite.
type Turn = (Reverse<Rank>, u32);

/// The tests that wait. Tests that the same remotes can run share a class, so that finding the next one costs O(log n) for each
/// class that the remote serves, of which there are few: one, if every remote can run everything.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    pub(crate) classes: Vec<Class>,
    pub(crate) kinds: Vec<Kind>,
    places: Vec<Place>,
    kins: HashMap<Kin, u32>,
}

/// Tests that the same remotes can run.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    /// The pools that may run them, in the order of the plan.
    pub(crate) services: Vec<Service>,
    pub(crate) needs: Vec<Needs>,
    /// Whether they run only together with others.
    pub(crate) gang: bool,
    waiting: BTreeSet<Turn>,
    by_kin: HashMap<u32, BTreeSet<Turn>>,
    /// Tests that left the line and still wait for a remote: those of the gang that gathers.
    pub(crate) claims: usize,
    /// Tests that are not concluded.
    pub(crate) open: usize,
}

/// What a pool is to a class.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) pool: PoolIndex,
    /// How many remotes of the pool in a row were not what is needed.
    pub(crate) misfits: u32,
    /// To how many fresh ones in a row the policy gave nothing.
    pub(crate) refused: u32,
    /// Whether the pool is not asked for remotes for this class any more.
    pub(crate) lost: bool,
}

/// Remotes that serve the same classes.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) pool: PoolIndex,
    pub(crate) classes: Vec<ClassIndex>,
}

#[derive(Debug, Clone)]
struct Place {
    class: u32,
    /// The number of its kin; 0 for none.
    kin: u32,
    rank: Rank,
}

/// What tells classes apart: the pools, the needs, and whether they run only together with others.
type ClassKey = (Vec<PoolIndex>, Vec<usize>, bool);

impl Queue {
    /// The classes of these tests, none of which waits yet.
    pub(crate) fn new(pools: &[PoolPlan], tests: &Tests) -> Self {
        let kinds = (0..pools.len()).map(|pool| Kind { pool, classes: Vec::new() }).collect();
        let mut queue =
            Self { classes: Vec::new(), kinds, places: Vec::new(), kins: HashMap::new() };
        let mut classes = HashMap::new();
        let mut last: Option<(ClassKey, ClassIndex)> = None;
        for index in 0..tests.len() {
            let (fit, needs, gang) = Self::wants(pools, tests, index);
            let key = (fit, needs.iter().map(Needs::id).collect::<Vec<usize>>(), gang);
            let class = match &last {
                // Most tests are like the one before.
                Some((before, class)) if *before == key => *class,
                _ => *classes
                    .entry(key.clone())
                    .or_insert_with(|| queue.add_class(&key.0, needs, gang)),
            };
            last = Some((key, class));
            queue.classes[class].open += 1;
            let class = u32::try_from(class).unwrap_or(u32::MAX);
            queue.places.push(Place { class, kin: 0, rank: Rank::default() });
        }
        queue
    }

    /// The pools that may run a test, what it needs, and whether it runs only together with others. A remote for one of a group
    /// is one for all of it.
    fn wants(
        pools: &[PoolPlan],
        tests: &Tests,
        index: TestIndex,
    ) -> (Vec<PoolIndex>, Vec<Needs>, bool) {
        let bound = match tests[index].bond {
            Bond::Group(_) => tests.bound_to(index),
            Bond::None | Bond::Gang(_) => std::slice::from_ref(&index),
        };
        let plans = || bound.iter().map(|index| &tests[*index].plan);
        let fits = |pool: &PoolIndex| {
            let there = &pools[*pool];
            there.max > 0
                && plans().all(|test| {
                    test.pools.as_ref().is_none_or(|only| only.contains(pool))
                        && test.wanted.as_ref().is_none_or(|wanted| *wanted == there.platform)
                        && test
                            .needs
                            .as_ref()
                            .is_none_or(|needs| needs.met_by(&there.facts) != Some(false))
                })
        };
        let mut needs: Vec<Needs> = Vec::new();
        for need in plans().filter_map(|test| test.needs.as_ref()) {
            if !needs.contains(need) {
                needs.push(need.clone());
            }
        }
        let gang = matches!(tests[index].bond, Bond::Gang(_));
        ((0..pools.len()).filter(fits).collect(), needs, gang)
    }

    fn add_class(&mut self, pools: &[PoolIndex], needs: Vec<Needs>, gang: bool) -> ClassIndex {
        let class = self.classes.len();
        let service =
            |pool: &PoolIndex| Service { pool: *pool, misfits: 0, refused: 0, lost: false };
        self.classes.push(Class {
            services: pools.iter().map(service).collect(),
            needs,
            gang,
            waiting: BTreeSet::new(),
            by_kin: HashMap::new(),
            claims: 0,
            open: 0,
        });
        for pool in pools {
            self.kinds[*pool].classes.push(class);
        }
        class
    }

    /// The kind of a remote of this pool that has these facts.
    pub(crate) fn kind_of(&mut self, pool: PoolIndex, facts: &Facts) -> KindIndex {
        let served = &self.kinds[pool].classes;
        let fits = |class: &&ClassIndex| {
            self.classes[**class].needs.iter().all(|needs| needs.met_by(facts) == Some(true))
        };
        let classes: Vec<ClassIndex> = served.iter().filter(fits).copied().collect();
        if classes.len() == served.len() {
            return pool;
        }
        let known = self
            .kinds
            .iter()
            .skip(pool)
            .position(|kind| kind.pool == pool && kind.classes == classes);
        known.map_or_else(
            || {
                self.kinds.push(Kind { pool, classes });
                self.kinds.len() - 1
            },
            |position| position + pool,
        )
    }

    /// Lets a test wait.
    pub(crate) fn push(&mut self, index: TestIndex, rank: Rank, kin: Option<Kin>) {
        let next = u32::try_from(self.kins.len() + 1).unwrap_or(u32::MAX);
        let place = &mut self.places[index];
        place.rank = rank;
        place.kin = kin.map_or(0, |kin| *self.kins.entry(kin).or_insert(next));
        let (turn, class) = (place.turn(index), &mut self.classes[place.class as usize]);
        class.waiting.insert(turn);
        if place.kin > 0 {
            class.by_kin.entry(place.kin).or_default().insert(turn);
        }
    }

    /// Takes a test out of the line; says whether it waited.
    pub(crate) fn take(&mut self, index: TestIndex) -> bool {
        let place = &self.places[index];
        let (turn, class) = (place.turn(index), &mut self.classes[place.class as usize]);
        if let Some(kin) = class.by_kin.get_mut(&place.kin) {
            kin.remove(&turn);
            if kin.is_empty() {
                class.by_kin.remove(&place.kin);
            }
        }
        class.waiting.remove(&turn)
    }

    /// Takes all tests out of the classes for which this holds, in the order of the suite.
    pub(crate) fn drain(&mut self, mut hopeless: impl FnMut(&Class) -> bool) -> Vec<TestIndex> {
        let mut drained = Vec::new();
        for class in &mut self.classes {
            if !class.waiting.is_empty() && hopeless(class) {
                class.by_kin.clear();
                let waiting = std::mem::take(&mut class.waiting);
                drained.extend(waiting.into_iter().map(|(_, index)| index as TestIndex));
            }
        }
        drained.sort_unstable();
        drained
    }

    /// The class of a test.
    pub(crate) fn class_of(&self, test: TestIndex) -> ClassIndex {
        self.places[test].class as usize
    }

    /// Whether remotes of this kind can run a test.
    pub(crate) fn serves(&self, kind: KindIndex, test: TestIndex) -> bool {
        self.kinds[kind].classes.contains(&self.class_of(test))
    }

    /// The tests that a remote of this kind can run; those of gangs, only if a gang may begin to gather.
    pub(crate) fn line<'a>(
        &'a self,
        tests: &'a Tests,
        (remote, kind): (RemoteId, KindIndex),
        gangs: bool,
    ) -> Line<'a> {
        Line { queue: self, tests, classes: &self.kinds[kind].classes, remote, gangs }
    }
}

impl Place {
    fn turn(&self, index: TestIndex) -> Turn {
        (Reverse(self.rank), u32::try_from(index).unwrap_or(u32::MAX))
    }
}

impl Class {
    /// How many of its tests a remote could be set against.
    pub(crate) fn wanting(&self) -> usize {
        self.waiting.len() + self.claims
    }

    pub(crate) fn service(&mut self, pool: PoolIndex) -> Option<&mut Service> {
        self.services.iter_mut().find(|service| service.pool == pool)
    }
}

/// How many tests are passed over, at most, because they failed on the same remote before.
const PASSED_OVER: usize = 32;

/// The tests that wait and that a remote can run. Those that failed on it are the last of them: another remote may do
/// better with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    queue: &'a Queue,
    tests: &'a Tests,
    classes: &'a [ClassIndex],
    remote: RemoteId,
    gangs: bool,
}

impl<'a> Line<'a> {
    fn classes(self) -> impl Iterator<Item = &'a Class> {
        let classes = self.classes.iter().map(move |class| &self.queue.classes[*class]);
        classes.filter(move |class| self.gangs || !class.gang)
    }

    pub(crate) fn avoids(&self, index: TestIndex) -> bool {
        self.tests[index].failed_on().contains(&self.remote)
    }

    fn best(
        self,
        lines: impl Fn(&'a Class) -> Option<&'a BTreeSet<Turn>>,
    ) -> Option<(Rank, TestIndex)> {
        let lines = || self.classes().filter_map(&lines);
        let fresh = |turn: &&Turn| !self.avoids(turn.1 as TestIndex);
        lines()
            .filter_map(|waiting| waiting.iter().take(PASSED_OVER).find(fresh))
            .min()
            .or_else(|| lines().filter_map(BTreeSet::first).min())
            .map(|(rank, index)| (rank.0, *index as TestIndex))
    }

    pub(crate) fn first(self) -> Option<(Rank, TestIndex)> {
        self.best(|class| Some(&class.waiting))
    }

    pub(crate) fn first_like(self, kin: &Kin) -> Option<(Rank, TestIndex)> {
        let kin = self.queue.kins.get(kin)?;
        self.best(|class| class.by_kin.get(kin))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.classes().all(|class| class.waiting.is_empty())
    }

    pub(crate) fn contains(self, index: TestIndex) -> bool {
        let Some(place) = self.queue.places.get(index) else { return false };
        let class = place.class as usize;
        let seen = self.gangs || !self.queue.classes[class].gang;
        seen && self.classes.contains(&class)
            && self.queue.classes[class].waiting.contains(&place.turn(index))
    }

    /// All of them, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (Rank, TestIndex)> {
        let mut lines: Vec<_> =
            self.classes().map(|class| class.waiting.iter().peekable()).collect();
        let mut avoided = VecDeque::new();
        std::iter::from_fn(move || {
            loop {
                let next = lines
                    .iter_mut()
                    .enumerate()
                    .filter_map(|(line, turns)| Some((**turns.peek()?, line)))
                    .min();
                let Some(((rank, index), line)) = next else { return avoided.pop_front() };
                lines[line].next();
                let found = (rank.0, index as TestIndex);
                if !self.avoids(found.1) {
                    return Some(found);
                }
                avoided.push_back(found);
            }
        })
    }
}
