//! Measures making containers beside `podman run`: `cargo run --release -p atex-provision --example bench_containers [-- ROUNDS]`.
//!
//! Both make containers of one image with the same options, and take turns; ours are connected as well when they are handed out.

#![expect(clippy::print_stdout, reason = "the numbers are what this program prints")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use atex_core::{Provisioner, Request};
use atex_provision::testkit::{Podman, PodmanWords, TestImage};
use futures::future::join_all;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Nothing is needed of the containers but that they are there.
const SLEEP: [&str; 2] = ["sleep", "100000"];

/// How long making, and removing again, took.
#[derive(Debug, Clone, Copy)]
struct Took {
    made: Duration,
    removed: Duration,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let rounds = std::env::args().nth(1).map_or(Ok(5), |rounds| rounds.parse())?;
    let words = Podman::many_for_test("the benchmark of containers", TestImage::Plain)
        .ok_or("no container can be run here")?;
    println!("{:>8}  {:>22}  {:>22}  {:>5}", "at once", "podman made, removed", "ours", "ratio");
    for at_once in [1, 4, 20] {
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            theirs.push(podman(&words, &format!("{round}"), at_once)?);
            ours.push(provisioner(&words, at_once).await?);
        }
        let ratio = |one: &Took, other: &Took| other.made.as_secs_f64() / one.made.as_secs_f64();
        let each: Vec<String> =
            theirs.iter().zip(&ours).map(|(a, b)| format!("{:.2}", ratio(a, b))).collect();
        let (theirs, ours) = (best(&theirs), best(&ours));
        println!(
            "{at_once:>8}  {:>10.0?} {:>10.0?}  {:>10.0?} {:>10.0?}  {:>5.2}  rounds: {}",
            theirs.made,
            theirs.removed,
            ours.made,
            ours.removed,
            ratio(&theirs, &ours),
            each.join(" ")
        );
    }
    Ok(())
}

fn best(took: &[Took]) -> Took {
    let least = |of: fn(&Took) -> Duration| took.iter().map(of).min().unwrap_or_default();
    Took { made: least(|took| took.made), removed: least(|took| took.removed) }
}

/// `podman run -d`, as many at once as ours are made, then `podman rm`.
fn podman(words: &PodmanWords, round: &str, at_once: usize) -> Result<Took, Failure> {
    let name = |number: usize| format!("atex-bench-{}-{round}-{number}", std::process::id());
    let call = |arguments: Vec<String>| {
        let mut podman = Command::new(&words.tool[0]);
        podman.args(&words.tool[1..]).args(arguments).stdout(Stdio::null());
        podman
    };
    let run = |number| {
        let mut run = vec!["run".to_owned(), "-d".into(), "--name".into(), name(number)];
        run.extend(["--pull=never", "--log-driver=none"].map(str::to_owned));
        run.extend(words.options.iter().map(|word| (*word).to_owned()));
        run.push(words.image.to_owned());
        run.extend(SLEEP.map(str::to_owned));
        call(run)
    };
    let rm = |number| {
        let words = ["rm", "--force", "--volumes", "--time=0"].map(str::to_owned);
        call(words.into_iter().chain([name(number)]).collect())
    };
    let made = some_at_a_time(at_once, run)?;
    let removed = some_at_a_time(at_once, rm)?;
    Ok(Took { made, removed })
}

/// Runs them all, twice as many at a time as there are processors, as ours are.
fn some_at_a_time(count: usize, command: impl Fn(usize) -> Command) -> Result<Duration, Failure> {
    let began = Instant::now();
    let width = 2 * std::thread::available_parallelism()?.get();
    let lanes: Vec<Vec<usize>> =
        (0..width).map(|lane| (lane..count).step_by(width).collect()).collect();
    std::thread::scope(|scope| {
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|numbers| {
                let commands: Vec<Command> = numbers.into_iter().map(&command).collect();
                scope.spawn(move || {
                    commands
                        .into_iter()
                        .all(|mut command| command.status().is_ok_and(|status| status.success()))
                })
            })
            .collect();
        let all = lanes.into_iter().all(|lane| lane.join().unwrap_or(false));
        if all { Ok(began.elapsed()) } else { Err("podman failed".into()) }
    })
}

async fn provisioner(words: &PodmanWords, at_once: usize) -> Result<Took, Failure> {
    let containers = words.containers();
    let request = Request::new("bench");
    let began = Instant::now();
    let remotes = join_all((0..at_once).map(|_| containers.provision(&request))).await;
    let made = began.elapsed();
    let remotes = remotes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let began = Instant::now();
    for released in join_all(remotes.iter().map(|remote| remote.release())).await {
        released?;
    }
    let removed = began.elapsed();
    containers.shutdown().await?;
    Ok(Took { made, removed })
}
