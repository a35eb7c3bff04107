//! `atex runs` and `atex prune`: which runs are kept, and what becomes of old ones.

use std::time::SystemTime;

use anyhow::{Context, Result};
use atex_report::{Keep, Retention, RunStore, RunsText, StoredRun, Style};
use serde_json::{Value, json};

use crate::store_args::{PruneOptions, RunsFormat, RunsOptions};
use crate::{exit_code, message};

/// Lists the runs of a folder.
pub(crate) fn list(options: &RunsOptions) -> Result<u8> {
    let (runs, code) = all_in(&options.folder)?;
    match options.format {
        RunsFormat::Json => {
            let runs: Vec<Value> = runs.iter().map(as_json).collect();
            message::line(&serde_json::to_string_pretty(&runs)?)?;
        }
        RunsFormat::Text if runs.is_empty() => {
            message::note(&format!("there are no runs in {}", options.folder.display()));
        }
        RunsFormat::Text => {
            let zone = jiff::tz::TimeZone::system();
            let text = RunsText::new(&runs, &zone, message::width());
            message::text(&text.style(Style::Ansi).to_string())?;
        }
    }
    Ok(code)
}

/// The runs of a folder; and the exit code, which tells whether something is wrong with one of them.
fn all_in(folder: &std::path::Path) -> Result<(Vec<StoredRun>, u8)> {
    let (runs, wrong) = StoredRun::all_in(folder)?;
    let mut code = exit_code::PASSED;
    for error in wrong {
        let error = anyhow::Error::from(error);
        code = code.max(exit_code::of_error(&error));
        message::error(&error.context("a run was passed over"));
    }
    Ok((runs, code))
}

fn as_json(run: &StoredRun) -> Value {
    json!({
        "dir": run.dir,
        "run": run.info.run,
        "tool": run.info.tool,
        "started": run.info.started,
        "goes_on": run.goes_on,
        "holds_leases": run.holds_leases,
        "verdict": run.conclusion.verdict,
        "reason": run.conclusion.reason,
        "tests": run.counts.total(),
        "passed": run.counts.passed,
        "failed": run.counts.failed,
        "infra": run.counts.infra,
        "skipped": run.counts.skipped,
        "not_run": run.counts.not_run,
        "took_ms": u64::try_from(run.took.as_millis()).unwrap_or(u64::MAX),
        "bytes": run.size,
    })
}

/// Removes old runs.
pub(crate) fn prune(options: &PruneOptions) -> Result<u8> {
    let (runs, mut code) = all_in(&options.folder)?;
    let before = options.older_than.map(|age| SystemTime::now() - age);
    let before =
        before.map(jiff::Timestamp::try_from).transpose().context("--older-than is too long")?;
    let mut retention = Retention::default();
    (retention.keep, retention.before) = (options.keep, before);
    let (mut gone, mut bytes) = (0, 0);
    for (run, keep) in runs.iter().zip(retention.of(&runs)) {
        let dir = run.dir.display();
        match keep {
            Keep::Yes => {}
            Keep::GoesOn => message::note(&format!("kept: {dir}: it goes on")),
            Keep::HoldsLeases => message::note(&format!(
                "kept: {dir}: something of it may be left; `atex reap {dir}` gives it back"
            )),
            Keep::No if options.dry_run => message::line(&format!("would remove {dir}"))?,
            Keep::No => match RunStore::open(&run.dir).and_then(RunStore::remove) {
                Ok(()) => {
                    message::line(&format!("removed {dir}"))?;
                    gone += 1;
                    bytes += run.size;
                }
                Err(error) => {
                    let error = anyhow::Error::from(error);
                    code = code.max(exit_code::of_error(&error));
                    message::error(&error);
                }
            },
        }
    }
    if gone > 0 {
        message::note(&format!("{gone} removed, {} freed", atex_report::bytes_shown(bytes)));
    }
    Ok(code)
}
