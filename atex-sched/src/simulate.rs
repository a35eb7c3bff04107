//! [`simulate`]: the scheduler under virtual time; [`static_split`]: what to compare it with.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use atex_core::{Attempt, Facts, Outcome, RemoteId, RunEvent};

use crate::action::{Action, Conclusion};
use crate::plan::{Plan, PoolPlan};
use crate::scheduler::Scheduler;

/// How long remotes take in a [simulation](simulate), besides the tests themselves. By default, no time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delays {
    /// From the request until the remote is there.
    pub provision: Duration,
    /// To make a remote ready for its first test.
    pub prepare: Duration,
    /// To give a remote back.
    pub release: Duration,
}

/// What a run would look like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Simulation {
    /// From the start until everything is given back.
    pub wall: Duration,
    /// Until the last test ended.
    pub tests_done: Duration,
    /// Which remote runs what and when, in the order in which the tests begin.
    pub spans: Vec<Span>,
    /// The last word on every test.
    pub conclusions: Vec<Conclusion>,
}

/// A test on a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where.
    pub remote: RemoteId,
    /// The pool of the remote, by its name.
    pub pool: String,
    /// What.
    pub attempt: Attempt,
    /// When it begins, since the start of the run.
    pub start: Duration,
    /// When it ends.
    pub end: Duration,
}

/// Runs a plan under virtual time: the same scheduler as in a real run, on remotes that only take the time they are said to take.
///
/// `outcome` says for each attempt how it goes and how long it takes ([`Outcome::took`]).
///
/// ```
/// use atex_core::{Outcome, TestName, Verdict};
/// use atex_sched::{Delays, Plan, PoolPlan, TestPlan, simulate};
/// use std::time::Duration;
///
/// let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
/// let names = ["/a", "/b", "/c", "/d"].map(|name| TestName::new(name).unwrap());
/// let tests = names.iter().zip([3, 10, 4, 2]);
/// let plan = Plan::new(tests.map(|(name, time)| TestPlan::new(name.clone()).duration(minutes(time))));
/// let simulation = simulate(
///     plan.pool(PoolPlan::new("lab", 2)),
///     Delays { provision: minutes(1), ..Delays::default() },
///     |attempt| Outcome::new(Verdict::Passed, minutes([3, 10, 4, 2][names.iter().position(|name| *name == attempt.test).unwrap()])),
/// );
/// assert_eq!(simulation.wall, minutes(11));
/// ```
pub fn simulate(
    plan: Plan,
    delays: Delays,
    outcome: impl FnMut(&Attempt) -> Outcome,
) -> Simulation {
    let started = plan.started();
    let mut world = World {
        now: Duration::ZERO,
        delays,
        outcome,
        events: BinaryHeap::new(),
        caused: 0,
        pools: HashMap::new(),
        finished: false,
        simulation: Simulation::default(),
    };
    let mut scheduler = Scheduler::new(plan);
    world.perform(scheduler.on(Duration::ZERO, &started));
    // When it is over, preparations that nobody waited for may still be on their way.
    while !world.finished
        && let Some(Reverse(next)) = world.events.pop()
    {
        world.now = next.at;
        world.perform(scheduler.on(next.at, &next.event));
    }
    world.simulation.wall = world.now;
    world.simulation
}

/// How tests are dealt to systems beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deal {
    /// Like cards: the first test to the first system, the second to the second, …
    RoundRobin,
    /// In one piece of the list for each system, of as many tests.
    Chunks,
}

/// The same tests as they would be run without ad-hoc scheduling: dealt beforehand, in the order of the plan, to as many systems
/// as its pools have, each of which runs its share in that order, however long the others take.
///
/// This is again a plan, with a pool of one remote for each system, so [`simulate`] it for the comparison.
#[must_use]
pub fn static_split(plan: &Plan, deal: Deal) -> Plan {
    let systems = plan.pools.iter().map(|pool| pool.max).sum::<usize>().max(1);
    let count = plan.tests.len();
    let tests = plan.tests.iter().enumerate().map(|(index, test)| {
        let system = match deal {
            Deal::RoundRobin => index % systems,
            Deal::Chunks => index * systems / count.max(1),
        };
        let mut test = test.clone().only([system]);
        test.duration = None;
        test
    });
    let split = Plan::new(tests).limits(plan.limits.clone());
    (1..=systems)
        .fold(split, |split, system| split.pool(PoolPlan::new(format!("system-{system}"), 1)))
}

struct World<F> {
    now: Duration,
    delays: Delays,
    outcome: F,
    events: BinaryHeap<Reverse<Upcoming>>,
    /// How many events were caused so far.
    caused: usize,
    /// The pool of each remote.
    pools: HashMap<RemoteId, String>,
    finished: bool,
    simulation: Simulation,
}

/// An event that will happen. Those of the same time happen in the order in which they were caused.
struct Upcoming {
    at: Duration,
    number: usize,
    event: RunEvent,
}

impl<F: FnMut(&Attempt) -> Outcome> World<F> {
    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Provision { remote, pool } => {
                    self.pools.insert(remote, pool);
                    let facts = Facts::new();
                    let event =
                        RunEvent::RemoteProvisioned { remote, name: remote.to_string(), facts };
                    self.after(self.delays.provision, event);
                }
                Action::Withdraw { remote } => {
                    self.events.retain(|Reverse(next)| !is_answer(&next.event, remote));
                    self.after(Duration::ZERO, RunEvent::ProvisionWithdrawn { remote });
                }
                Action::Prepare { remote } => {
                    self.after(self.delays.prepare, RunEvent::RemotePrepared { remote });
                }
                Action::Run { remote, attempt, .. } => self.run(remote, attempt),
                Action::RollBack { remote } => {
                    self.after(Duration::ZERO, RunEvent::RemoteRolledBack { remote });
                }
                Action::Release { remote } => {
                    self.after(self.delays.release, RunEvent::RemoteReleased { remote });
                }
                Action::WakeAt { at } => {
                    self.after(at.saturating_sub(self.now), RunEvent::TimePassed);
                }
                Action::Conclude(conclusion) => self.simulation.conclusions.push(conclusion),
                // Nobody dies here.
                Action::StopTest { .. }
                | Action::Quarantine { .. }
                | Action::Adopt { .. }
                | Action::Answer { .. } => {}
                Action::Finish => self.finished = true,
            }
        }
    }

    fn run(&mut self, remote: RemoteId, attempt: Attempt) {
        let outcome = (self.outcome)(&attempt);
        let end = self.now.saturating_add(outcome.took);
        let pool = self.pools.get(&remote).cloned();
        self.simulation.tests_done = self.simulation.tests_done.max(end);
        self.simulation.spans.push(Span {
            remote,
            pool: pool.unwrap_or_default(),
            attempt: attempt.clone(),
            start: self.now,
            end,
        });
        let took = outcome.took;
        self.after(took, RunEvent::TestEnded { remote, attempt, outcome, failure: None });
    }

    fn after(&mut self, delay: Duration, event: RunEvent) {
        let upcoming = Upcoming { at: self.now.saturating_add(delay), number: self.caused, event };
        self.caused += 1;
        self.events.push(Reverse(upcoming));
    }
}

impl Upcoming {
    fn key(&self) -> (Duration, usize) {
        (self.at, self.number)
    }
}

impl PartialEq for Upcoming {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Upcoming {}

impl PartialOrd for Upcoming {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Upcoming {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Whether the event says that this request was answered.
fn is_answer(event: &RunEvent, request: RemoteId) -> bool {
    matches!(event, RunEvent::RemoteProvisioned { remote, .. } if *remote == request)
}
