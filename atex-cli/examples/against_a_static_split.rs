//! What a run would have taken if its tests had been dealt to the systems beforehand, computed by the same scheduler under
//! virtual time from the times that the tests really took: `cargo run -p atex-cli --example against_a_static_split -- RUN`.
#![expect(clippy::print_stdout, reason = "an example, which talks to whoever tries it")]

use anyhow::{Context, Result};
use atex_core::{Attempt, Outcome, Verdict, millis::Shown};
use atex_report::{RunReport, RunStore, Style, Timeline, TimelineText};
use atex_sched::{Deal, Delays, Plan, PoolPlan, TestPlan, simulate, static_split};

fn main() -> Result<()> {
    let run = std::env::args().nth(1).context("name the folder of a run")?;
    let (report, _) = RunStore::open(&run)?.report()?;
    let (width, style) = match terminal_size::terminal_size() {
        Some((width, _)) => (usize::from(width.0).min(120), Style::Ansi),
        None => (100, Style::Plain),
    };
    anstream::println!("\n{}", TimelineText::new(&Timeline::of(&report), width).style(style));
    let plan = plan(&report);
    let systems: usize = plan.pools.iter().map(|pool| pool.max).sum();
    println!(
        "{:>8}  as it was: each of {systems} systems took the next test when it was free",
        Shown(report.wall())
    );
    for (deal, words) in
        [(Deal::RoundRobin, "one by one"), (Deal::Chunks, "in equal pieces of the list")]
    {
        // Systems that come and go at once, which is in favour of the split.
        let split = simulate(static_split(&plan, deal), Delays::default(), |attempt| {
            took(&report, attempt)
        });
        let longer = split.wall.as_secs_f64() / report.wall().as_secs_f64() * 100.0 - 100.0;
        println!(
            "{:>8}  with the same tests dealt to them beforehand {words} ({longer:+.0} %)",
            Shown(split.wall)
        );
    }
    Ok(())
}

/// The plan that the run followed, as far as its journal tells.
fn plan(report: &RunReport) -> Plan {
    let tests = report.tests().map(|test| TestPlan::new(test.name.clone()));
    let reruns =
        report.tests().map(|test| test.attempts.len().saturating_sub(1)).max().unwrap_or_default();
    let plan = Plan::new(tests).reruns(u32::try_from(reruns).unwrap_or(u32::MAX));
    report.pools().iter().fold(plan, |plan, pool| plan.pool(PoolPlan::new(&pool.name, pool.max)))
}

/// How an attempt went in the run. One that was not made there takes no time.
fn took(report: &RunReport, attempt: &Attempt) -> Outcome {
    let mut attempts =
        report.tests().filter(|test| test.name == attempt.test).flat_map(|test| &test.attempts);
    let same = attempts.find(|made| made.number == attempt.number);
    same.and_then(|made| made.outcome.clone())
        .unwrap_or_else(|| Outcome::new(Verdict::Passed, std::time::Duration::ZERO))
}
