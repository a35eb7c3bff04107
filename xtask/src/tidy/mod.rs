//! `cargo xtask tidy`: the rules of the house that a program can check.
//!
//! What breaks a rule fails; what is over a budget is only printed, because length is a hint and no law.

mod documents;
mod features;
mod graph;
mod layout;
mod size;
mod source;
mod words;

use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::step::Steps;
use crate::workspace::{Crate, Workspace};

/// Checks everything.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let steps = Steps::new();
    check(&steps, workspace)?;
    steps.finish("tidy");
    Ok(())
}

/// The checks as steps of a longer run.
pub(crate) fn check(steps: &Steps, workspace: &Workspace) -> Result<()> {
    steps.task("tidy: crates, names, words", || {
        let sources = source::all(&workspace.root)?;
        ensure!(!sources.is_empty(), "no files found below {}", workspace.root.display());
        let mut broken = graph::check(&workspace.crates);
        broken.extend(layout::check(&sources));
        broken.extend(words::check(&sources, &words::machine_paths(&workspace.root)));
        broken.extend(manifests(&workspace.crates)?);
        broken.extend(documents::check(&sources, |path| workspace.root.join(path).exists()));
        for hint in size::over_budget(&sources) {
            println!("    over budget: {hint}");
        }
        verdict(&broken)
    })?;
    steps.task("tidy: what features pull in", || verdict(&features::check(&workspace.root)?))
}

/// Every crate takes the lints of the workspace.
fn manifests(crates: &[Crate]) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for one in crates {
        let path = one.dir.join("Cargo.toml");
        broken.extend(lints(&one.name, &read(&path)?));
    }
    Ok(broken)
}

fn lints(name: &str, manifest: &str) -> Option<String> {
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let plain: String = line.split_whitespace().collect();
        if (section == "[lints]" && plain == "workspace=true") || plain == "lints.workspace=true" {
            return None;
        }
    }
    Some(format!("{name}/Cargo.toml: add `[lints] workspace = true`"))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn verdict(broken: &[String]) -> Result<()> {
    for line in broken {
        println!("    {line}");
    }
    ensure!(broken.is_empty(), "{} rule(s) of the house broken (listed above)", broken.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_takes_the_lints_of_the_workspace() {
        assert_eq!(lints("a", "[package]\nname = \"a\"\n[lints]\nworkspace = true\n"), None);
        assert_eq!(lints("a", "lints.workspace = true\n"), None);
        let broken = lints("a", "[lints]\n[dependencies]\nworkspace = true\n");
        assert_eq!(broken.as_deref(), Some("a/Cargo.toml: add `[lints] workspace = true`"));
    }

    #[test]
    fn any_broken_rule_fails() {
        assert!(verdict(&[]).is_ok());
        assert!(verdict(&["x".into()]).is_err());
    }
}
