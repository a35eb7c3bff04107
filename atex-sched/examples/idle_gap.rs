//! How long a remote does nothing between two tests: from the end of one, as its session tells it, to the start of the next.
//!
//! `cargo run --release -p atex-sched --example idle_gap [-- REMOTES [TESTS]]`; by default 1, 8 and 64 remotes. No connection is in it: the
//! tests take no time and only leave a result.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]

use std::error::Error;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atex_core::testkit::fake::{FakeAggregator, FakeProvisioner};
use atex_core::{
    Artifacts, CancellationToken, Connection, Executor, Outcome, Result, Session, Test, TestName,
    TestSuite, Verdict, async_trait,
};
use atex_sched::{Pool, Run};
use tokio::time::Instant;

/// The gaps that all sessions saw.
#[derive(Debug, Default)]
struct Gaps(Mutex<Vec<Duration>>);

#[derive(Debug)]
struct Instantly(Arc<Gaps>);

#[derive(Debug)]
struct Watching {
    gaps: Arc<Gaps>,
    ended: Option<Instant>,
}

#[async_trait]
impl Executor for Instantly {
    async fn start(
        &self,
        _: Arc<dyn Connection>,
        _: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        Ok(Box::new(Watching { gaps: self.0.clone(), ended: None }))
    }
}

#[async_trait]
impl Session for Watching {
    async fn run(
        &mut self,
        _: &TestName,
        artifacts: &Artifacts,
        _: &CancellationToken,
    ) -> Result<Outcome> {
        if let Some(ended) = self.ended {
            self.gaps.0.lock().unwrap_or_else(PoisonError::into_inner).push(ended.elapsed());
        }
        let results = artifacts.results_file();
        fs::write(&results, "{\"status\": \"pass\"}\n")
            .map_err(atex_core::Error::io("cannot write", &results))?;
        self.ended = Some(Instant::now());
        Ok(Outcome::new(Verdict::Passed, Duration::ZERO))
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|text| text.parse()).collect::<std::result::Result<_, _>>()?;
    let remotes = numbers.first().map_or_else(|| vec![1, 8, 64], |remotes| vec![*remotes]);
    let tests = numbers.get(1).copied().unwrap_or(5000);
    for remotes in remotes {
        let dir = std::env::temp_dir().join(format!("atex-idle-gap-{}", std::process::id()));
        let gaps = Arc::new(Gaps::default());
        let test =
            |number: usize| Some((TestName::new(format!("/{number}")).ok()?, Test::new("true")));
        let suite = TestSuite::new((0..tests).filter_map(test));
        let run = Run::new(suite, Arc::new(Instantly(gaps.clone())), &dir)
            .pool(Pool::new("lab", Arc::new(FakeProvisioner::new("lab"))).max(remotes))
            .aggregator(Arc::new(FakeAggregator::new("memory")));
        let summary = run.run().await?;
        fs::remove_dir_all(&dir)?;
        let mut gaps = std::mem::take(&mut *gaps.0.lock().unwrap_or_else(PoisonError::into_inner));
        gaps.sort_unstable();
        let at = |share: usize| gaps.get(gaps.len() * share / 100).copied().unwrap_or_default();
        println!(
            "{remotes:>3} remotes, {} tests: median {:?}, 90 % under {:?}, 99 % under {:?}",
            summary.conclusions.len(),
            at(50),
            at(90),
            at(99)
        );
    }
    Ok(())
}
