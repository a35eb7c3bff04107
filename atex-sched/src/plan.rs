//! [`Plan`]: everything that the scheduler has to know before a run begins.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{Facts, PlannedPool, PlannedTest, RunEvent, Test, TestKey, TestName, TestSuite};

use crate::needs::Needs;
use crate::policy::{Kin, Policy, Standard};

/// A test by its position in [`Plan::tests`].
pub type TestIndex = usize;
/// A pool by its position in [`Plan::pools`].
pub(crate) type PoolIndex = usize;

/// A test with this tag leaves its remote in a state that no other test should meet: the remote is released after it.
pub const DESTRUCTIVE_TAG: &str = "destructive";

/// Everything that the scheduler has to know before a run begins.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The tests, in the order of the suite.
    pub tests: Vec<TestPlan>,
    /// Where they may run. Earlier pools are asked first.
    pub pools: Vec<PoolPlan>,
    /// How often things are tried again.
    pub limits: Limits,
    /// Which test suits which remote, and what comes after a test: [`Standard::new`].
    pub policy: Arc<dyn Policy>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            tests: Vec::new(),
            pools: Vec::new(),
            limits: Limits::default(),
            policy: Arc::new(Standard::new()),
        }
    }
}

/// A test, as far as the scheduler cares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TestPlan {
    /// Its name, unique in the plan together with `wanted`.
    pub name: TestName,
    /// The platform that it is wanted on: only pools of this platform run it. `None` when any will do.
    pub wanted: Option<String>,
    /// How long it is expected to run, if somebody said so: the longest are run first, those without after them.
    pub duration: Option<Duration>,
    /// How long it may run.
    pub limit: Duration,
    /// Whether its remote must not run anything after it.
    pub destructive: bool,
    /// The pools that can run it, as positions in [`Plan::pools`]; `None` for all of them.
    pub pools: Option<Vec<usize>>,
    /// What it needs of a remote, whatever its pool.
    pub needs: Option<Needs>,
    /// How important it is: 0, if nobody says; the highest are run first.
    pub priority: i64,
    /// Whether it did not pass the last time that somebody ran it.
    pub failed_last: bool,
    /// What it likes to share a remote with: other tests of the same label, or a remote on which the label is noted. See
    /// [`Affinity`](crate::Affinity).
    pub label: Option<Kin>,
    /// Tests of the same group run one after the other on the same remote, in the order of the plan. When the remote is lost or
    /// discarded between two of them, the rest goes on on another.
    pub group: Option<Arc<str>>,
    /// Tests of the same gang run at once, each on a remote of its own. This goes before `group`.
    pub together: Option<Together>,
}

/// How a test runs together with others, each on a remote of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Together {
    /// Which others: those that say the same, and are wanted on the same platform.
    pub gang: Arc<str>,
    /// What this one is among them: `server`, `client`.
    pub role: Arc<str>,
}

/// A pool, as far as the scheduler cares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolPlan {
    /// Its name, unique in the plan.
    pub name: String,
    /// The platform under which its results are filed.
    pub platform: String,
    /// What its remotes are.
    pub facts: Facts,
    /// How many remotes it may have at once, those that are on their way in or out included.
    pub max: usize,
    /// How many remotes it has at least, as long as there are as many tests left that it could run: 0.
    pub min: usize,
    /// How many remotes are kept ready besides those that run tests, for tests that come back and in place of those that break: 0. No
    /// more than there are tests left that they could run.
    pub spares: usize,
}

/// How often things are tried again before they are given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many times a test may be run again because it failed, or did not come to its own end: 0.
    pub reruns: u32,
    /// How many times a test may be run again because its remote was lost under it, besides `reruns`: 2. This is never the
    /// test's fault, but a test that brings down every remote must not run for ever.
    pub infra_retries: u32,
    /// How many times in a row a pool may fail to yield a remote that is ready, before it is given up: 5. Requests that were
    /// under way together and fail together count once. While a pool has a remote that works it is not given up. After a failure
    /// that is no use to try again ([`Retry::Never`](atex_core::Retry::Never): access is denied, a file of the suite cannot be
    /// read) it is asked for no more remotes at all.
    pub pool_failures: u32,
    /// How many times in a row a pool may say that all of its systems are taken, before it is given up: 1000. It is asked again
    /// when it says, but after an hour at the latest.
    pub capacity_waits: u32,
    /// How long a pool is left alone after its first failure; twice as long after each further one in a row: 1 s.
    pub backoff: Duration,
    /// The longest of these times: 1 min.
    pub backoff_max: Duration,
    /// How many tests must have failed on a remote that passed on another of the same platform, before it gets no more tests: 3; 0 for never.
    /// Not if more tests passed on it than this.
    pub quarantine: u32,
    /// How many times a test is run at most, whatever the policy says: 1000.
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reruns: 0,
            infra_retries: 2,
            pool_failures: 5,
            capacity_waits: 1000,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            quarantine: 3,
            attempts: 1000,
        }
    }
}

