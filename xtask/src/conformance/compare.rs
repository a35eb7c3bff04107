//! [`Comparison`]: the example `conformance` of `atex-fmf`, which compares that crate with recorded answers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::Steps;
use crate::workspace::{Workspace, cargo};

/// The program that compares.
#[derive(Debug)]
pub(super) struct Comparison {
    program: PathBuf,
}

/// What it said about one folder.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Everything, as it printed it.
    pub(super) text: String,
    /// The names of the cases whose answers differ.
    pub(super) differing: BTreeSet<String>,
}

impl Comparison {
    /// Builds the program. Not optimised: comparing takes seconds either way, optimising takes minutes.
    pub(super) fn build(steps: &Steps, workspace: &Workspace) -> Result<Self> {
        let mut build = cargo();
        build.current_dir(&workspace.root).args([
            "build",
            "--quiet",
            "--package=atex-fmf",
            "--all-features",
            "--example=conformance",
        ]);
        steps.command("building the comparison", &mut build)?;
        Ok(Self { program: workspace.target.join("debug/examples/conformance") })
    }

    /// Compares with the answers in `folder` and prints how far they agree.
    ///
    /// # Errors
    /// Something differs, or there was nothing to compare.
    pub(super) fn show(&self, folder: &Path) -> Result<()> {
        let mut program = Command::new(&self.program);
        match program.arg(folder).status().context("cannot start the comparison")?.code() {
            Some(0) => Ok(()),
            Some(1) => bail!("not everything in {} agrees", folder.display()),
            _ => bail!("nothing was compared in {}", folder.display()),
        }
    }

    /// Compares with the answers in `folder`; gives all differences.
    ///
    /// # Errors
    /// There was nothing to compare.
    pub(super) fn ask(&self, folder: &Path) -> Result<Said> {
        let mut program = Command::new(&self.program);
        let output = program.arg(folder).arg(usize::MAX.to_string()).output();
        let output = output.context("cannot start the comparison")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0 | 1) => Ok(Said { differing: names(&text), text }),
            _ => bail!("the comparison failed: {}{text}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

/// The names of the cases that differ: each stands in quotes in a line of its own.
fn names(text: &str) -> BTreeSet<String> {
    let quoted = |line: &str| {
        let name = line.strip_prefix("  \"")?.strip_suffix('"')?;
        Some(name.to_owned())
    };
    text.lines().filter_map(quoted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_cases_are_found_by_their_lines() {
        let text = "cases 1/3\n  \"7\"\n  got      {}\n  expected {}\n  \"12\"\n  got \"x\"\n";
        assert_eq!(names(text).into_iter().collect::<Vec<_>>(), ["12", "7"]);
    }
}
