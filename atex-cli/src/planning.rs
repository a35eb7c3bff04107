//! `atex plan`: what a run would do, by the scheduler itself under simulated time.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use atex_core::millis::Shown;
use atex_core::{Attempt, TestKey};
use atex_report::History;
use atex_sched::{Delays, Forecast, Plan, Span, forecast};

use crate::args::RunOptions;
use crate::platforms::{Places, Platforms};
use crate::{exit_code, message, resume, unmet};

/// The most lines of a chart.
const LINES: usize = 20;

/// Prints the plan; the exit code says whether all of it can be run.
pub(crate) fn run(options: &RunOptions) -> Result<u8> {
    if options.resume.is_some() {
        bail!("--resume goes on with a run; it has no plan of its own");
    }
    let asked_before = resume::asked_before(options)?;
    let options = asked_before.as_ref().unwrap_or(options);
    let platforms = Platforms::selected(options)?;
    let history = platforms.history().clone();
    let mut notes: Vec<String> =
        platforms.suites().flat_map(|suite| unmet::notes(suite, !options.no_install)).collect();
    notes.dedup();
    notes.iter().for_each(|note| message::note(note));
    // Nothing is put there, or started.
    let nowhere = Path::new("/nowhere");
    let places = Places {
        artifacts: PathBuf::from(nowhere),
        logs: PathBuf::from(nowhere),
        runs: nowhere,
        owner: String::new(),
    };
    let plan = platforms.run(options, &places, None)?.plan();
    if plan.tests.is_empty() {
        bail!("no tests were selected; `atex discover` with the same options shows what is");
    }
    let delays = delays(&plan, &history);
    let times: BTreeMap<TestKey, Duration> =
        plan.tests.iter().map(|test| (test.key(), test.duration.unwrap_or(test.limit))).collect();
    let expected =
        |attempt: &Attempt| times.get(&attempt.key()).copied().unwrap_or_default() * options.repeat;
    let planned = Forecast::of(plan.clone(), delays, expected);
    let others = forecast(&plan, delays, expected);
    message::text(&text(&plan, &history, (&planned, &others)))?;
    Ok(match planned.simulation.conclusions.iter().all(|test| test.attempts > 0) {
        true => exit_code::PASSED,
        false => exit_code::INFRA,
    })
}

/// How long systems take besides tests, as they did the last times: the slowest platform of the plan.
fn delays(plan: &Plan, history: &History) -> Delays {
    let known = || plan.pools.iter().filter_map(|pool| history.systems(&pool.platform));
    Delays {
        provision: known().map(|times| times.provision).max().unwrap_or_default(),
        prepare: known().map(|times| times.prepare).max().unwrap_or_default(),
        release: known().map(|times| times.release).max().unwrap_or_default(),
    }
}

fn text(plan: &Plan, history: &History, (planned, others): (&Forecast, &[Forecast])) -> String {
    let mut text = String::new();
    let measured = plan
        .tests
        .iter()
        .filter(|test| history.expected(&test.name, test.wanted.as_deref()).is_some())
        .count();
    let pools: Vec<String> =
        plan.pools.iter().map(|pool| format!("{} (up to {})", pool.name, pool.max)).collect();
    let total = plan.tests.len();
    let mut line = |line: String| writeln!(text, "{line}").unwrap_or_default();
    let s = if total == 1 { "" } else { "s" };
    line(format!("{total} test{s} on {}; {measured} of them ran before", pools.join(", ")));
    if measured < total {
        line(format!(
            "the other {} are taken to need all the time that they may take",
            total - measured
        ));
    }
    let never = planned.simulation.conclusions.iter().filter(|test| test.attempts == 0);
    for (number, test) in never.enumerate() {
        if number == 0 {
            line("\ncannot be run:".to_owned());
        }
        line(format!("  {}: {}", test.key(), test.note.as_deref().unwrap_or("nobody knows why")));
    }
    line("\nat once      wall   machines".to_owned());
    let most = others.iter().map(|one| one.simulation.wall).max().unwrap_or_default();
    for one in others {
        let (wall, held) =
            (Shown(one.simulation.wall).to_string(), Shown(one.machine_time).to_string());
        line(format!(
            "{:>7} {wall:>9}  {held:>9}  {}",
            one.remotes,
            bar(one.simulation.wall, most, 40)
        ));
    }
    let (wall, held) = (Shown(planned.simulation.wall), Shown(planned.machine_time));
    line(format!("\nwith these pools: {wall}, machines held for {held} in all"));
    chart(&planned.simulation.spans, planned.simulation.wall).into_iter().for_each(line);
    text
}

fn bar(part: Duration, whole: Duration, width: usize) -> String {
    let share = part.as_secs_f64() / whole.as_secs_f64().max(f64::EPSILON);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a width"
    )]
    let count = (share * width as f64).round() as usize;
    "#".repeat(count.min(width))
}

/// What each machine does, in the order in which they begin.
fn chart(spans: &[Span], wall: Duration) -> Vec<String> {
    let mut machines: BTreeMap<_, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        machines.entry(span.remote).or_default().push(span);
    }
    let mut lines = Vec::new();
    let more = machines.len().saturating_sub(LINES);
    for (remote, spans) in machines.into_iter().take(LINES) {
        let width = 40;
        let mut cells = vec![b'.'; width];
        for (number, span) in spans.iter().enumerate() {
            let (from, to) = (bar(span.start, wall, width).len(), bar(span.end, wall, width).len());
            let sign = if number % 2 == 0 { b'=' } else { b'-' };
            cells[from.min(width - 1)..to.clamp(from.min(width - 1), width)].fill(sign);
        }
        let cells = String::from_utf8_lossy(&cells).into_owned();
        let first = spans.first().map(|span| span.attempt.to_string()).unwrap_or_default();
        let then = match spans.len() {
            1 => first,
            count => format!("{first} and {} more", count - 1),
        };
        lines.push(format!("  {remote:<4} {cells}  {then}"));
    }
    if more > 0 {
        lines.push(format!("  and {more} more machines"));
    }
    lines
}