impl Plan {
    /// A plan for these tests, without pools.
    pub fn new(tests: impl IntoIterator<Item = TestPlan>) -> Self {
        Self { tests: tests.into_iter().collect(), ..Self::default() }
    }

    /// A plan for the tests of a suite, without pools.
    pub fn of_suite(suite: &TestSuite) -> Self {
        Self::new(suite.tests.iter().map(|(name, test)| TestPlan::of_test(name.clone(), test)))
    }

    /// With one more pool.
    #[must_use]
    pub fn pool(mut self, pool: PoolPlan) -> Self {
        self.pools.push(pool);
        self
    }

    /// With these limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With this policy.
    #[must_use]
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// With this many reruns for each test.
    #[must_use]
    pub fn reruns(mut self, reruns: u32) -> Self {
        self.limits.reruns = reruns;
        self
    }

    /// The event that a run of this plan begins with.
    pub fn started(&self) -> RunEvent {
        RunEvent::RunStarted {
            tests: self
                .tests
                .iter()
                .map(|test| PlannedTest {
                    wanted: test.wanted.clone(),
                    ..PlannedTest::new(test.name.clone(), test.limit)
                })
                .collect(),
            pools: self
                .pools
                .iter()
                .map(|pool| PlannedPool {
                    name: pool.name.clone(),
                    platform: pool.platform.clone(),
                    max: pool.max,
                    facts: pool.facts.clone(),
                })
                .collect(),
        }
    }
}

impl TestPlan {
    /// A test that any pool can run, of no declared duration.
    pub fn new(name: TestName) -> Self {
        Self {
            name,
            wanted: None,
            duration: None,
            limit: TestSuite::DEFAULT_DURATION,
            destructive: false,
            pools: None,
            needs: None,
            priority: 0,
            failed_last: false,
            label: None,
            group: None,
            together: None,
        }
    }

    /// What the metadata of a test say.
    pub fn of_test(name: TestName, test: &Test) -> Self {
        Self {
            duration: test.duration,
            limit: test.time_limit(),
            destructive: test.has_tag(DESTRUCTIVE_TAG),
            ..Self::new(name)
        }
    }

    /// Expected to run this long.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// Wanted on this platform.
    #[must_use]
    pub fn wanted_on(mut self, platform: impl Into<String>) -> Self {
        self.wanted = Some(platform.into());
        self
    }

    /// What is concluded of it.
    pub fn key(&self) -> TestKey {
        TestKey { test: self.name.clone(), wanted: self.wanted.clone() }
    }

    /// Leaves a remote that nothing else should run on.
    #[must_use]
    pub fn destructive(mut self) -> Self {
        self.destructive = true;
        self
    }

    /// Needs a remote like this.
    #[must_use]
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs = Some(needs);
        self
    }

    /// This important.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// With this label.
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.into());
        self
    }

    /// One after the other with the others of this group, on one remote.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.into());
        self
    }

    /// At once with the others of this gang, each on a remote of its own, and in this role.
    #[must_use]
    pub fn together(mut self, gang: &str, role: &str) -> Self {
        self.together = Some(Together { gang: gang.into(), role: role.into() });
        self
    }

    /// Can be run by these pools only (positions in [`Plan::pools`]).
    #[must_use]
    pub fn only(mut self, pools: impl IntoIterator<Item = usize>) -> Self {
        self.pools = Some(pools.into_iter().collect());
        self
    }
}

impl PoolPlan {
    /// A pool of at most `max` remotes at once, whose platform has the name of the pool.
    pub fn new(name: impl Into<String>, max: usize) -> Self {
        let name = name.into();
        Self { platform: name.clone(), name, facts: Facts::new(), max, min: 0, spares: 0 }
    }

    /// With results filed under this platform.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = platform.into();
        self
    }

    /// With this many remotes at least, while there is work for them.
    #[must_use]
    pub fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// With this many remotes ready besides those that run tests.
    #[must_use]
    pub fn spares(mut self, spares: usize) -> Self {
        self.spares = spares;
        self
    }

    /// With remotes that are like this.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }
}
