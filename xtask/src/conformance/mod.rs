//! `cargo xtask conformance fmf`: whether `atex-fmf` makes of metadata what the reference implementation makes of them.
//!
//! Answers come from a corpus, or, with `--oracle`, from the reference itself, about any tree and about random ones.

mod compare;
mod emit;
mod generate;
mod oracle;
mod random;
mod shrink;
mod trees;
mod vocabulary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use self::compare::Comparison;
use self::oracle::Oracle;
use crate::step::Steps;
use crate::workspace::Workspace;

/// How many random trees are asked about at once.
const BATCH: usize = 250;

/// How many differing trees are made small and shown.
const SHOWN: usize = 2;

/// How often a tree is made smaller.
const ROUNDS: usize = 60;

/// What is compared.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Metadata trees, context rules and filters
    Fmf(FmfOptions),
}

#[derive(Debug, Args)]
struct FmfOptions {
    /// Recorded answers: cases/{cases,rules,filters}.json and corpus/OWNER+NAME/{tree,expect}; by default
    /// ../shared/fmf. Either part may be missing
    #[arg(long, value_name = "DIR")]
    corpus: Option<PathBuf>,
    /// Ask the reference implementation, which is installed from PyPI below the target folder, instead
    #[arg(long)]
    oracle: bool,
    /// Compare on the trees in this folder; may be given several times
    #[arg(long, value_name = "DIR", requires = "oracle")]
    tree: Vec<PathBuf>,
    /// Compare on so many random trees (200, if no tree is named either)
    #[arg(long, value_name = "N", requires = "oracle")]
    generate: Option<usize>,
    /// The seed of the first random tree; the next one has the next number
    #[arg(long, value_name = "S", default_value_t = 1, requires = "oracle")]
    seed: u64,
}

/// Compares, and shows what differs.
///
/// # Errors
/// Something differs, or nothing was compared.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let What::Fmf(options) = &options.what;
    let steps = Steps::new();
    let comparison = Comparison::build(&steps, workspace)?;
    if !options.oracle || options.corpus.is_some() {
        let default = workspace.root.join("../shared/fmf");
        let corpus = options.corpus.as_ref().unwrap_or(&default);
        let hint = "name a corpus by `--corpus DIR`, or ask the reference by `--oracle`";
        let corpus = corpus
            .canonicalize()
            .with_context(|| format!("there is no folder {}; {hint}", corpus.display()))?;
        comparison.show(&corpus)?;
    }
    if options.oracle {
        let dir = workspace.target.join("conformance");
        let asked = Asked { oracle: Oracle::install(&steps, &dir)?, comparison, dir };
        if !options.tree.is_empty() {
            let folder = trees::lay(&asked.dir.join("trees"), &options.tree)?;
            for file in trees::questions(&folder)? {
                asked.oracle.answer_tree(&file)?;
            }
            asked.comparison.show(&folder)?;
        }
        let default = if options.tree.is_empty() { 200 } else { 0 };
        asked.generated(options.generate.unwrap_or(default), options.seed)?;
    }
    steps.finish("conformance");
    Ok(())
}

/// Both sides, and a folder for what they are asked.
#[derive(Debug)]
struct Asked {
    oracle: Oracle,
    comparison: Comparison,
    dir: PathBuf,
}

impl Asked {
    /// Compares on random trees; those that differ are made small and shown.
    fn generated(&self, count: usize, seed: u64) -> Result<()> {
        let mut differing = Vec::new();
        for start in (0..count).step_by(BATCH) {
            let numbers = start..count.min(start + BATCH);
            let cases: Vec<Value> =
                numbers.map(|number| generate::tree(seed.wrapping_add(number as u64))).collect();
            let said = self.compared(&cases)?;
            println!("generated {}/{}", cases.len() - said.differing.len(), cases.len());
            let differs = |case: &Value| {
                case["name"].as_str().is_some_and(|name| said.differing.contains(name))
            };
            differing.extend(cases.into_iter().filter(differs));
        }
        for case in differing.iter().take(SHOWN) {
            println!("\n{}", self.shown(&self.shrunk(case)?)?);
        }
        match differing.len() {
            0 => Ok(()),
            number => bail!("{number} of {count} random trees differ"),
        }
    }

    fn compared(&self, cases: &[Value]) -> Result<compare::Said> {
        let folder = self.dir.join("generated");
        let file = folder.join("cases/cases.json");
        fs::create_dir_all(folder.join("cases"))?;
        let rendered: Value = cases.iter().map(generate::rendered).collect();
        write(&file, &rendered)?;
        self.oracle.answer_cases(&file)?;
        self.comparison.ask(&folder)
    }

    /// The smallest version that is found of a tree that still differs.
    fn shrunk(&self, case: &Value) -> Result<Value> {
        let mut case = case.clone();
        for _ in 0..ROUNDS {
            let mut smaller = shrink::candidates(&case);
            for (number, one) in smaller.iter_mut().enumerate() {
                one["name"] = Value::from(number.to_string());
            }
            let said = match smaller.is_empty() {
                true => break,
                false => self.compared(&smaller)?,
            };
            let first = smaller.into_iter().find(|case| {
                case["name"].as_str().is_some_and(|name| said.differing.contains(name))
            });
            let Some(first) = first else { break };
            let name = case["name"].take();
            case = first;
            case["name"] = name;
        }
        Ok(case)
    }

    /// A tree that differs, as people can read it.
    fn shown(&self, case: &Value) -> Result<String> {
        let said = self.compared(std::slice::from_ref(case))?;
        let rendered = generate::rendered(case);
        let mut text = format!("random tree {}\n", case["name"].as_str().unwrap_or_default());
        for (path, content) in rendered["files"].as_object().into_iter().flatten() {
            let content = content.as_str().unwrap_or_default();
            let content = content.lines().map(|line| format!("    {line}\n"));
            text += &format!("  {path}:\n{}", content.collect::<String>());
        }
        for key in ["symlinks", "adjust", "prunes"] {
            if !rendered[key].is_null() {
                text += &format!("  {key}: {}\n", rendered[key]);
            }
        }
        Ok(text + &said.text)
    }
}

fn write(path: &Path, value: &Value) -> Result<()> {
    fs::write(path, value.to_string()).with_context(|| format!("cannot write {}", path.display()))
}
