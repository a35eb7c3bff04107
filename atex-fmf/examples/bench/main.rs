//! Measures reading, adjusting and selecting of trees: `cargo run --release -p atex-fmf --example bench -- --help`.
//!
//! Everything is printed as a ratio as well: to the reference implementation, to merely parsing the same files, and to the
//! bytes of YAML. Each number is the least of several runs, which says most on a machine with other work to do.

#![expect(clippy::print_stdout, reason = "the numbers are what this program prints")]

mod generate;
mod measure;
mod reference;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use measure::Times;

const USAGE: &str = "\
usage: bench [--reference PYTHON]... [--runs N] [--files N] [--seed N] [--keep DIR] [TREE]...

Measures the given trees, and a generated one of 5,000 files (--files 0: none).

  --reference PYTHON  a Python interpreter that can import 'fmf', to compare with; may be repeated
  --runs N            how often everything is measured; the least time counts (default 9; reference: a third)
  --files N           files of the generated tree
  --seed N            another generated tree
  --keep DIR          where to generate it, to look at it afterwards";

#[derive(Debug)]
struct Arguments {
    references: Vec<PathBuf>,
    runs: usize,
    files: usize,
    seed: u64,
    keep: Option<PathBuf>,
    trees: Vec<PathBuf>,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut given = std::env::args().skip(1).peekable();
    // How this program asks itself for the memory of one tree: a process that has done nothing else.
    let done = match given.next_if_eq("--memory-of") {
        Some(_) => measure::print_memory(Path::new(&given.next().unwrap_or_default())),
        None => arguments(given).and_then(|arguments| run(&arguments)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, Failure> {
    let mut arguments = Arguments {
        references: Vec::new(),
        runs: 9,
        files: 5000,
        seed: 1,
        keep: None,
        trees: Vec::new(),
    };
    while let Some(argument) = given.next() {
        if !argument.starts_with('-') {
            arguments.trees.push(argument.into());
            continue;
        }
        let value = given.next().ok_or(USAGE)?;
        match argument.as_str() {
            "--reference" => arguments.references.push(value.into()),
            "--runs" => arguments.runs = value.parse::<usize>()?.max(1),
            "--files" => arguments.files = value.parse()?,
            "--seed" => arguments.seed = value.parse()?,
            "--keep" => arguments.keep = Some(value.into()),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{threads} processors, least of {} runs", arguments.runs);
    if arguments.files > 0 {
        let temporary = tempfile::tempdir()?;
        let folder = arguments.keep.as_deref().unwrap_or(temporary.path());
        generate::tree(folder, arguments.files, arguments.seed)?;
        println!("\ngenerated, {} files, seed {}", arguments.files, arguments.seed);
        tree(folder, arguments)?;
    }
    for path in &arguments.trees {
        println!("\n{}", path.display());
        tree(path, arguments)?;
    }
    Ok(())
}

fn tree(path: &Path, arguments: &Arguments) -> Result<(), Failure> {
    let ours = measure::tree(path, arguments.runs)?;
    let events = measure::events(path, arguments.runs)?;
    let memory = measure::memory(path)?;
    println!(
        "  {} files, {} nodes, {} chosen, {:.2} MB of YAML",
        ours.files,
        ours.nodes,
        ours.chosen,
        ours.bytes as f64 / 1e6
    );
    show("atex-fmf", ours.times);
    let ratio = ours.times.total() / events;
    println!(
        "  {:<26} {:>9.2} ms {ratio:>30.2} times as long",
        "YAML events, one thread",
        events * 1e3
    );
    for python in &arguments.references {
        let reference = reference::measure(python, path, arguments.runs.div_ceil(3))?;
        show(&reference.name, reference.times);
        if (reference.nodes, reference.chosen) != (ours.nodes, ours.chosen) {
            let (nodes, chosen) = (reference.nodes, reference.chosen);
            return Err(format!("the reference has {nodes} nodes, and chose {chosen}").into());
        }
        let ratio = reference.times.total() / ours.times.total();
        println!("  {:<26} {ratio:>43.1} times as fast", "");
    }
    let bytes = ours.bytes as f64;
    for (what, kept) in [("memory, most ever", memory.peak), ("memory, in the end", memory.kept)] {
        let ratio = kept as f64 / bytes;
        println!("  {what:<26} {:>9.2} MB {ratio:>30.2} times the YAML", kept as f64 / 1e6);
    }
    Ok(())
}

fn show(what: &str, times: Times) {
    let Times { load, adjust, select } = times;
    println!(
        "  {what:<26} {:>9.2} ms = load {:.2}, adjust {:.2}, select {:.2}",
        times.total() * 1e3,
        load * 1e3,
        adjust * 1e3,
        select * 1e3
    );
}
