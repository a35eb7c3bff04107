//! `atex run --resume`: goes on with a run that was killed.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use atex_core::{CancellationToken, EventSink, TestSuite};
use atex_report::{Entry, ResultsFile, RunReport, RunStore};
use atex_sched::{OpenLeases, Standing};
use clap::{Args, Command, FromArgMatches};
use serde_json::Value;
use walkdir::WalkDir;

use crate::args::RunOptions;
use crate::platforms::Platforms;
use crate::report::waivers;
use crate::run::{Life, Seen, live};
use crate::{message, open_files};

/// Goes on with the run in this folder; the exit code says how it went.
pub(crate) fn run(dir: &Path, typed: &RunOptions) -> Result<u8> {
    alone(typed)?;
    let cannot = || format!("cannot go on with {}", dir.display());
    // The folder that we are in changes.
    let absolute = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let (store, options, life) = open(&absolute, typed).with_context(cannot)?;
    let platforms = store.suites().map_err(Into::into);
    let platforms =
        platforms.and_then(|suites| Platforms::kept(&options, suites)).with_context(cannot)?;
    let tests: usize = platforms.suites().map(|suite| suite.tests.len()).sum();
    open_files::make_room(platforms.systems().min(tests))?;
    let waivers = waivers::of_run(&options.waivers, &store)?;
    if let Some(note) = changed(platforms.suites(), &store) {
        message::note(&note);
    }
    live(&options, (platforms, waivers), &store, life)
}

/// The run, what was asked of it, and its journal, which is ours from now on. We are where it was.
fn open(dir: &Path, typed: &RunOptions) -> Result<(RunStore, RunOptions, Life)> {
    let store = RunStore::open(dir)?;
    let cancel = CancellationToken::new();
    let (journal, events) = store.resume_journal(cancel.clone())?;
    let ended = events.last().is_some_and(|last| last.event == atex_core::RunEvent::RunFinished);
    if ended {
        bail!("the run is over: there is nothing left of it to go on with");
    }
    let asked = &store.info().asked;
    let mut options = asked_for(&asked["options"])?;
    // How it is shown is a matter of who looks.
    (options.progress, options.follow) = (typed.progress, typed.follow);
    options.out = Some(dir.to_owned());
    if let Some(folder) = asked["folder"].as_str() {
        // Names of files are relative to that.
        std::env::set_current_dir(folder)
            .with_context(|| format!("cannot go to {folder}, where the run was started"))?;
    }
    Ok((store, options, Life { journal, cancel, events }))
}

/// Checks that nothing was asked besides: it would not be heeded.
fn alone(typed: &RunOptions) -> Result<()> {
    let (typed, usual) = (serde_json::to_value(typed)?, usual()?);
    for (key, value) in typed.as_object().into_iter().flatten() {
        let own = ["pools", "progress", "follow"].contains(&key.as_str());
        let pools = key == "pools" && value.as_array().is_some_and(|pools| !pools.is_empty());
        if pools || (!own && usual[key] != *value) {
            bail!(
                "--resume goes on with what the run was asked when it began: leave out --{}",
                key.replace('_', "-")
            );
        }
    }
    Ok(())
}

/// What is asked when nothing is said.
fn usual() -> Result<Value> {
    let command = RunOptions::augment_args(Command::new("run"));
    let matches = command.try_get_matches_from(["run", "--pool", ""])?;
    Ok(serde_json::to_value(RunOptions::from_arg_matches(&matches)?)?)
}

/// What is asked of a run of what failed in another, without saying where: what was asked of that, in the folder where it was asked.
pub(crate) fn asked_before(typed: &RunOptions) -> Result<Option<RunOptions>> {
    let (Some(dir), []) = (&typed.failed_from, typed.pools.as_slice()) else { return Ok(None) };
    let (dir, here) = (std::path::absolute(dir)?, std::env::current_dir()?);
    let store = RunStore::open(&dir)?;
    let asked = &store.info().asked;
    let mut options = asked_for(&asked["options"])?;
    let (typed_value, usual) = (serde_json::to_value(typed)?, usual()?);
    let mut all = serde_json::to_value(&options)?;
    for (key, value) in typed_value.as_object().into_iter().flatten() {
        // What is said now goes before what was said then.
        if key != "pools" && usual[key] != *value {
            all[key] = value.clone();
        }
    }
    options = serde_json::from_value(all)?;
    options.out = typed.out.as_ref().map(|out| here.join(out));
    options.failed_from = Some(dir);
    options.history = typed.history.as_ref().map(|file| here.join(file));
    if let Some(folder) = asked["folder"].as_str() {
        std::env::set_current_dir(folder)
            .with_context(|| format!("cannot go to {folder}, where the run was started"))?;
    }
    Ok(Some(options))
}

/// What was asked. What an older version did not ask is as if nobody had said anything.
fn asked_for(stored: &Value) -> Result<RunOptions> {
    let Value::Object(stored) = stored else {
        bail!("the run does not say what it was asked, as those of older versions");
    };
    let mut all = usual()?;
    for (key, value) in stored {
        all[key] = value.clone();
    }
    serde_json::from_value(all).context("cannot understand what the run was asked")
}

/// How the run stands, if it had begun. Who listens is told what happened.
pub(crate) fn recall(events: &[Entry], told: (&Seen, &OpenLeases)) -> Option<Standing> {
    let mut standing = Standing::new();
    for Entry { at, event } in events {
        standing.apply(*at, event);
        told.0.emit(*at, event);
        told.1.emit(*at, event);
    }
    standing.is_started().then_some(standing)
}

/// The results so far, made again.
pub(crate) async fn results(store: &RunStore, report: &RunReport) -> Result<ResultsFile> {
    let (results, failures) = store.results_again(report).await?;
    for failure in failures {
        message::note(&format!("warning: {failure}"));
    }
    Ok(results)
}

/// How long the run lasts already, by the clock on the wall: whoever had its systems had them all that time.
pub(crate) fn lasted(store: &RunStore) -> Duration {
    let since = jiff::Timestamp::now().duration_since(store.info().started);
    let lasted = Duration::try_from(since).unwrap_or_default();
    Duration::from_millis(u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX))
}

/// A note on files of the suite that changed since the run began.
fn changed<'a>(suites: impl Iterator<Item = &'a TestSuite>, store: &RunStore) -> Option<String> {
    let began = std::time::SystemTime::from(store.info().started);
    let folders: BTreeSet<&Path> =
        suites.flat_map(|suite| &suite.content).map(|content| content.from.as_path()).collect();
    let names: Vec<String> = folders
        .into_iter()
        .flat_map(|folder| {
            let walk = WalkDir::new(folder).into_iter();
            let ours = |path: &Path| path == store.dir() || path.ends_with(".git");
            walk.filter_entry(move |entry| {
                !ours(entry.path()) && entry.file_name() != crate::run::RUNS
            })
        })
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| {
            let modified = entry.metadata().ok().and_then(|found| found.modified().ok());
            modified.is_some_and(|modified| modified > began)
        })
        .map(|entry| entry.path().display().to_string())
        .collect();
    let first = names.first()?;
    let more = match names.len() {
        1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    Some(format!(
        "note: {first}{more} changed since the run began; systems that are made ready from now on get what is there now, and \
         tests are run as their metadata were then"
    ))
}
