//! Times and memory of this crate, and the time of parsing alone.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use atex_fmf::{Climb, Context, Selection, Tree};
use granit_parser::Parser;

use crate::Failure;

/// Seconds of each step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) load: f64,
    pub(crate) adjust: f64,
    pub(crate) select: f64,
}

impl Times {
    pub(crate) fn total(self) -> f64 {
        self.load + self.adjust + self.select
    }

    /// The better of two runs, as a whole.
    pub(crate) fn least(self, other: Self) -> Self {
        if other.total() < self.total() { other } else { self }
    }
}

#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) times: Times,
    pub(crate) files: usize,
    pub(crate) nodes: usize,
    pub(crate) chosen: usize,
    /// Bytes of all files.
    pub(crate) bytes: u64,
}

/// Bytes that the process had more than before, its code not counted.
#[derive(Debug)]
pub(crate) struct Memory {
    /// At the worst moment.
    pub(crate) peak: u64,
    /// With the adjusted tree still there.
    pub(crate) kept: u64,
}

/// Loads, adjusts and selects.
pub(crate) fn tree(path: &Path, runs: usize) -> Result<Measured, Failure> {
    let (mut measured, tree) = once(path)?;
    measured.bytes = bytes(&tree)?;
    drop(tree);
    for _ in 1..runs {
        measured.times = measured.times.least(once(path)?.0.times);
    }
    Ok(measured)
}

fn once(path: &Path) -> Result<(Measured, Tree), Failure> {
    let context = Context::new().with("distro", ["rhel-9.6"]).with("arch", ["x86_64"]);
    let started = Instant::now();
    let mut tree = Tree::open(path)?;
    let loaded = Instant::now();
    tree.adjust(&context)?;
    let adjusted = Instant::now();
    let selection = Selection::new().key("test").filter("tier: 1");
    let chosen = tree.prune(&selection).collect::<Result<Vec<_>, _>>()?.len();
    let selected = Instant::now();
    let times = Times {
        load: (loaded - started).as_secs_f64(),
        adjust: (adjusted - loaded).as_secs_f64(),
        select: (selected - adjusted).as_secs_f64(),
    };
    let nodes = tree.climb(Climb { whole: true, sort: false }).count();
    let files = tree.files().len();
    Ok((Measured { times, files, nodes, chosen, bytes: 0 }, tree))
}

fn bytes(tree: &Tree) -> Result<u64, Failure> {
    tree.files().try_fold(0, |sum, file| Ok(sum + std::fs::metadata(file)?.len()))
}

/// Seconds for reading the files of a tree and asking the YAML parser for all events, one file after the other.
pub(crate) fn events(path: &Path, runs: usize) -> Result<f64, Failure> {
    let tree = Tree::open(path)?;
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let started = Instant::now();
        for file in tree.files() {
            let text = std::fs::read_to_string(file)?;
            for event in Parser::new_from_str(&text) {
                std::hint::black_box(event?);
            }
        }
        least = least.min(started.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Asks a fresh process, because memory once used stays with a process.
pub(crate) fn memory(path: &Path) -> Result<Memory, Failure> {
    let mut least: Option<Memory> = None;
    for _ in 0..3 {
        let output =
            Command::new(std::env::current_exe()?).arg("--memory-of").arg(path).output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Vec<u64> = text.split_whitespace().flat_map(str::parse).collect();
        let [peak, kept] = numbers[..] else { return Err(text.into()) };
        if least.as_ref().is_none_or(|least| peak < least.peak) {
            least = Some(Memory { peak, kept });
        }
    }
    least.ok_or_else(|| "nothing was measured".into())
}

/// The other side of [`memory`].
pub(crate) fn print_memory(path: &Path) -> Result<(), Failure> {
    load_code()?;
    let before = resident("VmRSS:")?;
    let (_, tree) = once(path)?;
    let (peak, kept) = (resident("VmHWM:")?, resident("VmRSS:")?);
    println!("{} {}", peak.saturating_sub(before), kept.saturating_sub(before));
    drop(tree);
    Ok(())
}

/// Reads a tree of one file: the code of a program is there once, however many trees it reads.
fn load_code() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join(".fmf"))?;
    std::fs::write(folder.path().join(".fmf/version"), "1\n")?;
    let text = "test: ./a\ntier: 1\nadjust: {when: distro < rhel-9 or arch == x86_64, enabled: false}\n\
                require: [a]\n/x:\n  require+: ['b']\n";
    std::fs::write(folder.path().join("main.fmf"), text)?;
    once(folder.path()).map(drop)
}

/// Bytes of memory that this process has, by a line of `/proc/self/status`.
fn resident(field: &str) -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")
        .map_err(|error| format!("memory is only measured on Linux: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kibibytes.ok_or("memory is not told by this system")? * 1024)
}
