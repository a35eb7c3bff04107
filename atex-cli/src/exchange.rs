//! `atex import` and `atex export`: results from others, and for others.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use atex_core::Aggregator;
use atex_report::{
    FinishedTests, Import, ImportFormat, LaunchPlan, Portal, ReportPortal, ResultsFile, RunInfo,
    RunStore,
};
use futures::StreamExt;
use serde_json::json;

use crate::output::{Export, parse_export};
use crate::store_args::{ExportOptions, ImportOptions, InputFormat};
use crate::{exit_code, message};

/// Makes a run of files that others wrote.
pub(crate) fn import(options: &ImportOptions) -> Result<u8> {
    let first = options.inputs.first().context("which file?")?;
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    // When the results were written tells more than when they were imported.
    let written = first.metadata().and_then(|found| found.modified());
    let written = written.with_context(|| format!("cannot read {}", first.display()))?;
    let started = jiff::Timestamp::try_from(written).unwrap_or_else(|_| jiff::Timestamp::now());
    let inputs: Vec<PathBuf> =
        options.inputs.iter().map(std::path::absolute).collect::<Result<_, _>>()?;
    let tool = concat!("atex ", env!("CARGO_PKG_VERSION"));
    let info = RunInfo::new(name, tool, started).asked(json!({ "imported": inputs }));
    let was_there = options.out.exists();
    let mut import = Import::into_folder(&options.out, &info)?;
    let (platform, files) = (options.platform.clone(), options.files.clone());
    import = platform.into_iter().fold(import, Import::platform);
    import = files.into_iter().fold(import, Import::files);
    import = options.format.map(of_input).into_iter().fold(import, Import::format);
    let imported = read(import, &options.inputs);
    let imported = imported.inspect_err(|_| clear(&options.out, was_there))?;
    for note in &imported.notes {
        message::note(&format!("warning: {note}"));
    }
    message::line(&format!(
        "{} results of {} tests: {}",
        imported.results,
        imported.tests,
        options.out.display()
    ))?;
    Ok(exit_code::PASSED)
}

fn read(mut import: Import, inputs: &[PathBuf]) -> Result<atex_report::Imported> {
    for input in inputs {
        import.read(input)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    Ok(runtime.block_on(import.finish())?)
}

/// Removes what a failed import left: all of it was made by this import.
fn clear(out: &Path, was_there: bool) {
    if was_there {
        for part in ["run.json", "journal.jsonl", "results.jsonl"] {
            std::fs::remove_file(out.join(part)).ok();
        }
        for part in ["artifacts", "files"] {
            std::fs::remove_dir_all(out.join(part)).ok();
        }
    } else {
        std::fs::remove_dir_all(out).ok();
    }
}

fn of_input(format: InputFormat) -> ImportFormat {
    match format {
        InputFormat::Jsonl => ImportFormat::JsonLines,
        InputFormat::Yaml => ImportFormat::Yaml,
        InputFormat::Tmt => ImportFormat::Tmt,
        InputFormat::Junit => ImportFormat::Junit,
        InputFormat::Csv => ImportFormat::Csv,
        InputFormat::Sqlite => ImportFormat::Sqlite,
    }
}

/// Writes the results of a run in another format, or tells a server of them.
pub(crate) fn export(options: &ExportOptions) -> Result<u8> {
    let store = RunStore::open(&options.run)?;
    let to = (options.out.as_deref(), options.files.as_deref());
    let to = parse_export(&options.format, to)
        .with_context(|| format!("cannot use --format {}", options.format))?;
    let finished = store.finished()?;
    if finished.gone > 0 {
        let lost = format!("the artifacts of {} tests are gone; they are left out", finished.gone);
        message::note(&format!("warning: {lost}"));
    }
    let count = finished.tests.len();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let place = match to {
        Export::File { plan, path, files } => {
            let results = plan.create(&path)?;
            runtime.block_on(write(&results, finished)).inspect_err(|_| {
                // Half an export is of no use, and would be in the way of the next.
                std::fs::remove_file(&path).ok();
                files.iter().for_each(|files| std::fs::remove_dir_all(files).unwrap_or_default());
            })?;
            path.display().to_string()
        }
        Export::Launch(portal, plan) => {
            let (report, _torn) = store.report()?;
            let started = store.info().started;
            let plan = plan.started(started).ended(started.checked_add(report.wall())?);
            runtime.block_on(tell(portal, plan, finished))?
        }
    };
    message::note(&format!("{count} tests: {place}"));
    Ok(exit_code::PASSED)
}

async fn write(results: &ResultsFile, finished: FinishedTests) -> atex_core::Result<()> {
    for test in finished.tests {
        results.ingest_with(test.record, test.earlier).await?;
    }
    results.finish().await
}

/// Tells a server of all attempts. The launch is ended whatever happens; yields what it is called.
async fn tell(portal: Portal, plan: LaunchPlan, finished: FinishedTests) -> Result<String> {
    let launch = ReportPortal::start(portal, plan).await?;
    let place = format!("launch {} in {}", launch.launch(), launch.name());
    let each = finished.tests.into_iter().map(|test| async {
        for record in test.retried.into_iter().chain([test.record]) {
            launch.ingest(record).await?;
        }
        atex_core::Result::Ok(())
    });
    // Which requests go at once is the launch's own business; how many files are open is ours.
    let told = futures::stream::iter(each).buffer_unordered(8).collect::<Vec<_>>().await;
    let ended = launch.finish().await;
    let failed: Vec<_> = told.into_iter().chain([ended]).filter_map(Result::err).collect();
    match failed.first() {
        None => Ok(place),
        Some(first) if failed.len() > 1 => {
            bail!("{first} (and {} more); it is {place}", failed.len() - 1)
        }
        Some(first) => bail!("{first}; it is {place}"),
    }
}
