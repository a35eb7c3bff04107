//! [`Run`]: carries out what the scheduler says, with real backends. The only part of this crate that waits.

mod adoption;
mod barriers;
mod conductor;
mod deadlines;
mod fallback;
mod ingest;
mod recorder;
mod remote;
mod resume;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Aggregator, CancellationToken, Error, EventSink, Executor, Facts, Provisioner, Result, Test,
    TestName, TestSuite,
};

use crate::plan::{Limits, Plan, PoolPlan, TestPlan};
use crate::policy::{Policy, Standard};
use crate::standing::Standing;
use crate::summary::Summary;
use conductor::Conductor;
pub use deadlines::Deadlines;
use indexmap::IndexMap;

/// A run: tests of a suite, on remotes of one or several pools, into aggregators. Set it up, then [`run`](Self::run) it.
#[must_use = "a run does nothing until it is run"]
pub struct Run {
    suite: Arc<TestSuite>,
    executor: Arc<dyn Executor>,
    artifacts: PathBuf,
    name: String,
    pools: Vec<Pool>,
    limits: Limits,
    deadlines: Deadlines,
    aggregators: Vec<Arc<dyn Aggregator>>,
    sinks: Vec<Arc<dyn EventSink>>,
    cancel: CancellationToken,
    policy: Arc<dyn Policy>,
    everywhere: bool,
    applicable: Box<Applicable>,
    standing: Option<(Standing, Duration)>,
    each: Vec<Box<EachTest>>,
}

type Applicable = dyn Fn(&TestName, &Test, &Facts) -> bool + Send + Sync;
type EachTest = dyn Fn(&mut TestPlan, &Test) + Send + Sync;

impl Run {
    /// A run of all tests of the suite, by this executor, which keeps what they leave in this folder, by platform, test and
    /// attempt. The executor must know the same suite.
    pub fn new(
        suite: impl Into<Arc<TestSuite>>,
        executor: Arc<dyn Executor>,
        artifacts: impl Into<PathBuf>,
    ) -> Self {
        Self {
            suite: suite.into(),
            executor,
            artifacts: artifacts.into(),
            name: "atex".to_owned(),
            pools: Vec::new(),
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            aggregators: Vec::new(),
            sinks: Vec::new(),
            cancel: CancellationToken::new(),
            policy: Arc::new(Standard::new()),
            everywhere: false,
            applicable: Box::new(|_, _, _| true),
            standing: None,
            each: Vec::new(),
        }
    }

    /// Runs tests on remotes of this pool, too. Pools that were added earlier are asked first.
    pub fn pool(mut self, pool: Pool) -> Self {
        self.pools.push(pool);
        self
    }

    /// The name of the run, which backends put into the names of what they create: `atex`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many times a test may be run again because it failed: 0.
    pub fn reruns(mut self, reruns: u32) -> Self {
        self.limits.reruns = reruns;
        self
    }

    /// How often things are tried again. Replaces what [`reruns`](Self::reruns) said.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long each phase may take.
    pub fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Gives every finished test to this aggregator, too.
    pub fn aggregator(mut self, aggregator: Arc<dyn Aggregator>) -> Self {
        self.aggregators.push(aggregator);
        self
    }

