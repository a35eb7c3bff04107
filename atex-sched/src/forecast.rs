//! [`forecast`]: how long a plan would take with more or fewer remotes.

use std::collections::BTreeMap;
use std::time::Duration;

use atex_core::{Attempt, Outcome, RemoteId, Verdict};

use crate::plan::Plan;
use crate::simulate::{Delays, Simulation, simulate};

/// What a plan would take with so many remotes at once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Forecast {
    /// How many there may be at most, of all pools together.
    pub remotes: usize,
    /// What happens.
    pub simulation: Simulation,
    /// How long remotes are held, summed up: from the request of each until it is gone.
    pub machine_time: Duration,
}

impl Forecast {
    /// What this plan would take as it is, if every test passes and takes as long as is said.
    pub fn of(plan: Plan, delays: Delays, expected: impl Fn(&Attempt) -> Duration) -> Self {
        let remotes = plan.pools.iter().map(|pool| pool.max).fold(0, usize::saturating_add);
        let simulation =
            simulate(plan, delays, |attempt| Outcome::new(Verdict::Passed, expected(attempt)));
        let mut held: BTreeMap<RemoteId, (Duration, Duration)> = BTreeMap::new();
        for span in &simulation.spans {
            let (from, to) = held.entry(span.remote).or_insert((span.start, span.end));
            (*from, *to) = ((*from).min(span.start), (*to).max(span.end));
        }
        let around = delays.provision + delays.prepare + delays.release;
        let machine_time = held.values().map(|(from, to)| *to - *from + around).sum();
        Self { remotes, simulation, machine_time }
    }
}

/// What a plan would take with 1, 2, 4, … remotes, up to one for each test or to where more are of no use. Each pool gets its share of
/// them, by its own size, but one at least.
pub fn forecast(
    plan: &Plan,
    delays: Delays,
    expected: impl Fn(&Attempt) -> Duration,
) -> Vec<Forecast> {
    let mut forecasts: Vec<Forecast> = Vec::new();
    let mut remotes = 1;
    loop {
        let forecast = Forecast::of(scaled(plan, remotes), delays, &expected);
        let before = forecasts.last();
        if before.is_some_and(|before| before.simulation.wall <= forecast.simulation.wall) {
            return forecasts;
        }
        forecasts.push(Forecast { remotes, ..forecast });
        if remotes >= plan.tests.len() {
            return forecasts;
        }
        remotes *= 2;
    }
}

/// The plan with so many remotes. Pools that only have to be there have one each, also when these are more.
fn scaled(plan: &Plan, remotes: usize) -> Plan {
    let mut scaled = plan.clone();
    let all = plan.pools.iter().map(|pool| pool.max).fold(0, usize::saturating_add).max(1);
    for pool in scaled.pools.iter_mut().filter(|pool| pool.max > 0) {
        pool.max = (pool.max.saturating_mul(remotes) / all).max(1);
        pool.min = pool.min.min(pool.max);
    }
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{PoolPlan, TestPlan};
    use atex_core::TestName;

    #[test]
    fn more_remotes_are_told_as_long_as_they_help() {
        let seconds = Duration::from_secs;
        let durations = [8, 4, 2, 1, 1];
        let tests = durations.iter().enumerate().map(|(index, time)| {
            TestPlan::new(TestName::new(format!("/{index}")).unwrap()).duration(seconds(*time))
        });
        let plan = Plan::new(tests).pool(PoolPlan::new("lab", 3));
        let expected = |attempt: &Attempt| {
            let index: usize = attempt.test.as_str()[1..].parse().unwrap();
            seconds(durations[index])
        };
        let delays = Delays { provision: seconds(1), ..Delays::default() };
        let told: Vec<_> = forecast(&plan, delays, expected)
            .iter()
            .map(|one| (one.remotes, one.simulation.wall.as_secs(), one.machine_time.as_secs()))
            .collect();
        // With 2: one has the long test, the other all others; 4 are no better.
        assert_eq!(told, [(1, 17, 17), (2, 9, 18)]);
    }
}
