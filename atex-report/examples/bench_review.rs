//! What it costs to review a run of a million results: to read it, to find what is waived, the causes and what changed, and to
//! tell all of it. `cargo run --release -p atex-report --example bench_review [-- RESULTS]`
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and may panic")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use atex_core::{
    Artifacts, Attempt, CancellationToken, EventSink, Facts, Outcome, PlannedPool, PlannedTest,
    RemoteId, RunEvent, TestKey, TestName, Verdict,
};
use atex_report::{
    Asked, Dataset, Markdown, Review, ReviewText, RunInfo, RunStore, Select, SummaryText, Waivers,
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PLATFORMS: usize = 27;
const TESTS: usize = 96;
const WAIVERS: usize = 500;

/// Numbers that look random, and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % limit
    }
}

fn rule(number: usize) -> String {
    const WHAT: [&str; 8] =
        ["accounts", "audit", "grub2", "kernel", "mount", "package", "service", "sshd"];
    const HOW: [&str; 6] =
        ["disabled", "enabled", "installed", "permissions", "set_option", "removed"];
    format!("{}_{}_{}_{}", WHAT[number % 8], HOW[number / 8 % 6], number % 97, number)
}

/// A stored run of so many results.
fn stored(dir: &Path, results: usize, seed: u64) -> RunStore {
    let started = format!("2026-11-{:02}T15:00:00Z", 20 + seed).parse().unwrap();
    let store =
        RunStore::create(dir, &RunInfo::new(format!("run-{seed}"), "bench", started)).unwrap();
    let journal = store.journal(CancellationToken::new()).unwrap();
    let (each, mut dice) = (results / (PLATFORMS * TESTS), Dice(seed));
    let platform = |number: usize| format!("rhel-{}.{}@x86_64", 8 + number % 3, number / 3);
    let key = |test: usize, place: usize| TestKey {
        test: TestName::new(format!("/hardening/profile-{}/scan-{test}", test % 7)).unwrap(),
        wanted: Some(platform(place)),
    };
    let places = || (0..PLATFORMS).flat_map(|place| (0..TESTS).map(move |test| (place, test)));
    let planned = |(place, test)| {
        let TestKey { test, wanted } = key(test, place);
        PlannedTest { wanted, ..PlannedTest::new(test, Duration::from_secs(600)) }
    };
    let pool = |place| PlannedPool {
        name: platform(place),
        platform: platform(place),
        max: 4,
        facts: Facts::new(),
    };
    let tests = places().map(planned).collect();
    journal.emit(
        Duration::ZERO,
        &RunEvent::RunStarted { tests, pools: (0..PLATFORMS).map(pool).collect() },
    );
    for place in 0..PLATFORMS {
        let remote = RemoteId(place as u32 + 1);
        journal.emit(Duration::ZERO, &RunEvent::RemoteRequested { remote, pool: platform(place) });
    }
    for (number, (place, test)) in places().enumerate() {
        let (key, remote) = (key(test, place), RemoteId(place as u32 + 1));
        let artifacts =
            Artifacts::create(&store.artifacts_dir(), &platform(place), key.test.as_str(), 1)
                .unwrap();
        let mut text = String::new();
        let mut failed = false;
        for subtest in 0..each {
            let name = rule((subtest * 7 + test * 131) % 2563);
            let status = match dice.below(1000) {
                0..=29 => "fail",
                30..=34 => "error",
                35..=44 => "skip",
                _ => "pass",
            };
            failed |= matches!(status, "fail" | "error");
            write!(text, r#"{{"name":"{name}","status":"{status}""#).unwrap();
            if status != "pass" {
                let what = ["found", "expected", "timed out after"][dice.below(3)];
                write!(
                    text,
                    r#","note":"{what} {} in /var/lib/check-{}/out""#,
                    dice.below(45_000),
                    dice.below(9)
                )
                .unwrap();
            }
            text.push_str("}\n");
        }
        let verdict = if failed { Verdict::Failed } else { Verdict::Passed };
        text.push_str(if failed { "{\"status\":\"fail\"}\n" } else { "{\"status\":\"pass\"}\n" });
        fs::write(artifacts.results_file(), text).unwrap();
        let at = Duration::from_secs(number as u64);
        let attempt = Attempt::of(key.clone(), 1);
        journal.emit(at, &RunEvent::TestStarted { remote, attempt: attempt.clone() });
        let outcome = Outcome::new(verdict, Duration::from_secs(10 + dice.below(300) as u64));
        journal.emit(at, &RunEvent::TestEnded { remote, attempt, outcome, failure: None });
        let (test, wanted, platform, note) = (key.test, key.wanted.clone(), key.wanted, None);
        journal.emit(
            at,
            &RunEvent::TestConcluded { test, wanted, verdict, platform, attempts: 1, note },
        );
    }
    journal.emit(Duration::from_secs(9000), &RunEvent::RunFinished);
    store
}

/// Waivers of all kinds, of which one in three is about something.
fn waivers() -> Waivers {
    let mut text = String::new();
    for number in 0..WAIVERS {
        let pattern = match number % 3 {
            0 => format!("subtest: {}", rule(number * 5)),
            1 => format!("subtest: '*_{number}'\n  platform: rhel-9*"),
            _ => format!("note: {{regex: 'found {number}\\d* '}}\n  test: /hardening/profile-3/*"),
        };
        write!(text, "- reason: number {number}\n  {pattern}\n").unwrap();
    }
    Waivers::parse(Path::new("waivers.yaml"), &text).unwrap()
}

/// The processor time of this thread, in seconds: says more than the clock on a busy machine.
fn processor() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    MEMORY.reset_peak_usage();
    let (begin, used) = (Instant::now(), processor());
    let done = work();
    let (time, used) = (begin.elapsed().as_secs_f64(), processor() - used);
    println!("| {what} | {used:.2} s | {time:.2} s | {:.0} MB |", MEMORY.peak_usage_as_mb());
    done
}

