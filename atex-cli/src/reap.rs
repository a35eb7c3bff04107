//! `atex reap`: gives back what a run has left that was killed.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use atex_core::{Error, EventSink, Executor, Failure, Lease, Provisioner, TestSuite};
use atex_exec::FmfExecutor;
use atex_report::RunStore;
use atex_sched::{OpenLeases, Pool};

use crate::args::ReapOptions;
use crate::{exit_code, message, pool, run};

/// Gives back what all these runs have left.
pub(crate) fn run(options: &ReapOptions) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // The folder that we are in changes.
    let runs = options.runs.iter().map(std::path::absolute).collect::<Result<Vec<_>, _>>()?;
    let mut worst = exit_code::PASSED;
    for (dir, absolute) in options.runs.iter().zip(runs) {
        let reaped = reap(&runtime, &absolute);
        let reaped = reaped.with_context(|| format!("cannot reap {}", dir.display()));
        if options.runs.len() == 1 {
            return reaped;
        }
        // What is wrong with one run must not keep the others from being reaped.
        worst = worst.max(reaped.unwrap_or_else(|error| {
            message::error(&error);
            exit_code::of_error(&error)
        }));
    }
    Ok(worst)
}

fn reap(runtime: &tokio::runtime::Runtime, dir: &Path) -> Result<u8> {
    let store = RunStore::open(dir)?;
    if store.goes_on()? {
        bail!("the run still goes on; interrupt it first");
    }
    let mut open: BTreeMap<String, Vec<Lease>> = BTreeMap::new();
    for (pool, lease) in leases(&store)? {
        open.entry(pool).or_default().push(lease);
    }
    if open.is_empty() {
        message::note(&format!("nothing was left: {}", dir.display()));
    }
    let mut code = exit_code::PASSED;
    for (name, leases) in open {
        let owner = run::owner(&store);
        let reaped =
            pool_of(&store, &name).map(|pool| runtime.block_on(give_back(&pool, leases, &owner)));
        code = code.max(reaped.unwrap_or_else(|error| {
            message::error(&error.context(format!("what pool {name} made may be left")));
            exit_code::INFRA
        }));
    }
    Ok(code)
}

/// What was made in the run and not given back, each with its pool.
fn leases(store: &RunStore) -> Result<Vec<(String, Lease)>> {
    let leases = OpenLeases::new();
    // Without a journal, nothing was made.
    if store.journal_path().exists() {
        for entry in store.read_journal()? {
            let entry = entry?;
            leases.emit(entry.at, &entry.event);
        }
    }
    Ok(leases.by_pool())
}

/// The pool of this name, made again from what was typed when the run began.
fn pool_of(store: &RunStore, name: &str) -> Result<Pool> {
    let asked = &store.info().asked;
    let typed: Vec<String> = serde_json::from_value(asked["pools"].clone())
        .context("the run does not say what its pools were")?;
    if let Some(folder) = asked["folder"].as_str() {
        // Names of files in it are relative to that, and may not matter any more.
        std::env::set_current_dir(folder).ok();
    }
    let named = pool::named(&typed)?;
    let Some((name, typed)) = named.into_iter().find(|(own, _)| own == name) else {
        bail!("the run has no such pool");
    };
    pool::pool(&name, typed)
}

/// Gives back what these leases stand for, all at once; says what became of each.
async fn give_back(pool: &Pool, leases: Vec<Lease>, owner: &str) -> u8 {
    let provisioner = pool.provisioner();
    let reaped = leases.iter().map(|lease| reap_lease(&**provisioner, lease, owner));
    let reaped = futures::future::join_all(reaped).await;
    let mut code = exit_code::PASSED;
    for (lease, reaped) in leases.iter().zip(reaped) {
        match reaped {
            Ok(Reaped::Removed) => message::note(&format!("given back: {lease}")),
            Ok(Reaped::Cleaned) => {
                message::note(&format!("nothing of the run is left on: {lease}"));
            }
            Ok(Reaped::Gone) => message::note(&format!("nothing to give back: {lease}")),
            Err(error) => {
                let why = Failure::from(&error).message;
                message::note(&format!("may be left: {lease} {}: {why}", lease.data));
                code = exit_code::INFRA;
            }
        }
    }
    if let Err(error) = provisioner.shutdown().await {
        message::note(&Failure::from(&error).message);
        code = exit_code::INFRA;
    }
    code
}

/// What became of what a lease stands for.
enum Reaped {
    /// The run made it, and it is gone now.
    Removed,
    /// It was there before the run, and has nothing of the run any more, neither a test that still runs nor a folder.
    Cleaned,
    /// It was gone already.
    Gone,
}

/// A system that the run made goes with all that is on it. One that was there before is connected to, to remove what the run put there.
async fn reap_lease(
    provisioner: &dyn Provisioner,
    lease: &Lease,
    owner: &str,
) -> Result<Reaped, Error> {
    if provisioner.reap(lease).await? {
        return Ok(Reaped::Removed);
    }
    let Some(remote) = provisioner.adopt(lease).await? else { return Ok(Reaped::Gone) };
    let executor = FmfExecutor::new(TestSuite::new([])).owner(owner);
    let swept = executor.sweep(&**remote.connection()).await;
    swept.and(remote.release().await).map(|()| Reaped::Cleaned)
}
