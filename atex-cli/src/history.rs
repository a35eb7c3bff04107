//! What is known from earlier runs: `atex history`, and what runs and plans make of it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use atex_core::millis::Shown;
use atex_core::{TestName, Verdict};
use atex_report::{History, PastOutcome, RunReport, RunStore};
use atex_sched::{Plan, TestPlan};
use serde_json::Value;

use crate::args::{HistoryCommand, HistoryOptions, RunOptions};
use crate::progress::Expected;
use crate::run::RUNS;
use crate::{exit_code, message};

/// Carries out a command.
pub(crate) fn run(command: &HistoryCommand) -> Result<u8> {
    match command {
        HistoryCommand::Import(options) => import(options),
        HistoryCommand::Show(options) => show(options),
    }
}

/// The file.
fn file(named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| Path::new(RUNS).join("history.jsonl"), Path::to_owned)
}

/// What is known.
pub(crate) fn known(named: Option<&Path>) -> Result<History> {
    let file = file(named);
    let history = History::read(&file).context("cannot read the history")?;
    if history.left_out() > 0 {
        message::note(&format!(
            "note: {} lines of {} were not understood",
            history.left_out(),
            file.display()
        ));
    }
    Ok(history)
}

/// Completes what the plan says of a test by what is known of it.
pub(crate) fn complete(history: &History, plan: &mut TestPlan) {
    let platform = plan.wanted.as_deref();
    plan.duration = history.expected(&plan.name, platform).or(plan.duration);
    let last = history.last(&plan.name, platform);
    plan.failed_last = last.is_some_and(|verdict| !verdict.is_ok());
}

/// How long the tests of a plan are expected to take, as far as that was measured.
pub(crate) fn expected(history: &History, plan: &Plan) -> Expected {
    let known = |test: &TestPlan| {
        let took = history.expected(&test.name, test.wanted.as_deref())?;
        Some((test.key(), took))
    };
    plan.tests.iter().filter_map(known).collect()
}

/// Adds what a run was to what is known. A run that is kept where it was wanted is not, unless a history was named as well.
pub(crate) fn keep(options: &RunOptions, store: &RunStore, report: &RunReport) {
    if options.out.is_some() && options.history.is_none() {
        return;
    }
    let file = file(options.history.as_deref());
    if let Err(error) = History::add_run(&file, store.info(), report) {
        message::note(&format!("warning: {error}: the next run will not know of this one"));
    }
}

/// The tests that did not pass in the run of this folder.
pub(crate) fn failed(dir: &Path) -> Result<HashSet<TestName>> {
    let cannot = || format!("cannot tell what failed in {}", dir.display());
    let store = RunStore::open(dir).with_context(cannot)?;
    let (report, _) = store.report().with_context(cannot)?;
    let failed: HashSet<TestName> = report
        .tests()
        .filter(|test| test.verdict.is_none_or(|verdict| !verdict.is_ok()))
        .map(|test| test.name.clone())
        .collect();
    if failed.is_empty() {
        bail!("everything passed in {}: there is nothing to run again", dir.display());
    }
    Ok(failed)
}

fn import(options: &HistoryOptions) -> Result<u8> {
    let file = file(options.history.as_deref());
    if options.paths.is_empty() {
        bail!("nothing to import: name folders of runs, or files of results");
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    for path in &options.paths {
        let added = if path.is_dir() { import_run(&file, path) } else { import_lines(&file, path) };
        let added = added.with_context(|| format!("cannot import {}", path.display()))?;
        let what = if added == 0 { "nothing new".to_owned() } else { format!("{added} lines") };
        message::note(&format!("{}: {what}", path.display()));
    }
    Ok(exit_code::PASSED)
}

fn import_run(file: &Path, dir: &Path) -> Result<usize> {
    let store = RunStore::open(dir)?;
    let (report, _) = store.report()?;
    Ok(History::add_run(file, store.info(), &report)?)
}

/// Adds what JSON lines say of tests themselves. When that was is when the file was written last.
fn import_lines(file: &Path, results: &Path) -> Result<usize> {
    let text = std::fs::read_to_string(results)?;
    let at = jiff::Timestamp::try_from(std::fs::metadata(results)?.modified()?)?;
    let mut outcomes = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = || format!("line {}", number + 1);
        let Value::Array(fields) = serde_json::from_str(line).with_context(place)? else {
            bail!("{}: expected [platform, status, test, subtest, files, note]", place());
        };
        let text = |index: usize| fields.get(index).and_then(Value::as_str);
        let (Some(platform), Some(status), Some(test), Some(Value::Null)) =
            (text(0), text(1), text(2), fields.get(3))
        else {
            continue;
        };
        let verdict = match status {
            "pass" => Verdict::Passed,
            "skip" | "info" => Verdict::Skipped,
            "infra" => continue,
            _ => Verdict::Failed,
        };
        let test = TestName::new(test).with_context(place)?;
        outcomes.push(PastOutcome { test, platform: platform.to_owned(), verdict });
    }
    let name = results.canonicalize()?.display().to_string();
    Ok(History::add_outcomes(file, (&name, at), outcomes)?)
}

fn show(options: &HistoryOptions) -> Result<u8> {
    let history = known(options.history.as_deref())?;
    for (test, platform, took, last) in history.iter() {
        let took = took.map_or_else(|| "?".to_owned(), |took| Shown(took).to_string());
        let last = last.map_or("?", Verdict::as_str);
        message::line(&format!("{took:>8}  {last:<7}  {test}  {platform}"))?;
    }
    Ok(exit_code::PASSED)
}
