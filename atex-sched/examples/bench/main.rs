//! How fast the scheduler is, how much it needs, and how near to the best its schedules are.
//!
//! `cargo run --release -p atex-sched --example bench [-- [--peer PYTHON] [million|picks|skewed|held|rate]…]`;
//! PYTHON can import `atex` 1.2.
#![expect(clippy::print_stdout, reason = "a program that prints a table")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

mod idle;

use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use atex_core::testkit::fake::{FakeExecutor, FakeProvisioner, FakeRun};
use atex_core::{
    Attempt, CancellationToken, EventSink, Outcome, RunEvent, Test, TestName, TestSuite, Verdict,
};
use atex_sched::{Delays, Plan, Pool, PoolPlan, Run, Simulation, TestPlan, simulate};
use idle::Idle;

type Anything<T> = Result<T, Box<dyn Error>>;

fn main() -> Anything<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (peer, parts) = match arguments.as_slice() {
        [flag, python, parts @ ..] if flag == "--peer" => (Some(python.as_str()), parts),
        parts => (None, parts),
    };
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| wanted == part);
    if std::env::var_os(HELD).is_some() {
        return hold();
    }
    if wanted("million") {
        million()?;
    }
    if wanted("picks") {
        picks()?;
    }
    if wanted("skewed") {
        skewed()?;
    }
    if wanted("held") {
        held()?;
    }
    if wanted("rate") {
        rate(peer)?;
    }
    Ok(())
}

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    /// Between 0 and 1, neither of them.
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A minute, or half, or two, or rarely an hour.
    fn duration(&mut self) -> Duration {
        Duration::from_secs_f64((4.0 + 1.2 * self.normal()).exp())
    }
}

fn name(index: usize) -> Anything<TestName> {
    Ok(TestName::new(format!("/{index}"))?)
}

/// A run of tests of these durations, which are known as those beside them.
fn run_of(durations: &[Duration], known: &[Duration], pool: PoolPlan) -> Anything<Simulation> {
    let tests: Anything<Vec<TestPlan>> = known
        .iter()
        .enumerate()
        .map(|(index, known)| Ok(TestPlan::new(name(index)?).duration(*known)))
        .collect();
    let how = |attempt: &Attempt| {
        let index = attempt.test.as_str()[1..].parse::<usize>().unwrap_or_default();
        Outcome::new(Verdict::Passed, durations[index])
    };
    Ok(simulate(Plan::new(tests?).pool(pool), Delays::default(), how))
}

/// The most memory that this process had so far, in MB.
fn peak_memory() -> Anything<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
    Ok(kilobytes.parse::<u64>()? * 1024 / 1_000_000)
}

/// How long this process has computed so far.
fn computed() -> Anything<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
    // In hundredths of a second; the name of the program, which ends the second field, is cut off.
    let ticks = fields[12].parse::<u64>()? + fields[13].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}

fn million() -> Anything<()> {
    let mut chance = Chance(1);
    let durations: Vec<Duration> = (0..1_000_000).map(|_| chance.duration()).collect();
    let (began, before) = (Instant::now(), computed()?);
    let run = run_of(&durations, &durations, PoolPlan::new("lab", 10_000))?;
    println!(
        "a million tests on 10,000 remotes: simulated in {:.1} s, {:.1} s of them computed, {} MB ({} ran)",
        began.elapsed().as_secs_f64(),
        (computed()? - before).as_secs_f64(),
        peak_memory()?,
        run.spans.len()
    );
    Ok(())
}

fn picks() -> Anything<()> {
    let mut line = Vec::new();
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let mut chance = Chance(2);
        let durations: Vec<Duration> = (0..count).map(|_| chance.duration()).collect();
        let before = computed()?;
        let rounds = 1_000_000 / count;
        for _ in 0..rounds {
            run_of(&durations, &durations, PoolPlan::new("lab", 100))?;
        }
        let each = (computed()? - before).as_secs_f64() / f64::from(count * rounds) * 1e6;
        line.push(format!("{count} queued {each:.2}"));
    }
    println!(
        "microseconds computed for each test on 100 remotes, all included: {}",
        line.join(", ")
    );
    Ok(())
}

