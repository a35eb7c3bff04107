//! How long it takes to ingest results and files, beside the aggregators of the Python ATEX.
//!
//! `cargo run --release -p atex-report --all-features --example bench_ingest -- [--peer PYTHON] [--rounds N] [--small] [--only TEXT]`
//!
//! Each is told twice: how long it took, and how much of the processors' time, which others who want them do not change as much.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use atex_core::{Aggregator, Artifacts, Outcome, Record, TestName, Verdict};
use atex_report::{PackFiles, PackFormat, Packing, ResultsFormat, ResultsPlan};

const PEER: &str = include_str!("peer.py");

/// What is ingested.
#[derive(Clone, Copy)]
struct Load {
    tests: usize,
    results: usize,
    files: usize,
    bytes: usize,
}

type Plan = fn() -> ResultsPlan;

/// What is measured.
struct Case {
    title: &'static str,
    /// The aggregator of the Python ATEX, and its level.
    peer: Option<(&'static str, &'static str)>,
    plan: Plan,
    load: Load,
    threads: usize,
    goal: &'static str,
}

fn cases(small: bool) -> Vec<Case> {
    let scale = if small { 20 } else { 1 };
    let lines = Load { tests: 100, results: 1000 / scale, files: 0, bytes: 0 };
    let files = Load { tests: 500 / scale, results: 10, files: 10, bytes: 100_000 };
    let jsonl = || ResultsPlan::new(ResultsFormat::JsonLines);
    let case = |title, peer, plan, goal| Case { title, peer, plan, load: lines, threads: 1, goal };
    let mut cases = vec![
        case("JSON lines", Some(("jsonl", "-")), jsonl, "8"),
        case(
            "gzip, as they come (9 and 6)",
            Some(("gzip", "-")),
            || ResultsPlan::new(ResultsFormat::JsonLines).packed(PackFormat::Gzip),
            "4",
        ),
        case(
            "gzip, both level 6",
            Some(("gzip", "6")),
            || ResultsPlan::new(ResultsFormat::JsonLines).packed(PackFormat::Gzip),
            "",
        ),
        case(
            "xz, as they come (9 and 6)",
            Some(("xz", "-")),
            || ResultsPlan::new(ResultsFormat::JsonLines).packed(PackFormat::Xz),
            "",
        ),
        case(
            "zstd, beside their gzip",
            Some(("gzip", "-")),
            || ResultsPlan::new(ResultsFormat::JsonLines).packed(PackFormat::Zstd),
            "",
        ),
        case("YAML", Some(("yaml", "-")), || ResultsPlan::new(ResultsFormat::Yaml), "50"),
        case("JUnit", None, || ResultsPlan::new(ResultsFormat::Junit), ""),
        case("SQLite", None, || ResultsPlan::new(ResultsFormat::Sqlite), ""),
    ];
    for threads in [1, 2] {
        let peers: [(&str, &str, Plan, &str); 3] = [
            ("files, gzip, as they come (9 and 6)", "-", || packed(6), "3"),
            ("files, gzip, both level 6", "6", || packed(6), ""),
            ("files, gzip, both level 9", "9", || packed(9), ""),
        ];
        for (title, level, plan, goal) in peers {
            let peer = Some(("gzip", level));
            cases.push(Case { title, peer, plan, load: files, threads, goal });
        }
    }
    cases
}

fn packed(level: u32) -> ResultsPlan {
    let packing = Packing::new(PackFormat::Gzip).level(level).unwrap();
    ResultsPlan::new(ResultsFormat::JsonLines).packed(packing).pack_files(PackFiles::new(packing))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let peer = value("--peer");
    let rounds: usize = value("--rounds").map_or(3, |rounds| rounds.parse().unwrap());
    let small = arguments.iter().any(|argument| argument == "--small");
    let only = value("--only").unwrap_or_default();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("peer.py"), PEER).unwrap();
    println!(
        "| what | threads | ours | processor | size | Python ATEX | processor | size | ratio | of processor | goal |\n\
        | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for case in cases(small).into_iter().filter(|case| case.title.contains(&only)) {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(round(dir.path(), &case, |artifacts, out| run(&case, artifacts, out)));
            if let (Some(python), Some(kind)) = (&peer, case.peer) {
                theirs.push(round(dir.path(), &case, |artifacts, out| {
                    run_peer(python, kind, (&case, dir.path()), artifacts, out)
                }));
            }
        }
        show(&case, &ours, &theirs);
    }
}

/// How long something took, how much of the processors' time, and how many bytes came out.
#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    processor: f64,
    size: u64,
}

/// The processor time of this process so far, in seconds: proc(5), the fields `utime` and `stime`, in hundredths.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = after_name.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