    /// Tells this sink every event, too. Sinks that are added earlier hear of it earlier: add the journal first.
    pub fn sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.sinks.push(sink);
        self
    }

    /// Stops the run politely when this token is cancelled: running tests are stopped, remotes given back, what was collected
    /// is filed, and the tests that are left are concluded as not run.
    pub fn cancel(mut self, cancel: CancellationToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Runs every test once on every platform of the pools, instead of once on any of them.
    pub fn every_platform(mut self) -> Self {
        self.everywhere = true;
        self
    }

    /// Which test suits which remote, and what comes after a test: [`Standard::new`].
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Completes what the plan says of each test: what it [needs](TestPlan::needs), its priority, the duration that it had last time. Called
    /// with what the metadata say, in the order in which these were added.
    pub fn each_test(
        mut self,
        complete: impl Fn(&mut TestPlan, &Test) + Send + Sync + 'static,
    ) -> Self {
        self.each.push(Box::new(complete));
        self
    }

    /// Runs a test on remotes of a pool only if this holds for what the pool offers. By default, any pool runs any test.
    pub fn applicable(
        mut self,
        applicable: impl Fn(&TestName, &Test, &Facts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.applicable = Box::new(applicable);
        self
    }

    /// Goes on with a run whose controller died: it stands as its journal says, and lasts `after` this time already. It must be given the same
    /// suite, pools and folder of artifacts. Sinks hear of what happens from now on, first [`RunEvent::Restarted`](atex_core::RunEvent::Restarted).
    ///
    /// Tests that ran are gone on with where [`Executor::resume`] can do that; else they are run again, without counting
    /// against any limit. Every other remote that was out is given back, and what was left on it is removed. A test whose last attempt had ended
    /// is filed if there was no last word on it, so aggregators must not have it any more.
    pub fn resume(mut self, standing: Standing, after: Duration) -> Self {
        let after = after.max(standing.now());
        self.standing = Some((standing, after));
        self
    }

    /// The plan that the scheduler gets, for a simulation or a preview.
    pub fn plan(&self) -> Plan {
        let mut tests = Vec::new();
        if self.everywhere {
            let mut platforms: Vec<String> = Vec::new();
            for platform in self.pools.iter().map(Pool::platform_name) {
                if !platforms.contains(&platform) {
                    platforms.push(platform);
                }
            }
            for platform in &platforms {
                self.plan_tests(
                    |pool| pool.platform_name() == *platform,
                    Some(platform),
                    &mut tests,
                );
            }
        } else {
            self.plan_tests(|_| true, None, &mut tests);
        }
        let mut plan = Plan::new(tests).limits(self.limits.clone());
        plan.policy = self.policy.clone();
        self.pools.iter().fold(plan, |plan, pool| plan.pool(pool.plan()))
    }

    /// Plans all tests that the suites of some pools have, each as the first of them has it.
    fn plan_tests(
        &self,
        chosen: impl Fn(&Pool) -> bool,
        wanted: Option<&String>,
        tests: &mut Vec<TestPlan>,
    ) {
        let mut planned: IndexMap<&TestName, (&Test, Vec<usize>)> = IndexMap::new();
        for (index, pool) in self.pools.iter().enumerate().filter(|(_, pool)| chosen(pool)) {
            let suite = pool.work.as_ref().map_or(&self.suite, |(suite, _)| suite);
            for (name, test) in &suite.tests {
                let (_, pools) = planned.entry(name).or_insert_with(|| (test, Vec::new()));
                if (self.applicable)(name, test, &pool.known_facts()) {
                    pools.push(index);
                }
            }
        }
        for (name, (test, pools)) in planned {
            let mut plan = TestPlan::of_test(name.clone(), test);
            if pools.len() < self.pools.len() {
                plan.pools = Some(pools);
            }
            plan.wanted = wanted.cloned();
            self.each.iter().for_each(|complete| complete(&mut plan, test));
            tests.push(plan);
        }
    }

    /// Runs the tests, to the end of the last one, and gives everything back.
    ///
    /// The final attempt of every test is in the aggregators before its conclusion is announced; the artifacts of earlier
    /// attempts stay in the folder. Afterwards the output of the aggregators is ended and the provisioners are shut down, except
    /// those that are [shared](Pool::shared).
    ///
    /// To stop early, cancel the [token](Self::cancel) and wait. Dropping the future is the way to leave at once: tests are
    /// killed as far as their connections can do that, requests are withdrawn, and remotes that are out stay leased. Their
    /// leases were told to the sinks (see [`OpenLeases`](crate::OpenLeases)).
    ///
    /// # Errors
    /// [`Error::Usage`] before anything is done, when the set-up makes no sense: no pool, two of the same name. Whatever
    /// happens later is in the summary: a run that failed is not an error of the runner.
    pub async fn run(self) -> Result<Summary> {
        self.validate()?;
        Ok(Conductor::new(self).conduct().await)
    }

    fn validate(&self) -> Result<()> {
        if self.pools.is_empty() {
            return Err(Error::Usage("a run needs a pool to run its tests on".into()));
        }
        for (index, pool) in self.pools.iter().enumerate() {
            if pool.size() == 0 {
                return Err(Error::Usage(format!(
                    "pool {} must have room for a remote",
                    pool.name
                )));
            }
            if self.pools[..index].iter().any(|other| other.name == pool.name) {
                return Err(Error::Usage(format!("there are two pools of the name {}", pool.name)));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("name", &self.name)
            .field("tests", &self.suite.tests.len())
            .field("pools", &self.pools)
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

/// Where remotes come from, and how many of them.
#[derive(Debug, Clone)]
pub struct Pool {
    name: String,
    provisioner: Arc<dyn Provisioner>,
    platform: Option<String>,
    max: Option<usize>,
    min: usize,
    spares: usize,
    facts: Facts,
    /// What its remotes run, if not what the run says.
    work: Option<(Arc<TestSuite>, Arc<dyn Executor>)>,
    shared: bool,
}

impl Pool {
    /// A pool of this name, unique in the run. It has as many remotes as the provisioner can have out; one, if it does not say.
    pub fn new(name: impl Into<String>, provisioner: Arc<dyn Provisioner>) -> Self {
        Self {
            name: name.into(),
            provisioner,
            platform: None,
            max: None,
            min: 0,
            spares: 0,
            facts: Facts::new(),
            work: None,
            shared: false,
        }
    }

    /// At least this many remotes, as long as there are as many tests left that they could run.
    #[must_use]
    pub fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// This many remotes are kept ready besides those that run tests, for tests that come back and in place of those that break.
    #[must_use]
    pub fn spares(mut self, spares: usize) -> Self {
        self.spares = spares;
        self
    }

    /// What is known of its remotes besides what the provisioner offers. Where both say something of a dimension, this holds.
    #[must_use]
    pub fn facts(mut self, facts: Facts) -> Self {
        self.facts = facts;
        self
    }

    /// Its remotes run the tests of this suite, by this executor, which knows the same suite: the same tests as the run has, as
    /// they are on this platform. A test that is not in it does not run here.
    #[must_use]
    pub fn work(mut self, suite: impl Into<Arc<TestSuite>>, executor: Arc<dyn Executor>) -> Self {
        self.work = Some((suite.into(), executor));
        self
    }

    /// What is known of its remotes before there are any.
    pub fn known_facts(&self) -> Facts {
        self.facts.over(self.provisioner.offers())
    }

    /// At most this many remotes at once (and never more than the provisioner can have out).
    #[must_use]
    pub fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    /// The platform under which results are filed. By default, what the provisioner's offer says, else the name of the pool.
    #[must_use]
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// The provisioner is used by others, too: it is not shut down after the run.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// Where its remotes come from.
    pub fn provisioner(&self) -> &Arc<dyn Provisioner> {
        &self.provisioner
    }

    /// How many remotes it can have at once.
    pub fn size(&self) -> usize {
        match (self.max, self.provisioner.capacity()) {
            (Some(max), Some(capacity)) => max.min(capacity),
            (max, capacity) => max.or(capacity).unwrap_or(1),
        }
    }

    /// The platform under which results are filed.
    pub fn platform_name(&self) -> String {
        let offered = || self.known_facts().platform();
        self.platform.clone().or_else(offered).unwrap_or_else(|| self.name.clone())
    }

    fn plan(&self) -> PoolPlan {
        PoolPlan::new(&self.name, self.size())
            .platform(self.platform_name())
            .facts(self.known_facts())
            .min(self.min)
            .spares(self.spares)
    }
}
