//! `atex import` and `atex export`: results from others, and for others.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use atex_core::Aggregator;
use atex_report::{Import, ImportFormat, ResultsPlan, RunInfo, RunStore};
use serde_json::json;

use crate::output::parse_format;
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

/// Writes the results of a run in another format.
pub(crate) fn export(options: &ExportOptions) -> Result<u8> {
    let store = RunStore::open(&options.run)?;
    let (format, packing) = parse_format(&options.format)?;
    let finished = store.finished()?;
    if finished.gone > 0 {
        let lost = format!("the artifacts of {} tests are gone; they are left out", finished.gone);
        message::note(&format!("warning: {lost}"));
    }
    let plan = packing.into_iter().fold(ResultsPlan::new(format), ResultsPlan::packed);
    let plan = options.files.iter().fold(plan, ResultsPlan::files);
    let results = plan.create(&options.out)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let count = finished.tests.len();
    let written = runtime.block_on(async {
        for test in finished.tests {
            results.ingest_with(test.record, test.earlier).await?;
        }
        results.finish().await
    });
    if let Err(error) = written {
        // Half an export is of no use, and would be in the way of the next.
        std::fs::remove_file(&options.out).ok();
        options.files.iter().for_each(|files| std::fs::remove_dir_all(files).unwrap_or_default());
        bail!(error);
    }
    message::note(&format!("{count} tests: {}", options.out.display()));
    Ok(exit_code::PASSED)
}
