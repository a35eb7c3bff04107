//! A runner of one's own, made of the parts: `cargo run -p atex-cli --example bespoke_runner -- FOLDER_FOR_THE_RUN`.
#![expect(clippy::print_stdout, reason = "an example, which talks to whoever tries it")]

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use atex_core::CancellationToken;
use atex_exec::FmfExecutor;
use atex_fmf::{Discover, Tree};
use atex_provision::Local;
use atex_report::{RunInfo, RunStore, SummaryText};
use atex_sched::{Pool, Run, Summary};

/// Runs the smoke tests of the sample tree on three systems of this machine, each failing one once more.
async fn smoke(store: &RunStore) -> Result<Summary> {
    let tree = Tree::open("samples/shop")?;
    let suite = Arc::new(Discover::new().plan("/plans/smoke").run(&tree)?);
    let executor = FmfExecutor::new(Arc::clone(&suite)).env("LANG", "C.UTF-8");
    let stop = CancellationToken::new();
    let results = store.results()?;
    let summary = Run::new(suite, Arc::new(executor), store.artifacts_dir())
        .pool(Pool::new("here", Arc::new(Local::new().max(3))))
        .reruns(1)
        .sink(Arc::new(store.journal(stop.clone())?))
        .aggregator(Arc::new(results))
        .cancel(stop)
        .run()
        .await?;
    Ok(summary)
}

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args()
        .nth(1)
        .context("name a folder for the run, which must not be there yet")?;
    let info = RunInfo::new("bespoke", "bespoke-runner 1.0", jiff::Timestamp::now());
    let store = RunStore::create(Path::new(&folder), &info)?;
    let summary = smoke(&store).await?;
    print!("{}", SummaryText::new(&store.report()?.0, 80).artifacts(store.artifacts_dir()));
    anyhow::ensure!(summary.is_ok(), "not all passed");
    Ok(())
}
