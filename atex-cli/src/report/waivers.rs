//! Which waivers hold for a run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use atex_report::{RunStore, Waivers};

use super::options::WaiverOptions;

/// The file of waivers for a run that is about to start: the one that was named, or the one beside the tests.
fn file_of_tree(options: &WaiverOptions, root: &Path) -> Option<PathBuf> {
    if options.no_waivers {
        return None;
    }
    let beside = || {
        let root = std::path::absolute(root).ok()?;
        let top = root.ancestors().find(|folder| folder.join(".fmf/version").is_file());
        Some(top.unwrap_or(&root).join(Waivers::DEFAULT)).filter(|file| file.is_file())
    };
    options.waivers.clone().or_else(beside)
}

/// The waivers for a run that is about to start, with the text of their file.
pub(crate) fn before_run(
    options: &WaiverOptions,
    root: &Path,
) -> Result<Option<(Waivers, String)>> {
    let Some(file) = file_of_tree(options, root) else { return Ok(None) };
    let waivers = Waivers::read(&file).context("cannot take the waivers")?;
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read the waivers {}", file.display()))?;
    Ok(Some((waivers, text)))
}

/// The waivers for a run that was: those that were named, or those that it was started with.
pub(crate) fn of_run(options: &WaiverOptions, store: &RunStore) -> Result<Option<Waivers>> {
    let kept = store.waivers_path();
    let file = match (&options.waivers, options.no_waivers) {
        (_, true) => None,
        (Some(named), false) => Some(named.clone()),
        (None, false) => kept.is_file().then_some(kept),
    };
    file.map(|file| Waivers::read(&file)).transpose().context("cannot take the waivers")
}
