//! [`Standard`]: the usual policy, made of ready parts.

use std::time::Duration;

use atex_core::Verdict;

use super::{Candidate, Ended, Kin, Policy, Rank, RemoteView, Waiting};
use crate::plan::{TestIndex, TestPlan};

/// One thing that tests are put in order by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The highest [priority](TestPlan::priority) first.
    Priority,
    /// Tests that did not pass the last time first.
    FailedFirst,
    /// The longest expected duration first, tests of which nobody knows after them: so that no long test is left at the end.
    Longest,
    /// The shortest first: most verdicts early, at the price of a longer run.
    Shortest,
    /// Destructive tests after all others: a remote that is worn out by its last test need not be replaced.
    DestructiveLast,
    /// Tests that have something in common with what the remote has seen before those that have not.
    Affinity(Affinity),
}

/// What tests have in common that like to follow each other on a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Affinity {
    /// The folder in their names: `/net/dns/a` and `/net/dns/b`.
    Folder,
    /// Their [label](TestPlan::label).
    Label,
    /// Their [label](TestPlan::label), if the note of this key on the remote says the same: "a snapshot of LABEL is ready".
    Note(String),
}

/// The usual policy, made of ready parts. It finds the next test in O(log n).
///
/// ```
/// use atex_sched::{Affinity, Order, Standard};
///
/// let policy = Standard::by([Order::Priority, Order::Affinity(Affinity::Folder), Order::Longest])
///     .destructive_exit_codes([42]);
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    order: Vec<Order>,
    /// How many orders come before affinity, and what it goes by.
    affinity: Option<(usize, Affinity)>,
    exit_codes: Vec<i32>,
    roll_back: bool,
    repeat: u32,
}

static USUAL: [Order; 3] = [Order::Priority, Order::FailedFirst, Order::Longest];

impl Default for Standard {
    fn default() -> Self {
        Self::new()
    }
}

impl Standard {
    /// By priority, then those that failed last time, then the longest first.
    pub fn new() -> Self {
        Self::by(USUAL.clone())
    }

    /// By these, the first being the most important. At most [`Rank::PARTS`] besides affinity, of which the first one counts: what is
    /// too much is not looked at.
    pub fn by(order: impl IntoIterator<Item = Order>) -> Self {
        let mut policy = Self {
            order: Vec::new(),
            affinity: None,
            exit_codes: Vec::new(),
            roll_back: false,
            repeat: 1,
        };
        for order in order {
            match order {
                Order::Affinity(affinity) => {
                    policy.affinity.get_or_insert((policy.order.len(), affinity));
                }
                order if policy.order.len() < Rank::PARTS => policy.order.push(order),
                _ => {}
            }
        }
        policy
    }

    /// A test that exits with one of these codes was destructive, whatever its metadata say.
    #[must_use]
    pub fn destructive_exit_codes(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.exit_codes.extend(codes);
        self
    }

    /// After a destructive test, the remote is rolled back to what it was when it was handed out, if it can do that.
    #[must_use]
    pub fn roll_back(mut self) -> Self {
        self.roll_back = true;
        self
    }

    /// Every test is run this many times, unless it fails before: then that is how it went.
    #[must_use]
    pub fn repeat(mut self, times: u32) -> Self {
        self.repeat = times;
        self
    }

    pub(crate) fn usual() -> Usual {
        Usual
    }

    /// The label that a remote is drawn to.
    fn draws(affinity: &Affinity, remote: &RemoteView<'_>) -> Option<Kin> {
        match affinity {
            Affinity::Folder => remote.last.and_then(folder),
            Affinity::Label => remote.last.and_then(|test| test.label.clone()),
            Affinity::Note(key) => {
                remote.notes.get(key).and_then(|note| note.as_str()).map(Kin::from)
            }
        }
    }
}

/// The rank of [`Standard::new`], without a value of it.
pub(crate) struct Usual;

impl Usual {
    pub(crate) fn rank(&self, test: &Candidate<'_>) -> Rank {
        rank(&USUAL, test)
    }
}

impl Policy for Standard {
    fn rank(&self, test: &Candidate<'_>) -> Rank {
        rank(&self.order, test)
    }

    fn kin(&self, test: &Candidate<'_>) -> Option<Kin> {
        match &self.affinity.as_ref()?.1 {
            Affinity::Folder => folder(test.plan),
            Affinity::Label | Affinity::Note(_) => test.plan.label.clone(),
        }
    }

    fn next_test(&self, remote: &RemoteView<'_>, waiting: &Waiting<'_>) -> Option<TestIndex> {
        let first = waiting.first()?;
        let like = self.affinity.as_ref().and_then(|(before, affinity)| {
            let found = waiting.first_like(&Self::draws(affinity, remote)?)?;
            // What is more important than affinity must not be worse than that of the first.
            let same = found.rank().0[..*before] == first.rank().0[..*before];
            (same && !found.is_avoided()).then_some(found)
        });
        Some(like.unwrap_or(first).index)
    }

    fn destructive(&self, ended: &Ended<'_>) -> bool {
        let exit_code = ended.outcome.exit_code;
        ended.test.destructive || exit_code.is_some_and(|code| self.exit_codes.contains(&code))
    }

    fn should_rerun(&self, ended: &Ended<'_>) -> bool {
        match ended.outcome.verdict {
            Verdict::Passed => ended.attempts < self.repeat,
            _ => ended.is_within_limits(),
        }
    }

    fn after_test(&self, ended: &Ended<'_>) -> super::AfterTest {
        match (self.destructive(ended), self.roll_back) {
            (false, _) => super::AfterTest::Keep,
            (true, true) => super::AfterTest::RollBack,
            (true, false) => super::AfterTest::Discard,
        }
    }
}

fn rank(order: &[Order], test: &Candidate<'_>) -> Rank {
    let mut parts = [0; Rank::PARTS];
    for (part, order) in parts.iter_mut().zip(order) {
        *part = match order {
            Order::Priority => test.plan.priority,
            Order::FailedFirst => i64::from(test.plan.failed_last),
            Order::Longest => test.duration.map_or(-1, micros),
            Order::Shortest => test.duration.map_or(i64::MIN, |duration| -micros(duration)),
            Order::DestructiveLast => -i64::from(test.plan.destructive),
            // Is not put here.
            Order::Affinity(_) => 0,
        };
    }
    Rank(parts)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn folder(test: &TestPlan) -> Option<Kin> {
    test.name.as_str().rsplit_once('/').map(|(folder, _)| Kin::from(folder))
}
