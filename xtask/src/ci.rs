//! `cargo xtask ci`: all that is checked without running the tests.

use std::process::Command;

use anyhow::Result;

use crate::step::Steps;
use crate::tidy;
use crate::workspace::{Workspace, cargo};

/// Checks in the order in which they fail quickest.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let steps = Steps::new();
    let cargo_here = |arguments: &[&str]| {
        let mut command = cargo();
        command.current_dir(&workspace.root).args(arguments);
        command
    };
    steps.command("format", &mut cargo_here(&["fmt", "--all", "--check"]))?;
    tidy::check(&steps, workspace)?;
    let lints =
        ["clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-Dwarnings"];
    steps.command("lints", &mut cargo_here(&lints))?;
    let docs = [
        "doc",
        "--quiet",
        "--workspace",
        "--all-features",
        "--no-deps",
        "--document-private-items",
    ];
    steps.command("documentation", cargo_here(&docs).env("RUSTDOCFLAGS", "-Dwarnings"))?;
    steps.task("each crate and each feature alone", || {
        for arguments in alone(workspace) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let title = arguments[2..].join(" ");
            // By clippy, because its flags are for our crates alone: others are not built again for them.
            steps.command(&title, cargo_here(&arguments).args(["--", "-Dwarnings"]))?;
        }
        Ok(())
    })?;
    deny(&steps, cargo_here)?;
    steps.finish("ci");
    Ok(())
}

/// The arguments for cargo that build each crate as somebody gets it who depends on that crate alone: without any feature,
/// and with each one. (Built together, crates lend each other the features that they forgot to ask for.)
fn alone(workspace: &Workspace) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for one in &workspace.crates {
        let lint = ["clippy", "--quiet", "--package", &one.name, "--no-default-features"];
        let lint = lint.map(str::to_owned).to_vec();
        all.push(lint.clone());
        all.extend(one.features.iter().map(|feature| {
            [lint.as_slice(), &["--features".to_owned(), feature.clone()]].concat()
        }));
    }
    all
}

/// Licences, sources and bans of all dependencies. The tool is built when it is not there, which takes some minutes, once.
fn deny(steps: &Steps, cargo_here: impl Fn(&[&str]) -> Command) -> Result<()> {
    let installed = cargo_here(&["deny", "--version"]).output()?.status.success();
    if !installed {
        let install =
            ["install", "--quiet", "--locked", "--debug", "--no-default-features", "cargo-deny"];
        steps.command("installing cargo-deny", &mut cargo_here(&install))?;
    }
    let check = ["deny", "--log-level=error", "check", "bans", "licenses", "sources"];
    steps.command("dependencies", &mut cargo_here(&check))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Crate;

    #[test]
    fn each_feature_is_built_alone() {
        let one =
            Crate { name: "a".into(), features: vec!["x".into(), "y".into()], ..Crate::default() };
        let workspace = Workspace { root: "/r".into(), target: "/t".into(), crates: vec![one] };
        let lines: Vec<String> = alone(&workspace).iter().map(|line| line.join(" ")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        clippy --quiet --package a --no-default-features
        clippy --quiet --package a --no-default-features --features x
        clippy --quiet --package a --no-default-features --features y
        ");
    }
}
