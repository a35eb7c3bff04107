//! [`Policy`]: which test suits which remote, and what comes after a test. [`Standard`] is the usual one.

mod bespoke;
mod judge;
mod standard;
mod views;

use std::fmt;

pub use bespoke::Bespoke;
pub(crate) use judge::Judge;
pub use standard::{Affinity, Order, Standard};
pub(crate) use views::{Blame, Forgotten};
pub use views::{Candidate, Ended, Kin, Rank, RemoteView, Waiting};

use crate::plan::TestIndex;

/// Which test suits which remote, and what comes after a test. Everything has a default, which is what [`Standard::new`] does, too.
///
/// A policy is asked by a [`Scheduler`](crate::Scheduler), which is a value without time or chance: a policy must say the same whenever it is
/// asked the same, or a journal cannot be replayed. When it panics, what the default says is done instead, and the run goes on.
///
/// Each test has a *rank*, the same for all remotes, by which tests wait in order, so that finding the next one costs O(log n). A
/// policy that says a [`fitness`](Self::fitness) is asked about every test that waits: fine for some thousands.
///
/// To change a thing or two, take a [`Bespoke`] and give it closures.
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// The place of a test among those that wait: the greatest is run first, and of equal ones the first of the suite. Asked when the test begins to
    /// wait, for the first time and for each rerun.
    fn rank(&self, test: &Candidate<'_>) -> Rank {
        Standard::usual().rank(test)
    }

    /// What a test has in common with others that like to follow it on the same remote. Asked when the test begins to wait.
    fn kin(&self, test: &Candidate<'_>) -> Option<Kin> {
        let _ = test;
        None
    }

    /// Whether a test may run on a remote, which has what the test [needs](crate::TestPlan::needs).
    ///
    /// A pool whose remotes get no test for this reason, several times in a row, is asked for no more of them.
    fn applicable(&self, test: &Candidate<'_>, remote: &RemoteView<'_>) -> bool {
        let _ = (test, remote);
        true
    }

    /// How well a test suits a remote: the greatest is run first, and of equal ones the one of the highest rank. `None` when there is nothing to say
    /// beyond the rank; if that is said of the applicable test of the highest rank, it is the one.
    fn fitness(&self, test: &Candidate<'_>, remote: &RemoteView<'_>) -> Option<i64> {
        let _ = (test, remote);
        None
    }

    /// The next test for a remote, of those that [wait](Waiting) and that it can run. None: the remote is released.
    ///
    /// By default, the applicable one of the greatest fitness.
    fn next_test(&self, remote: &RemoteView<'_>, waiting: &Waiting<'_>) -> Option<TestIndex> {
        waiting.fittest(|test| self.applicable(test, remote), |test| self.fitness(test, remote))
    }

    /// Whether nothing else should run on the remote of a test that ended. By default, what the plan says of the test.
    fn destructive(&self, ended: &Ended<'_>) -> bool {
        ended.test.destructive
    }

    /// Whether a test that ended is run again. By default, as far as the [limits](crate::Limits) allow.
    fn should_rerun(&self, ended: &Ended<'_>) -> bool {
        ended.is_within_limits()
    }

    /// What becomes of the remote of a test that ended. By default, it is discarded after a destructive test, and kept otherwise. One
    /// that is lost, or did not do what it was told, is discarded whatever this says.
    fn after_test(&self, ended: &Ended<'_>) -> AfterTest {
        if self.destructive(ended) { AfterTest::Discard } else { AfterTest::Keep }
    }
}

/// What becomes of a remote after a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterTest {
    /// It runs the next test.
    Keep,
    /// It is made again what it was when it was handed out, and made ready again. One that cannot do that is discarded.
    RollBack,
    /// It is released, and replaced if there is work left for another.
    Discard,
}
