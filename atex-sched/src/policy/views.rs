//! What a policy is shown: [`Candidate`], [`RemoteView`], [`Waiting`], [`Ended`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Facts, Failure, Fault, Outcome, RemoteId, Retry, Verdict};
use serde_json::Value;

use crate::fleet::{Pool, Remote};
use crate::plan::{Limits, TestIndex, TestPlan};
use crate::queue::Line;
use crate::states::Tests;

/// What tests have in common that like to follow each other: a label, cheap to clone.
pub type Kin = Arc<str>;

/// The place of a test among those that wait: compared part by part, the greatest is run first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank(pub [i64; Self::PARTS]);

impl Rank {
    /// How many parts it has.
    pub const PARTS: usize = 4;
}

/// A test that waits, or begins to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Candidate<'a> {
    /// Its number in the plan.
    pub index: TestIndex,
    /// What the plan says of it.
    pub plan: &'a TestPlan,
    /// How long its remote is expected to be busy with it: with all that is left of its [group](TestPlan::group).
    pub duration: Option<Duration>,
    /// How many times it was started so far.
    pub attempts: u32,
    /// How the last of these went.
    pub verdict: Option<Verdict>,
    rank: Rank,
    avoided: bool,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(tests: &'a Tests, index: TestIndex, duration: Option<Duration>) -> Self {
        let test = &tests[index];
        Self {
            index,
            plan: &test.plan,
            duration,
            attempts: test.attempts,
            verdict: test.verdict,
            rank: Rank::default(),
            avoided: false,
        }
    }

    /// Its rank, once it waits.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// Whether it failed on this remote before, so that another may do better with it.
    pub fn is_avoided(&self) -> bool {
        self.avoided
    }
}

/// A remote that is ready for a test, or has ended one.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RemoteView<'a> {
    /// Its number.
    pub id: RemoteId,
    /// As people call it.
    pub name: &'a str,
    /// The pool that it is of.
    pub pool: &'a str,
    /// The platform of the pool.
    pub platform: &'a str,
    /// What it is.
    pub facts: &'a Facts,
    /// What this run did to it.
    pub notes: &'a BTreeMap<String, Value>,
    /// The test that it ran last.
    pub last: Option<&'a TestPlan>,
    /// How many tests it ran so far: none, if it is fresh.
    pub ran: u32,
}

impl<'a> RemoteView<'a> {
    pub(crate) fn new(
        id: RemoteId,
        remote: &'a Remote,
        pool: &'a Pool,
        last: Option<&'a TestPlan>,
    ) -> Self {
        Self {
            id,
            name: &remote.name,
            pool: &pool.name,
            platform: &pool.platform,
            facts: &remote.facts,
            notes: &remote.notes,
            last,
            ran: remote.ran,
        }
    }
}

/// The remote of a former life of the run, of which only the pool is known.
#[derive(Debug)]
pub(crate) struct Forgotten<'a> {
    pub(crate) pool: &'a Pool,
    facts: Facts,
    notes: BTreeMap<String, Value>,
}

impl<'a> Forgotten<'a> {
    pub(crate) fn of(pool: &'a Pool) -> Self {
        Self { pool, facts: Facts::new(), notes: BTreeMap::new() }
    }

    pub(crate) fn view(&self) -> RemoteView<'_> {
        RemoteView {
            id: RemoteId(0),
            name: "",
            pool: &self.pool.name,
            platform: &self.pool.platform,
            facts: &self.facts,
            notes: &self.notes,
            last: None,
            ran: 1,
        }
    }
}

/// The tests that wait and that a remote can run.
#[derive(Debug)]
pub struct Waiting<'a> {
    tests: &'a Tests,
    line: Line<'a>,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(tests: &'a Tests, line: Line<'a>) -> Self {
        Self { tests, line }
    }

    fn candidate(&self, (rank, index): (Rank, TestIndex)) -> Candidate<'a> {
        let candidate = Candidate::new(self.tests, index, self.tests.time_left(index));
        Candidate { rank, avoided: self.line.avoids(index), ..candidate }
    }

    /// The one of the highest rank. Tests that failed on the remote are the last of all. O(log n).
    pub fn first(&self) -> Option<Candidate<'a>> {
        self.line.first().map(|found| self.candidate(found))
    }

    /// The one of the highest rank of this kin. O(log n).
    pub fn first_like(&self, kin: &Kin) -> Option<Candidate<'a>> {
        self.line.first_like(kin).map(|found| self.candidate(found))
    }

    pub(crate) fn contains(&self, index: TestIndex) -> bool {
        self.line.contains(index)
    }

    /// All of them, in the order of their rank.
    pub fn iter(&self) -> impl Iterator<Item = Candidate<'a>> + '_ {
        self.line.iter().map(|found| self.candidate(found))
    }

    /// Of those for which the first function holds, the one for which the second says most: see [`Policy::fitness`](crate::Policy::fitness).
    pub fn fittest(
        &self,
        applicable: impl Fn(&Candidate<'_>) -> bool,
        fitness: impl Fn(&Candidate<'_>) -> Option<i64>,
    ) -> Option<TestIndex> {
        let mut best: Option<(i64, TestIndex)> = None;
        for test in self.iter().filter(|test| applicable(test)) {
            match (fitness(&test), best) {
                (None, None) => return Some(test.index),
                (None, Some(_)) => {}
                (Some(fitness), Some((most, _))) if fitness <= most => {}
                (Some(fitness), _) => best = Some((fitness, test.index)),
            }
        }
        best.map(|(_, index)| index)
    }
}

/// A test that ended, for whatever is decided then.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// What the plan says of it.
    pub test: &'a TestPlan,
    /// Where it ran.
    pub remote: RemoteView<'a>,
    /// How it went.
    pub outcome: &'a Outcome,
    /// Set when it did not come to its own end.
    pub failure: Option<&'a Failure>,
    /// How many times it was started, this time included.
    pub attempts: u32,
    /// How many of these were run because one before had failed.
    pub reruns: u32,
    /// How many were run because infrastructure trouble had ended one before.
    pub infra_retries: u32,
    /// How often things are tried again.
    pub limits: &'a Limits,
}

/// What a rerun counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    Test,
    Infra,
}

impl<'a> Ended<'a> {
    pub(crate) fn new(
        tests: &'a Tests,
        index: TestIndex,
        remote: RemoteView<'a>,
        (outcome, failure): (&'a Outcome, Option<&'a Failure>),
    ) -> Self {
        let test = &tests[index];
        let (reruns, infra_retries) = test.tries();
        Self {
            test: &test.plan,
            remote,
            outcome,
            failure,
            attempts: test.attempts,
            reruns,
            infra_retries,
            limits: &tests.limits,
        }
    }

    /// Whether the limits allow it to be run again: it did not pass, another try may do better, and there is one left.
    pub fn is_within_limits(&self) -> bool {
        self.allowance().is_some()
    }

    /// What another run of it counts against, if the limits allow one.
    pub(crate) fn allowance(&self) -> Option<Blame> {
        let verdict = self.outcome.verdict;
        if verdict.is_ok() {
            return None;
        }
        if verdict > Verdict::Failed {
            match self.failure {
                Some(Failure { fault: Fault::Usage, .. } | Failure { retry: Retry::Never, .. }) => {
                    return None;
                }
                Some(Failure { fault: Fault::Infra, .. })
                    if self.infra_retries < self.limits.infra_retries =>
                {
                    return Some(Blame::Infra);
                }
                _ => {}
            }
        }
        (self.reruns < self.limits.reruns).then_some(Blame::Test)
    }
}