fn main() {
    let results = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let stores: Vec<RunStore> =
        (0..2).map(|seed| stored(&folder.path().join(seed.to_string()), results, seed)).collect();
    let waivers = waivers();
    println!(
        "| {results} results | processor | clock | heap, at most |\n| --- | --- | --- | --- |"
    );
    let begin = Instant::now();
    let one = timed("read a run", || {
        let mut dataset = Dataset::builder();
        dataset.add_store(&stores[1]).unwrap();
        dataset.finish()
    });
    let asked = Asked { waivers: Some(&waivers), ..Asked::default() };
    let review = timed("500 waivers, causes", || Review::of(&one, 0, &asked, |_, _| None));
    let text = timed("summary", || {
        let more = ReviewText::new(&review, 100).to_string();
        SummaryText::new(review.report(), 100).before_numbers(more).to_string()
    });
    println!(
        "\nreport DIR: {:.2} s, {} lines; {} results waived, {} causes\n",
        begin.elapsed().as_secs_f64(),
        text.lines().count(),
        review.waived.results(),
        review.causes.len()
    );
    println!("| | processor | clock | heap, at most |\n| --- | --- | --- | --- |");
    let fails = Select::tests().and_subtests().status(&one, |status| status == "fail");
    let count = timed("list of failures", || fails.rows(review.run).count());
    drop(review);
    drop(one);
    let begin = Instant::now();
    let both = timed("read two runs", || {
        let mut dataset = Dataset::builder();
        stores.iter().for_each(|store| dataset.add_store(store).unwrap());
        dataset.finish()
    });
    let asked = Asked { waivers: Some(&waivers), before: &[0], ..Asked::default() };
    let review = timed("waivers, causes, comparison", || Review::of(&both, 1, &asked, |_, _| None));
    let markdown = timed("Markdown", || Markdown::new(&review).to_string());
    let json = timed("JSON", || serde_json::to_vec(&review).unwrap());
    let changes =
        review.comparison.as_ref().map_or(0, |(_, comparison)| comparison.changes().len());
    println!(
        "\nreport DIR --compare OLD: {:.2} s; {count} failures, {changes} changes, Markdown of {} characters, JSON of {} MB",
        begin.elapsed().as_secs_f64(),
        markdown.chars().count(),
        json.len() >> 20
    );
}
