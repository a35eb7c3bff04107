//! Measures running tests, over this machine and over real ssh: `cargo run --release -p atex-exec --example bench_running -- --help`.
//!
//! Everything is a ratio to a peer in the same run: to the Python ATEX, to GNU parallel, to `ssh` itself. Both take turns;
//! each number is the best of its rounds, which says most on a machine with other work to do.

#![expect(clippy::print_stdout, reason = "the numbers are what this program prints")]

mod bed;
mod many;
mod ours;
mod peers;

use std::path::PathBuf;
use std::process::ExitCode;

use atex_provision::testkit::Sshd;
use bed::Bed;
use ours::Session;

const USAGE: &str = "\
usage: bench [--peer PYTHON] [--rounds N] [--scratch DIR] [--skip NAME]... [NAME]...

  --peer PYTHON    a Python interpreter that can import 'atex', to compare with
  --rounds N       how often both sides take their turn; the best counts (default 3)
  --scratch DIR    where everything is kept meanwhile: best in memory (default /dev/shm)
  --skip NAME      leaves one out

Names: latency (a trivial test), results (100,000 small ones; ten times as many for ours), file (1 GiB), parallel
(192 tests over 64 connections, beside GNU parallel over ready masters), many-local, many-ssh (1,000 and 400 at once).
Each but the last three is measured over this machine and over ssh.";

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
struct Arguments {
    peer: Option<PathBuf>,
    rounds: usize,
    scratch: PathBuf,
    skip: Vec<String>,
    names: Vec<String>,
}

impl Arguments {
    fn parse(mut given: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut arguments = Self {
            peer: None,
            rounds: 3,
            scratch: PathBuf::from("/dev/shm"),
            skip: Vec::new(),
            names: Vec::new(),
        };
        while let Some(argument) = given.next() {
            let mut value = || given.next().ok_or(USAGE);
            match argument.as_str() {
                "--peer" => arguments.peer = Some(value()?.into()),
                "--rounds" => arguments.rounds = value()?.parse()?,
                "--scratch" => arguments.scratch = value()?.into(),
                "--skip" => arguments.skip.push(value()?),
                name if !name.starts_with('-') => arguments.names.push(name.to_owned()),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(arguments)
    }

    fn wants(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|other| other == name);
        !named(&self.skip) && (self.names.is_empty() || named(&self.names))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => run(&arguments).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let sshd = Sshd::start()?.ok_or("no sshd is installed (Debian: openssh-server)")?;
    let bed = Bed::new(&arguments.scratch, sshd)?;
    println!("{:<28} {:>12} {:>12} {:>8}  ratios of the rounds", "", "ours", "peer", "ratio");
    for over in [ours::Over::Local, ours::Over::Ssh] {
        if arguments.wants("latency") {
            latency(arguments, &bed, over).await?;
        }
        if arguments.wants("results") {
            results(arguments, &bed, over).await?;
        }
        if arguments.wants("file") {
            file(arguments, &bed, over).await?;
        }
    }
    if arguments.wants("parallel") {
        many::parallel(arguments, &bed).await?;
    }
    if arguments.wants("many-local") {
        many::at_once(&bed, ours::Over::Local, 1000).await?;
    }
    if arguments.wants("many-ssh") {
        many::at_once(&bed, ours::Over::Ssh, 400).await?;
    }
    Ok(())
}

/// The trivial test, one after the other: the median.
async fn latency(arguments: &Arguments, bed: &Bed, over: ours::Over) -> Result<(), Failure> {
    let mut session = Session::start(bed, over).await?;
    let mut table = Table::new(format!("trivial test, {over}"), "ms", false);
    for _ in 0..arguments.rounds {
        let ours = session.median("/trivial", 40).await?.as_secs_f64() * 1e3;
        let peer = peers::atex(arguments, bed, over, ("latency", 40))?;
        table.add(ours, peer.map(|peer| peer.seconds * 1e3));
    }
    table.print();
    session.stop().await
}

/// Small results, as many a second.
async fn results(arguments: &Arguments, bed: &Bed, over: ours::Over) -> Result<(), Failure> {
    let mut session = Session::start(bed, over).await?;
    let mut table = Table::new(format!("small results, {over}"), "1000/s", true);
    for _ in 0..arguments.rounds {
        let trivial = session.median("/trivial", 10).await?;
        let took = session.run("/many-results").await?.saturating_sub(trivial);
        let lines = session.lines()?;
        let peer = peers::atex(arguments, bed, over, ("results", 10))?;
        let rate = |lines: usize, seconds: f64| lines as f64 / seconds / 1e3;
        table.add(rate(lines, took.as_secs_f64()), peer.map(|peer| rate(peer.lines, peer.seconds)));
    }
    table.print();
    session.stop().await
}

/// One file of 1 GiB: here beside the Python ATEX, over ssh beside `ssh host cat file`.
async fn file(arguments: &Arguments, bed: &Bed, over: ours::Over) -> Result<(), Failure> {
    let mut session = Session::start(bed, over).await?;
    let beside = match over {
        ours::Over::Local => "the Python ATEX",
        ours::Over::Ssh => "ssh cat",
    };
    let mut table = Table::new(format!("1 GiB file, {over}, to {beside}"), "MiB/s", true);
    let rate = |seconds: f64| 1024.0 / seconds;
    for _ in 0..arguments.rounds {
        let trivial = session.median("/trivial", 10).await?;
        let took = session.run("/file").await?.saturating_sub(trivial);
        session.expect_size(bed::FILE)?;
        let peer = match over {
            ours::Over::Local => {
                peers::atex(arguments, bed, over, ("file", 10))?.map(|peer| peer.seconds)
            }
            ours::Over::Ssh => Some(peers::ssh_cat(bed)?.as_secs_f64()),
        };
        table.add(rate(took.as_secs_f64()), peer.map(rate));
    }
    table.print();
    session.stop().await
}

/// The rounds of one measurement.
struct Table {
    title: String,
    unit: &'static str,
    more_is_better: bool,
    rounds: Vec<(f64, Option<f64>)>,
}

impl Table {
    fn new(title: String, unit: &'static str, more_is_better: bool) -> Self {
        Self { title, unit, more_is_better, rounds: Vec::new() }
    }

    fn add(&mut self, ours: f64, peer: Option<f64>) {
        self.rounds.push((ours, peer));
    }

    /// How many times better ours is.
    fn ratio(&self, ours: f64, peer: f64) -> f64 {
        if self.more_is_better { ours / peer } else { peer / ours }
    }

    fn print(&self) {
        let best = |values: Vec<f64>| {
            let pick = if self.more_is_better { f64::max } else { f64::min };
            values.into_iter().reduce(pick)
        };
        let ours = best(self.rounds.iter().map(|(ours, _)| *ours).collect());
        let peer = best(self.rounds.iter().filter_map(|(_, peer)| *peer).collect());
        let Some(ours) = ours else { return };
        let value = |value: f64| format!("{value:.1} {}", self.unit);
        let (shown, ratio) = match peer {
            Some(peer) => (value(peer), format!("{:.2}", self.ratio(ours, peer))),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let rounds: Vec<String> = self
            .rounds
            .iter()
            .filter_map(|(ours, peer)| peer.map(|peer| format!("{:.2}", self.ratio(*ours, peer))))
            .collect();
        println!(
            "{:<28} {:>12} {shown:>12} {ratio:>8}  {}",
            self.title,
            value(ours),
            rounds.join(" ")
        );
    }
}
