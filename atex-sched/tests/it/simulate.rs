//! The simulator, and the comparison with tests that are dealt beforehand.

use std::time::Duration;

use atex_core::{Attempt, Outcome, Verdict};
use atex_sched::{Deal, Delays, Plan, PoolPlan, Simulation, simulate, static_split};

use crate::script::test;

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Tests named after the minutes that they take.
fn plan(tests: &[&str], systems: usize) -> Plan {
    let tests = tests.iter().map(|name| test(name).duration(minutes(length(name))));
    Plan::new(tests).pool(PoolPlan::new("lab", systems))
}

fn length(name: &str) -> u64 {
    name.rsplit('/').next().unwrap().parse().unwrap()
}

fn passes(attempt: &Attempt) -> Outcome {
    Outcome::new(Verdict::Passed, minutes(length(attempt.test.as_str())))
}

/// Who runs what when, in minutes.
fn timeline(simulation: &Simulation) -> String {
    let lines: Vec<String> = simulation
        .spans
        .iter()
        .map(|span| {
            let (start, end) = (span.start.as_secs() / 60, span.end.as_secs() / 60);
            format!("{} of {}: {} {start}..{end}", span.remote, span.pool, span.attempt)
        })
        .collect();
    format!(
        "{}\ntests done at {}, all at {}",
        lines.join("\n"),
        simulation.tests_done.as_secs() / 60,
        simulation.wall.as_secs() / 60
    )
}

const TESTS: [&str; 7] = ["/a/2", "/b/3", "/c/9", "/d/1", "/e/4", "/f/2", "/g/3"];

#[test]
fn a_simulation_says_who_runs_what_when() {
    let delays = Delays { provision: minutes(5), prepare: minutes(1), release: minutes(2) };
    insta::assert_snapshot!(timeline(&simulate(plan(&TESTS, 2), delays, passes)), @r#"
    m1 of lab: /c/9 6..15
    m2 of lab: /e/4 6..10
    m2 of lab: /b/3 10..13
    m2 of lab: /g/3 13..16
    m1 of lab: /a/2 15..17
    m2 of lab: /f/2 16..18
    m1 of lab: /d/1 17..18
    tests done at 18, all at 20
    "#);
}

#[test]
fn tests_dealt_beforehand_take_longer() {
    let plan = plan(&TESTS, 2);
    let ad_hoc = simulate(plan.clone(), Delays::default(), passes);
    assert_eq!(ad_hoc.wall, minutes(12));
    let chunks = simulate(static_split(&plan, Deal::Chunks), Delays::default(), passes);
    insta::assert_snapshot!(timeline(&chunks), @r#"
    m1 of system-1: /a/2 0..2
    m2 of system-2: /e/4 0..4
    m1 of system-1: /b/3 2..5
    m2 of system-2: /f/2 4..6
    m1 of system-1: /c/9 5..14
    m2 of system-2: /g/3 6..9
    m1 of system-1: /d/1 14..15
    tests done at 15, all at 15
    "#);
    let cards = simulate(static_split(&plan, Deal::RoundRobin), Delays::default(), passes);
    insta::assert_snapshot!(timeline(&cards), @r#"
    m1 of system-1: /a/2 0..2
    m2 of system-2: /b/3 0..3
    m1 of system-1: /c/9 2..11
    m2 of system-2: /d/1 3..4
    m2 of system-2: /f/2 4..6
    m1 of system-1: /e/4 11..15
    m1 of system-1: /g/3 15..18
    tests done at 18, all at 18
    "#);
}

#[test]
fn reruns_and_replacements_take_their_time() {
    let mut plan = plan(&["/flaky/3", "/kills/2"], 1).reruns(1);
    plan.tests[0].destructive = true;
    let delays = Delays { provision: minutes(5), ..Delays::default() };
    let simulation = simulate(plan, delays, |attempt| match attempt.number {
        1 => Outcome::new(Verdict::Failed, passes(attempt).took),
        _ => passes(attempt),
    });
    insta::assert_snapshot!(timeline(&simulation), @r#"
    m1 of lab: /flaky/3 5..8
    m2 of lab: /flaky/3 (attempt 2) 13..16
    m3 of lab: /kills/2 21..23
    m3 of lab: /kills/2 (attempt 2) 23..25
    tests done at 25, all at 25
    "#);
}

#[test]
fn a_withdrawn_request_does_not_count() {
    let mut plan = plan(&["/x/1", "/y/3", "/z/1"], 2);
    plan.tests[0].destructive = true;
    let delays = Delays { provision: minutes(5), prepare: minutes(0), release: minutes(1) };
    // The remote that should replace that of /x would come at 12, but that of /y is free at 8.
    insta::assert_snapshot!(timeline(&simulate(plan, delays, passes)), @r#"
    m1 of lab: /y/3 5..8
    m2 of lab: /x/1 5..6
    m1 of lab: /z/1 8..9
    tests done at 9, all at 10
    "#);
}
