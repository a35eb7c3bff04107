//! [`Bespoke`]: a policy with closures for what should be different.

use std::fmt;
use std::sync::Arc;

use super::{AfterTest, Candidate, Ended, Kin, Policy, Rank, RemoteView, Standard, Waiting};
use crate::plan::TestIndex;

/// Another policy, with closures for what should be different.
///
/// A policy of one's own in a few lines: kernel tests first on fresh remotes, and the remote goes after any test that exits with 2.
///
/// ```
/// use atex_sched::{AfterTest, Bespoke};
///
/// let policy = Bespoke::new()
///     .fitness(|test, remote| {
///         let kernel = test.plan.name.as_str().starts_with("/kernel/");
///         Some(i64::from(kernel && remote.ran == 0))
///     })
///     .after_test(|ended| match ended.outcome.exit_code {
///         Some(2) => AfterTest::Discard,
///         _ => AfterTest::Keep,
///     });
/// # use atex_core::{Outcome, TestName, Verdict};
/// # use atex_sched::{Delays, Plan, PoolPlan, TestPlan, simulate};
/// # use std::time::Duration;
/// # let tests = ["/a", "/b", "/kernel/x"].map(|name| TestPlan::new(TestName::new(name).unwrap()));
/// # let plan = Plan::new(tests).pool(PoolPlan::new("lab", 1)).policy(policy);
/// # let run = simulate(plan, Delays::default(), |_| Outcome::new(Verdict::Passed, Duration::ZERO));
/// # assert_eq!(run.spans[0].attempt.test.as_str(), "/kernel/x");
/// ```
///
/// What it is not given is what the policy [around](Self::around) which it is made says.
#[derive(Clone)]
pub struct Bespoke {
    around: Arc<dyn Policy>,
    rank: Option<Arc<OfTest<Rank>>>,
    applicable: Option<Arc<OfPair<bool>>>,
    fitness: Option<Arc<OfPair<Option<i64>>>>,
    destructive: Option<Arc<AtEnd<bool>>>,
    should_rerun: Option<Arc<AtEnd<bool>>>,
    after_test: Option<Arc<AtEnd<AfterTest>>>,
}

type OfTest<T> = dyn Fn(&Candidate<'_>) -> T + Send + Sync;
type OfPair<T> = dyn Fn(&Candidate<'_>, &RemoteView<'_>) -> T + Send + Sync;
type AtEnd<T> = dyn Fn(&Ended<'_>) -> T + Send + Sync;

impl Default for Bespoke {
    fn default() -> Self {
        Self::new()
    }
}

impl Bespoke {
    /// The usual policy, with closures for what should be different.
    pub fn new() -> Self {
        Self::around(Standard::new())
    }

    /// This policy, with closures for what should be different.
    pub fn around(policy: impl Policy) -> Self {
        Self {
            around: Arc::new(policy),
            rank: None,
            applicable: None,
            fitness: None,
            destructive: None,
            should_rerun: None,
            after_test: None,
        }
    }

    /// Says [`Policy::rank`].
    #[must_use]
    pub fn rank(mut self, rank: impl Fn(&Candidate<'_>) -> Rank + Send + Sync + 'static) -> Self {
        self.rank = Some(Arc::new(rank));
        self
    }

    /// Says [`Policy::applicable`].
    #[must_use]
    pub fn applicable(
        mut self,
        applicable: impl Fn(&Candidate<'_>, &RemoteView<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.applicable = Some(Arc::new(applicable));
        self
    }

    /// Says [`Policy::fitness`].
    #[must_use]
    pub fn fitness(
        mut self,
        fitness: impl Fn(&Candidate<'_>, &RemoteView<'_>) -> Option<i64> + Send + Sync + 'static,
    ) -> Self {
        self.fitness = Some(Arc::new(fitness));
        self
    }

    /// Says [`Policy::destructive`].
    #[must_use]
    pub fn destructive(
        mut self,
        destructive: impl Fn(&Ended<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.destructive = Some(Arc::new(destructive));
        self
    }

    /// Says [`Policy::should_rerun`].
    #[must_use]
    pub fn should_rerun(
        mut self,
        should_rerun: impl Fn(&Ended<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.should_rerun = Some(Arc::new(should_rerun));
        self
    }

    /// Says [`Policy::after_test`].
    #[must_use]
    pub fn after_test(
        mut self,
        after_test: impl Fn(&Ended<'_>) -> AfterTest + Send + Sync + 'static,
    ) -> Self {
        self.after_test = Some(Arc::new(after_test));
        self
    }
}

impl Policy for Bespoke {
    fn rank(&self, test: &Candidate<'_>) -> Rank {
        match &self.rank {
            Some(rank) => rank(test),
            None => self.around.rank(test),
        }
    }

    fn kin(&self, test: &Candidate<'_>) -> Option<Kin> {
        self.around.kin(test)
    }

    fn applicable(&self, test: &Candidate<'_>, remote: &RemoteView<'_>) -> bool {
        match &self.applicable {
            Some(applicable) => applicable(test, remote),
            None => self.around.applicable(test, remote),
        }
    }

    fn fitness(&self, test: &Candidate<'_>, remote: &RemoteView<'_>) -> Option<i64> {
        match &self.fitness {
            Some(fitness) => fitness(test, remote),
            None => self.around.fitness(test, remote),
        }
    }

    fn next_test(&self, remote: &RemoteView<'_>, waiting: &Waiting<'_>) -> Option<TestIndex> {
        if self.applicable.is_none() && self.fitness.is_none() {
            return self.around.next_test(remote, waiting);
        }
        let applicable = |test: &Candidate<'_>| self.applicable(test, remote);
        waiting.fittest(applicable, |test| self.fitness(test, remote))
    }

    fn destructive(&self, ended: &Ended<'_>) -> bool {
        match &self.destructive {
            Some(destructive) => destructive(ended),
            None => self.around.destructive(ended),
        }
    }

    fn should_rerun(&self, ended: &Ended<'_>) -> bool {
        match &self.should_rerun {
            Some(should_rerun) => should_rerun(ended),
            None => self.around.should_rerun(ended),
        }
    }

    fn after_test(&self, ended: &Ended<'_>) -> AfterTest {
        match (&self.after_test, &self.destructive) {
            (Some(after_test), _) => after_test(ended),
            (None, Some(destructive)) if destructive(ended) => AfterTest::Discard,
            (None, Some(_)) => AfterTest::Keep,
            (None, None) => self.around.after_test(ended),
        }
    }
}

impl fmt::Debug for Bespoke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bespoke").field("around", &self.around).finish_non_exhaustive()
    }
}