fn show(case: &Case, ours: &[Took], theirs: &[Took]) {
    let least = |took: &[Took], of: fn(&Took) -> f64| took.iter().map(of).fold(f64::MAX, f64::min);
    let [wall, processor]: [fn(&Took) -> f64; 2] = [|took| took.wall, |took| took.processor];
    let three = |took: &[Took]| {
        let megabytes = took.first().map_or(0.0, |took| took.size as f64 / 1e6);
        format!("{:.2} s | {:.2} s | {megabytes:.1} MB", least(took, wall), least(took, processor))
    };
    let ratios = [wall, processor].map(|of| format!("{:.1}", least(theirs, of) / least(ours, of)));
    let peer = match theirs {
        [] => "— | — | — | — | —".to_owned(),
        _ => format!("{} | {}", three(theirs), ratios.join(" | ")),
    };
    let (title, threads, goal) = (case.title, case.threads, case.goal);
    println!("| {title} | {threads} | {} | {peer} | {goal} |", three(ours));
}

/// How many bytes there are below a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        found if found.is_dir() => size(&entry.path()),
        found => found.len(),
    });
    sizes.sum()
}

/// Makes artifacts and an empty folder for what is made of them; removes both.
fn round(dir: &Path, case: &Case, run: impl FnOnce(&Path, &Path) -> Took) -> Took {
    let (artifacts, out) = (dir.join("artifacts"), dir.join("out"));
    generate(case.load, &artifacts);
    fs::create_dir(&out).unwrap();
    let mut took = run(&artifacts, &out);
    took.size = size(&out);
    fs::remove_dir_all(&artifacts).unwrap();
    fs::remove_dir_all(&out).unwrap();
    took
}

fn generate(load: Load, root: &Path) {
    let text = text(load.bytes);
    for test in 0..load.tests {
        let dir = root.join(format!("{test:04}"));
        fs::create_dir_all(dir.join("files")).unwrap();
        let mut results = String::new();
        for number in 1..load.results {
            let status = if number % 7 == 0 { "fail" } else { "pass" };
            let group = number % 97;
            writeln!(results, "{{\"status\": \"{status}\", \"name\": \"group{group}/sub-{number:06}\", \"note\": \"some short note\", \"files\": [\"log.txt\"]}}").unwrap();
        }
        results.push_str("{\"status\": \"pass\", \"files\": [\"output.txt\"]}\n");
        fs::write(dir.join("results"), results).unwrap();
        for file in 0..load.files {
            fs::write(dir.join(format!("files/f{file}.log")), &text).unwrap();
        }
    }
}

/// Words as logs have them, the same every time.
fn text(bytes: usize) -> String {
    let words = ["error", "pass", "warning", "selinux", "rule", "xccdf", "remediation", "check"];
    let (mut text, mut seed) = (String::new(), 1_u64);
    while text.len() < bytes {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = words[usize::try_from(seed >> 61).unwrap()];
        write!(text, "{word}{} ", (seed >> 33) % 1000).unwrap();
    }
    text.truncate(bytes);
    text
}

fn run(case: &Case, artifacts: &Path, out: &Path) -> Took {
    let mut tests: Vec<PathBuf> =
        fs::read_dir(artifacts).unwrap().map(|entry| entry.unwrap().path()).collect();
    tests.sort();
    let results = (case.plan)().files(out.join("files")).create(out.join("results")).unwrap();
    let results = Arc::new(results);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(case.threads)
        .build()
        .unwrap();
    let (began, processor) = (Instant::now(), processor_time());
    runtime.block_on(async {
        let ingest = tests.into_iter().map(|test| {
            let name = format!("/test/{}", test.file_name().unwrap().to_string_lossy());
            let record = Record {
                platform: "fedora-42@x86_64".into(),
                test: TestName::new(name).unwrap(),
                artifacts: Artifacts::open(test),
                outcome: Outcome::new(Verdict::Passed, Duration::ZERO),
                when: None,
            };
            let results = results.clone();
            tokio::spawn(async move { results.ingest(record).await })
        });
        for done in ingest.collect::<Vec<_>>() {
            done.await.unwrap().unwrap();
        }
        results.finish().await.unwrap();
    });
    Took { wall: began.elapsed().as_secs_f64(), processor: processor_time() - processor, size: 0 }
}

fn run_peer(
    python: &str,
    (kind, level): (&str, &str),
    (case, dir): (&Case, &Path),
    artifacts: &Path,
    out: &Path,
) -> Took {
    let mut peer = Command::new(python);
    peer.arg(dir.join("peer.py")).args([kind, level, &case.threads.to_string()]);
    let output = peer.arg(artifacts).arg(out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let (wall, processor) = text.trim().split_once(' ').unwrap();
    Took { wall: wall.parse().unwrap(), processor: processor.parse().unwrap(), size: 0 }
}
