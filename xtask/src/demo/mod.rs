//! `cargo xtask demo`: the sample tests on four systems of this machine, and whether all went as designed.

mod expected;
mod foretold;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::step::Steps;
use crate::workspace::{Workspace, cargo};

/// What `cargo xtask demo` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Further arguments for `atex run`, after `--`
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// What `atex run` exits with when everything ran and some test failed, as one of the samples must.
const SOME_TEST_FAILED: i32 = 1;

/// Where the demo runs.
const OUT: &str = "target/demo";
/// What is known of how long its tests take.
const HISTORY: [&str; 2] = ["--history", "target/demo-history.jsonl"];

const RUN: [&str; 11] = [
    "run",
    "--root=samples/shop",
    "--plan=/plans/full",
    "-c",
    "distro=fedora-42",
    "-c",
    "arch=x86_64",
    "--pool",
    "local,max=4",
    "--reruns",
    "1",
];

/// Builds `atex`, runs the samples, and compares what came out with what should.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let steps = Steps::new();
    steps.command(
        "building",
        cargo().current_dir(&workspace.root).args([
            "build",
            "--package=atex-cli",
            "--bin=atex",
            "--example=against_a_static_split",
        ]),
    )?;
    let built = workspace.target.join("debug");
    let out = workspace.root.join(OUT);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("cannot remove {}", out.display()))?;
    }
    // How long its tests take is to be known of this demo alone.
    fs::remove_file(workspace.root.join(HISTORY[1])).ok();
    let atex = || {
        let mut atex = Command::new(built.join("atex"));
        atex.current_dir(&workspace.root);
        atex
    };
    println!("\n$ atex {} --out {OUT} {}", RUN.join(" "), HISTORY.join(" "));
    let mut run = atex();
    run.args(RUN).args(["--out", OUT]).args(HISTORY).args(&options.arguments);
    let status = run.status().context("cannot start atex")?;
    match status.code() {
        Some(SOME_TEST_FAILED) => {}
        code => bail!(
            "atex run should exit with {SOME_TEST_FAILED}, because one sample fails by design, and not with {}",
            code.map_or("a signal".to_owned(), |code| code.to_string())
        ),
    }
    let mut split = Command::new(built.join("examples/against_a_static_split"));
    let status = split.current_dir(&workspace.root).arg(&out).status();
    ensure!(status.context("cannot start the example")?.success(), "the comparison failed");
    judge(&workspace.root, &out)?;
    println!("\n{}", foretold::comparison(atex, &options.arguments, &out)?);
    steps.finish("demo");
    Ok(())
}

/// Says what should have come out, and fails unless it did.
fn judge(root: &Path, out: &Path) -> Result<()> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let expected = expected::parse(&read(&root.join("samples/shop-expected.tsv"))?)?;
    let differences = expected::differences(&expected, &read(&out.join("journal.jsonl"))?)?;
    if !differences.is_empty() {
        bail!("not as designed:\n  {}", differences.join("\n  "));
    }
    println!(
        "\nAs designed: {} tests, each with the verdict that it should have, among them",
        expected.len()
    );
    println!(
        "  /checkout/voucher   failed twice, because the shop has a fault (its subtest says which)"
    );
    println!("  /catalog/search     failed on a cold cache and passed when it was run again");
    println!("  /upgrade            passed and cost its system, for which a new one came");
    println!("  /reports/printer    skipped itself");
    println!("Every system was given back. What the tests are: samples/shop/README.md");
    println!(
        "All of it, event by event: target/demo/journal.jsonl; files of the tests: target/demo/artifacts"
    );
    let page = out.join("report.html");
    ensure!(page.is_file(), "there is no {}", page.display());
    println!("The report, to be opened in a browser: {}", page.display());
    Ok(())
}
