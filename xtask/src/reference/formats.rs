//! The same artifacts through the aggregators of both, and what each writes read by the other.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const SCRIPT: &str = include_str!("formats.py");

/// Compares, in a folder below `dir`.
///
/// # Errors
/// When something differs; what, it prints.
pub(super) fn compare(python: &Path, atex: &Path, dir: &Path) -> Result<()> {
    let script = dir.join("formats.py");
    fs::write(&script, SCRIPT).context("cannot write the script that compares formats")?;
    let mut compare = Command::new(python);
    compare.arg(&script).arg(atex).arg(dir.join("formats")).stdin(Stdio::null());
    let status = compare.status().context("cannot start the Python ATEX")?;
    ensure!(status.success(), "formats differ from those of the Python ATEX, as shown above");
    Ok(())
}
