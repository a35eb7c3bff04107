//! `cargo xtask test`: every test there is.

use std::collections::BTreeSet;

use anyhow::Result;
use clap::Args;

use crate::needs::{NEEDS, Need, cannot_install, install, program_folders};
use crate::step::Steps;
use crate::workspace::{Workspace, cargo};

/// What `cargo xtask test` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Install nothing: tests whose programs are missing skip themselves
    #[arg(long)]
    no_install: bool,
    /// Further arguments for `cargo test`, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Installs what is missing where that can be done, then runs the tests.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = Steps::new();
    let folders = program_folders();
    let (possible, impossible): (Vec<_>, Vec<_>) =
        NEEDS.iter().map(|need| (need, need.impossible())).partition(|(_, why)| why.is_none());
    for (need, why) in impossible {
        println!("skipped: {} ({})", need.tests, why.unwrap_or_default());
    }
    let is_there = |need: &&Need| need.missing(&folders).is_empty();
    let wanted = || possible.iter().map(|(need, _)| *need);
    let missing = || wanted().filter(|need| !is_there(need));
    let packages: BTreeSet<&str> = missing().flat_map(|need| need.packages).copied().collect();
    if !packages.is_empty() {
        match options
            .no_install
            .then_some("`--no-install` was given")
            .or_else(|| cannot_install(&folders))
        {
            None => install(&steps, &packages.into_iter().collect::<Vec<_>>())?,
            Some(reason) => missing()
                .for_each(|need| println!("{}", skipped(need, &need.missing(&folders), reason))),
        }
    }
    let require = wanted().filter(is_there).map(|need| need.name).collect::<Vec<_>>().join(",");
    let mut tests = cargo();
    tests.current_dir(&workspace.root).args(["test", "--all-features"]);
    if !options.arguments.iter().any(|argument| chooses_package(argument)) {
        tests.arg("--workspace");
    }
    if std::env::var_os("CI").is_some() {
        tests.arg("--no-fail-fast");
    }
    // What was found here must be used: a test that skips itself all the same then fails.
    tests.args(&options.arguments).env("ATEX_TEST_REQUIRE", require);
    steps.command("tests", &mut tests)?;
    steps.finish("test");
    Ok(())
}

/// Whether the argument is one by which cargo takes some packages instead of all.
fn chooses_package(argument: &str) -> bool {
    argument == "--package" || argument.starts_with("--package=") || argument.starts_with("-p")
}

/// What is said about tests that will skip themselves.
fn skipped(need: &Need, missing: &[&str], reason: &str) -> String {
    format!(
        "skipped: {} ({} missing, and {reason}; to have them: apt-get install {})",
        need.tests,
        missing.join(", "),
        need.packages.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_can_be_chosen() {
        assert!(["-p", "-patex-core", "--package=atex-core"].into_iter().all(chooses_package));
        assert!(!["--package-name", "name", "--lib"].into_iter().any(chooses_package));
    }

    #[test]
    fn what_is_skipped_is_said_with_the_remedy() {
        insta::assert_snapshot!(skipped(&NEEDS[0], &["sshd"], "this is not root"), @"skipped: tests that reach this machine over a real ssh server (sshd missing, and this is not root; to have them: apt-get install openssh-server openssh-client)");
    }
}
