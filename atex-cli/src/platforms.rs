//! What is run where: the pools, and the tests as they are on the platform of each.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use atex_core::TestSuite;
use atex_report::History;
use atex_sched::{Limits, Pool, Run, Standard};

use crate::args::RunOptions;
use crate::executor::Work;
use crate::follow::Follow;
use crate::wishes::Wishes;
use crate::{history, pool};

/// The pools, and the tests as they are on the platform of each: metadata are adjusted by what `--pool` says of its systems.
pub(crate) struct Platforms {
    /// Different ones; the first is that of the run.
    works: Vec<Work>,
    /// Each with the position of its work.
    pools: Vec<(Pool, usize)>,
    wishes: Wishes,
    history: Arc<History>,
}

/// Where a run keeps what it leaves.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    pub(crate) artifacts: PathBuf,
    /// The logs of sessions.
    pub(crate) logs: PathBuf,
    /// The folder of this run, or of all runs, which may lie in the tree and must not be uploaded.
    pub(crate) runs: &'a Path,
    /// What the run puts on systems is marked with this.
    pub(crate) owner: String,
}

impl Platforms {
    /// What was asked for.
    pub(crate) fn selected(options: &RunOptions) -> Result<Self> {
        let only = options.failed_from.as_deref().map(history::failed).transpose()?;
        Self::placed(options, |facts| Work::selected(options, facts, only.as_ref()))
    }

    /// What was asked for when these were the suites.
    pub(crate) fn kept(options: &RunOptions, suites: Vec<TestSuite>) -> Result<Self> {
        let mut suites: Vec<_> = suites.into_iter().map(Arc::new).collect();
        suites.reverse();
        Self::placed(options, |_| {
            suites.pop().map(Work::Tests).context("the tests of a platform were not kept")
        })
    }

    fn placed(
        options: &RunOptions,
        mut work: impl FnMut(&[(String, String)]) -> Result<Work>,
    ) -> Result<Self> {
        let pools = pool::pools(&options.pools)?;
        let mut known = Vec::new();
        let (mut works, mut placed) = (Vec::new(), Vec::new());
        for (pool, typed) in pools.into_iter().zip(&options.pools) {
            let facts = pool::typed_facts(typed)?;
            let found = known.iter().position(|other| *other == facts);
            let index = match found {
                Some(index) => index,
                None => {
                    works.push(work(&facts)?);
                    known.push(facts);
                    works.len() - 1
                }
            };
            placed.push((pool, index));
        }
        let wishes = Wishes::read(works.iter().map(Work::suite))?;
        let history = Arc::new(history::known(options.history.as_deref())?);
        Ok(Self { works, pools: placed, wishes, history })
    }

    /// What is known of the tests from earlier runs.
    pub(crate) fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// The tests, as they are on each platform.
    pub(crate) fn suites(&self) -> impl Iterator<Item = &TestSuite> {
        self.works.iter().map(Work::suite)
    }

    /// How many systems there may be at once.
    pub(crate) fn systems(&self) -> usize {
        self.pools.iter().map(|(pool, _)| pool.size()).fold(0, usize::saturating_add)
    }

    /// The run of them.
    pub(crate) fn run(
        self,
        options: &RunOptions,
        places: &Places<'_>,
        follow: Option<&Arc<Follow>>,
    ) -> Result<Run> {
        let mut made = Vec::new();
        for work in self.works {
            let suite = Arc::new(work.suite().clone());
            let executor = work.executor(
                options,
                (&places.logs, places.runs, &places.owner),
                follow.cloned(),
            )?;
            made.push((suite, executor));
        }
        let (suite, executor) = made.first().cloned().context("a run needs a pool")?;
        let mut run = Run::new(suite, executor, places.artifacts.clone()).limits(limits(options));
        run = run.policy(policy(options));
        if options.every_platform {
            run = run.every_platform();
        }
        let one = made.len() == 1;
        for (pool, index) in self.pools {
            let (suite, executor) = made[index].clone();
            run = run.pool(if one { pool } else { pool.work(suite, executor) });
        }
        let (wishes, history) = (self.wishes, self.history);
        Ok(run.each_test(move |plan, test| {
            wishes.complete(plan, test);
            history::complete(&history, plan);
        }))
    }
}

fn limits(options: &RunOptions) -> Limits {
    let mut limits = Limits::default();
    limits.reruns = options.reruns;
    limits.infra_retries = options.infra_retries;
    limits.quarantine = options.quarantine;
    limits.attempts = limits.attempts.max(options.repeat);
    limits
}

fn policy(options: &RunOptions) -> Standard {
    let standard = match options.order.as_slice() {
        [] => Standard::new(),
        order => Standard::by(order.iter().map(|order| order.meant())),
    };
    let repeat = if options.until_fail { 1000 } else { options.repeat };
    let standard = standard
        .repeat(repeat)
        .destructive_exit_codes(options.destructive_exit_codes.iter().copied());
    if options.roll_back { standard.roll_back() } else { standard }
}