fn skewed() -> Anything<()> {
    let (mut known_worst, mut noisy_worst, mut cases) = (0.0_f64, 0.0_f64, 0);
    let (mut known_over, mut noisy_over) = (0, 0);
    for (tests, remotes) in [(60, 8), (200, 8), (500, 20), (1000, 50), (2000, 100), (5000, 200)] {
        for seed in 1..=20 {
            let mut chance = Chance(seed * 7919);
            let durations: Vec<Duration> = (0..tests).map(|_| chance.duration()).collect();
            // What a test took last time: within a fifth, for two of three.
            let guesses: Vec<Duration> =
                durations.iter().map(|time| time.mul_f64((0.2 * chance.normal()).exp())).collect();
            let longest = durations.iter().max().copied().unwrap_or_default();
            let bound = longest.max(durations.iter().sum::<Duration>() / remotes);
            let over = |known: &[Duration]| -> Anything<f64> {
                let pool = PoolPlan::new("lab", usize::try_from(remotes)?);
                let run = run_of(&durations, known, pool)?;
                Ok(run.tests_done.as_secs_f64() / bound.as_secs_f64() - 1.0)
            };
            let (known, noisy) = (over(&durations)?, over(&guesses)?);
            known_worst = known_worst.max(known);
            noisy_worst = noisy_worst.max(noisy);
            known_over += i32::from(known > 0.01);
            noisy_over += i32::from(noisy > 0.05);
            cases += 1;
        }
    }
    println!(
        "{cases} skewed workloads over the lower bound: at most {:.2} % with known durations ({known_over} over 1 %), \
         {:.2} % with noisy ones ({noisy_over} over 5 %)",
        known_worst * 100.0,
        noisy_worst * 100.0
    );
    Ok(())
}

/// Ends a run as soon as so many tests are running.
struct Until {
    left: std::sync::Mutex<usize>,
    cancel: CancellationToken,
}

impl EventSink for Until {
    fn emit(&self, _: Duration, event: &RunEvent) {
        if matches!(event, RunEvent::TestStarted { .. }) {
            let mut left = self.left.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *left -= 1;
            if *left == 0 {
                let memory = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
                let now =
                    memory.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
                println!("10,000 remotes held by a run, each with a test that only waits: {now}");
                self.cancel.cancel();
            }
        }
    }
}

fn suite(tests: usize) -> Anything<TestSuite> {
    let tests = (0..tests).map(|index| Ok((name(index)?, Test::new("true"))));
    Ok(TestSuite::new(tests.collect::<Anything<Vec<_>>>()?))
}

/// Set in the process that holds remotes.
const HELD: &str = "BENCH_HELD";

/// In a process of its own, so that what was measured before does not count.
fn held() -> Anything<()> {
    let status = Command::new(std::env::current_exe()?).env(HELD, "1").status()?;
    if status.success() { Ok(()) } else { Err("cannot hold 10,000 remotes".into()) }
}

fn hold() -> Anything<()> {
    let folder = tempfile::tempdir()?;
    let cancel = CancellationToken::new();
    let pool = FakeProvisioner::new("lab").max(10_000);
    let executor = FakeExecutor::new().usually(FakeRun::hangs());
    let until = Until { left: std::sync::Mutex::new(10_000), cancel: cancel.clone() };
    let run = Run::new(suite(10_000)?, Arc::new(executor), folder.path())
        .pool(Pool::new("lab", Arc::new(pool)))
        .sink(Arc::new(until))
        .cancel(cancel);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run.run())?;
    Ok(())
}

fn rate(peer: Option<&str>) -> Anything<()> {
    const TESTS: usize = 20_000;
    let still = vec![Duration::ZERO; TESTS];
    let mut rounds = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        run_of(&still, &still, PoolPlan::new("lab", 8))?;
        rounds.push(began.elapsed());
    }
    rounds.sort_unstable();
    let alone = TESTS as f64 / rounds[rounds.len() / 2].as_secs_f64();
    let folder = tempfile::tempdir()?;
    let idle = Idle::default();
    let run = Run::new(suite(TESTS)?, Arc::new(idle.clone()), folder.path())
        .pool(Pool::new("lab", Arc::new(FakeProvisioner::new("lab").max(8))));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let began = Instant::now();
    runtime.block_on(run.run())?;
    let driven = TESTS as f64 / began.elapsed().as_secs_f64();
    println!(
        "20,000 tests that do nothing on 8 remotes: {alone:.0}/s by the scheduler alone, {driven:.0}/s by the driver"
    );
    println!("a remote waits {:.0?} between two tests (median)", idle.median());
    let Some(python) = peer else { return Ok(()) };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/bench/peer.py");
    for pause in ["0.1", "0.001"] {
        let output = Command::new(python).args([script, "20000", "8", pause]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let theirs: f64 = text
            .trim()
            .parse()
            .map_err(|_| format!("the peer failed: {}", String::from_utf8_lossy(&output.stderr)))?;
        println!(
            "the Python ATEX, asked every {pause} s: {theirs:.0}/s; ratios {:.0} (alone) and {:.0} (driver)",
            alone / theirs,
            driven / theirs
        );
    }
    Ok(())
}
