//! A run whose controller died is taken up at any point of any history, also in the middle of what it wrote down, and keeps the promises:
//! every test is concluded once in all its lives together, and every remote is given back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use atex_core::testkit::fake::{
    FakeAggregator, FakeExecutor, FakeProvisioner, FakeRun, Fate, RecordingSink,
};
use atex_core::{Attempt, RemoteId, RunEvent, Test, TestName, TestSuite, Verdict};
use atex_sched::{OpenLeases, Plan, Pool, PoolPlan, Run, Scheduler, Standing};
use proptest::prelude::*;

use crate::model::{Answer, Happening, Place, Step, World};
use crate::promises::{begin, cases, drawn, drawn_gangs, finish};
use crate::script::{test, tests};

impl World {
    /// In how many places the controller can die that were not there before the last event: before each line that it writes down.
    fn deaths(&self) -> usize {
        self.history.as_ref().map_or(0, |step| step.echoes.len() + 1)
    }

    /// The world of another controller, after this one died when it had written down the last event and so many of the lines after it.
    fn taken_up(&self, lines: usize) -> Self {
        let mut steps: Vec<Step> = self.steps().into_iter().cloned().collect();
        if let Some(last) = steps.last_mut() {
            last.echoes.truncate(lines);
        }
        let mut history = None;
        let mut facts = Facts::default();
        for mut step in steps {
            facts.apply(&step.event, self);
            step.echoes.iter().for_each(|event| facts.apply(event, self));
            step.before = history;
            history = Some(Arc::new(step));
        }
        let plan = Plan::clone(&self.plan);
        let concluded = facts.concluded.clone();
        let busy = |name: &TestName| {
            facts.running.values().any(|attempt| attempt.test == *name) || concluded.contains(name)
        };
        let place = |id: &RemoteId| match facts.running.get(id) {
            Some(attempt) => Place::Orphaned(attempt.clone()),
            None => Place::Left,
        };
        let pools = |name: &str| plan.pools.iter().position(|pool| pool.name == *name).unwrap();
        let mut world = Self {
            scheduler: Scheduler::resumed(plan.clone(), &facts.standing),
            waiting: plan
                .tests
                .iter()
                .map(|test| test.name.clone())
                .filter(|name| !busy(name))
                .collect(),
            remotes: facts.out.iter().map(|(id, pool)| (*id, (pools(pool), place(id)))).collect(),
            used: facts.used,
            attempts: facts.attempts,
            concluded: facts.concluded,
            facts: facts.turned_out,
            reached: facts.reached,
            history,
            now: self.now,
            noisy: self.noisy,
            ..Self::empty(plan.clone())
        };
        world.feed(RunEvent::Restarted);
        world
    }
}

/// What must be so by what was written down, in the words of the model.
#[derive(Debug, Default)]
struct Facts {
    standing: Standing,
    concluded: BTreeSet<TestName>,
    attempts: BTreeMap<TestName, u32>,
    used: BTreeSet<RemoteId>,
    asked: BTreeMap<RemoteId, String>,
    /// Remotes with a lease that are not gone.
    out: BTreeMap<RemoteId, String>,
    running: BTreeMap<RemoteId, Attempt>,
    reached: BTreeSet<(TestName, String)>,
    turned_out: BTreeMap<RemoteId, atex_core::Facts>,
}

impl Facts {
    fn apply(&mut self, event: &RunEvent, world: &World) {
        self.standing.apply(Duration::ZERO, event);
        match event {
            RunEvent::RemoteRequested { remote, pool } => {
                self.used.insert(*remote);
                self.asked.insert(*remote, pool.clone());
            }
            RunEvent::Leased { remote, .. } => {
                self.out.insert(*remote, self.asked[remote].clone());
            }
            RunEvent::TestStarted { remote, attempt } => {
                *self.attempts.entry(attempt.test.clone()).or_default() += 1;
                let gang = world.gang_of(&attempt.test);
                if !self.running.values().any(|other| gang.contains(&other.test)) {
                    self.reached.retain(|(test, _)| !gang.contains(test));
                }
                self.running.insert(*remote, attempt.clone());
            }
            RunEvent::RemoteProvisioned { remote, facts, .. } => {
                self.turned_out.insert(*remote, facts.clone());
            }
            RunEvent::TestEnded { remote, .. } => drop(self.running.remove(remote)),
            RunEvent::BarrierReached { attempt, barrier, .. } => {
                self.reached.insert((attempt.test.clone(), barrier.clone()));
            }
            RunEvent::TestConcluded { test, .. } => {
                assert!(self.concluded.insert(test.clone()), "{test} is concluded twice");
            }
            RunEvent::ProvisionFailed { remote, .. }
            | RunEvent::ProvisionWithdrawn { remote }
            | RunEvent::RemoteReleased { remote }
            | RunEvent::ReleaseFailed { remote, .. } => drop(self.out.remove(remote)),
            _ => {}
        }
    }
}

/// Lets the controller die wherever it can since the last event, and another one bring the run to its end: in one way, and in another.
fn die(world: &World, count: &mut u64) {
    if world.finished {
        return;
    }
    for lines in 0..world.deaths() {
        *count += 1;
        let next = world.taken_up(lines);
        finish(next.clone(), None);
        finish(next, Some(Answer::Orphaned));
    }
}

fn walk(world: &World, depth: usize, count: &mut u64) {
    die(world, count);
    if depth == 0 {
        return;
    }
    for happening in world.options() {
        let mut next = world.clone();
        next.happen(happening);
        walk(&next, depth - 1, count);
    }
}

fn all_deaths(plan: Plan, depth: usize) -> u64 {
    let mut count = 0;
    walk(&World::new(plan), depth, &mut count);
    count
}

#[test]
fn a_run_is_taken_up_after_every_line_of_all_short_histories_of_two_remotes() {
    let plan = tests(&["/a 9", "/b", "/c"]).reruns(1).pool(PoolPlan::new("lab", 2));
    assert!(all_deaths(plan, 4) > 1000);
}

#[test]
fn a_run_is_taken_up_after_every_line_of_all_short_histories_of_two_pools() {
    let plan = Plan::new([test("/a").destructive(), test("/b").only([1]), test("/c").only([0])]);
    let plan = plan.pool(PoolPlan::new("one", 1)).pool(PoolPlan::new("two", 1));
    assert!(all_deaths(plan, 4) > 1000);
}

#[test]
fn a_run_is_taken_up_after_every_line_of_all_longer_histories_of_one_remote() {
    let mut plan = tests(&["/a", "/b"]).reruns(1).pool(PoolPlan::new("lab", 1));
    plan.limits.pool_failures = 2;
    assert!(all_deaths(plan, 7) > 1000);
}

/// An interrupt concludes those that come later in the group; the next life forgives it, and must pass over them.
#[test]
fn a_run_is_taken_up_after_every_line_of_all_short_histories_of_a_group() {
    let plan = ["/a", "/b", "/c"].map(|name| test(name).group("g"));
    let plan = Plan::new(plan).reruns(1).pool(PoolPlan::new("lab", 1));
    assert!(all_deaths(plan, 5) > 500);
}

/// Those of a gang that are gone on with wait for each other as before; one that had not begun with them is waited for by nobody.
#[test]
fn a_run_is_taken_up_after_every_line_of_all_histories_of_a_gang_that_runs() {
    let gang = ["a", "b"].map(|role| test(&format!("/m/{role}")).together("m", role));
    let plan = Plan::new(gang).pool(PoolPlan::new("one", 2)).reruns(1);
    let mut world = World::new(plan);
    begin(&mut world, |world| die(world, &mut 0));
    let mut count = 0;
    walk(&world, 2, &mut count);
    assert!(count > 100, "{count}");
    // Another death, wherever the second life was when it began to wait.
    let mut again = world.taken_up(usize::MAX);
    let reach = |option: &Happening| matches!(option, Happening::Reach(..));
    for next in again.options().into_iter().filter(reach) {
        again.happen(next);
        again = again.taken_up(0);
    }
    assert_eq!(again.reached.len(), 2);
    walk(&again, 1, &mut count);
}

/// Both came to a barrier, failed, and are run again: one has begun when the controller dies. That the other had come before counts no more.
#[test]
fn what_was_reached_in_an_attempt_before_counts_no_more() {
    let gang = ["a", "b"].map(|role| test(&format!("/m/{role}")).together("m", role));
    let mut world = World::new(Plan::new(gang).pool(PoolPlan::new("one", 2)).reruns(1));
    begin(&mut world, |_| {});
    let reach = |option: &Happening| matches!(option, Happening::Reach(..));
    for next in world.options().into_iter().filter(reach) {
        world.happen(next);
    }
    while world.attempts.values().any(|attempts| *attempts == 1) {
        let fits = |option: &&Happening| {
            let answer = [Answer::Failed, Answer::Provisioned, Answer::Prepared, Answer::Released];
            matches!(option, Happening::Answer(_, given) if answer.contains(given))
        };
        let next = *world.options().iter().find(fits).unwrap();
        world.happen(next);
    }
    let mut next = world.taken_up(1);
    let next_reach = next.options().into_iter().find(reach).unwrap();
    next.happen(next_reach);
    assert!(next.answers.values().eq([&false]), "{}", next.story());
    finish(next, None);
}

/// The second life knows what the first decided: a test that was rerun once is not given another chance.
#[test]
fn limits_hold_over_all_lives() {
    let plan = tests(&["/a"]).reruns(1).pool(PoolPlan::new("lab", 1));
    let mut world = World::new(plan);
    while !world.finished {
        let failed = |option: &&Happening| matches!(option, Happening::Answer(_, Answer::Failed));
        let options = world.options();
        world.happen(*options.iter().find(failed).unwrap_or(&options[0]));
        let last = world.history.as_ref().map(|step| &step.event);
        if !world.finished && matches!(last, Some(RunEvent::TestEnded { .. })) {
            world = world.taken_up(0);
        }
    }
    let attempts: Vec<u32> = world.attempts.values().copied().collect();
    assert_eq!(attempts, [2], "{}", world.story());
}

/// A test that nobody can go on with is run again, however often that happens: dying is not its fault.
#[test]
fn orphans_count_against_no_limit() {
    let mut plan = tests(&["/a"]).pool(PoolPlan::new("lab", 1));
    plan.limits.infra_retries = 0;
    let mut world = World::new(plan);
    let mut deaths = 0;
    while !world.finished {
        let orphaned =
            |option: &&Happening| matches!(option, Happening::Answer(_, Answer::Orphaned));
        let options = world.options();
        world.happen(*options.iter().find(orphaned).unwrap_or(&options[0]));
        let last = world.history.as_ref().map(|step| step.event.clone());
        let runs = world.history.as_ref().is_some_and(|step| {
            step.echoes.iter().any(|echo| matches!(echo, RunEvent::TestStarted { .. }))
        });
        // While it runs, and when it was found that nobody can go on with it.
        if deaths < 7 && (runs || matches!(last, Some(RunEvent::TestEnded { .. }))) {
            deaths += 1;
            world = world.taken_up(usize::MAX);
        }
    }
    let concluded = world.story().lines().last().unwrap_or_default().to_owned();
    assert!(world.story().contains(": passed"), "{concluded}");
    assert_eq!(deaths, 7);
}

/// What the driver needs for both lives of a run.
struct Lives {
    pool: FakeProvisioner,
    sink: RecordingSink,
    dir: tempfile::TempDir,
}

impl Lives {
    fn run(&self, executor: &FakeExecutor, aggregator: &FakeAggregator) -> Run {
        let names = ["/slow", "/a", "/b", "/c"].map(|name| TestName::new(name).unwrap());
        let suite = TestSuite::new(names.map(|name| (name, Test::new("true"))));
        Run::new(suite, Arc::new(executor.clone()), self.dir.path())
            .pool(Pool::new("lab", Arc::new(self.pool.clone())).max(2))
            .aggregator(Arc::new(aggregator.clone()))
            .sink(Arc::new(self.sink.clone()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_dropped_is_taken_up_and_everything_is_filed_once() {
    let (sink, dir) = (RecordingSink::new(), tempfile::tempdir().unwrap());
    let pool = FakeProvisioner::new("lab").max(2);
    let lives = Lives { pool, sink, dir };
    // One test is in the middle, and the results of another on their way, when the controller dies.
    let executor = FakeExecutor::new().test("/slow", [FakeRun::hangs()]);
    let first = FakeAggregator::new("first").ingests([Fate::Works, Fate::Hangs]);
    let seconds = Duration::from_secs(10);
    let life = tokio::time::timeout(seconds, lives.run(&executor, &first).run());
    assert!(life.await.is_err());
    assert_eq!((first.taken().len(), lives.pool.counts().out), (2, 1));
    let (mut standing, leases) = (Standing::new(), Arc::new(OpenLeases::new()));
    for (at, event) in lives.sink.events() {
        standing.apply(at, &event);
        atex_core::EventSink::emit(&*leases, at, &event);
    }
    assert_eq!(leases.all().len(), 1);
    assert_eq!(standing.conclusions().len(), 2);
    let second = FakeAggregator::new("second");
    let run = lives.run(&FakeExecutor::new(), &second).sink(leases.clone());
    let summary = run.resume(standing, 2 * seconds).run().await.unwrap();
    assert_eq!((summary.conclusions.len(), summary.count(Verdict::Passed)), (4, 4));
    let filed: Vec<String> =
        first.taken().iter().chain(&second.taken()).map(|one| one.test.to_string()).collect();
    assert_eq!(filed.iter().collect::<BTreeSet<_>>().len(), 4, "{filed:?}");
    assert_eq!(filed.len(), 4, "{filed:?}");
    assert_eq!((lives.pool.counts().out, leases.all().len()), (0, 0));
    let events = lives.sink.events();
    assert!(events.is_sorted_by_key(|(at, _)| *at));
    let slow: Vec<u32> = summary.conclusions.iter().map(|test| test.attempts).collect();
    assert_eq!(slow.iter().sum::<u32>(), 5, "/slow was run twice: {slow:?}");
    let restarted = events.iter().find(|(_, event)| *event == RunEvent::Restarted);
    assert_eq!(restarted.map(|(at, _)| *at), Some(2 * seconds));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(1000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_with_many_deaths_keep_the_promises(drawn in prop_oneof![2 => drawn(), 1 => drawn_gangs()]) {
        let mut world = World::new(drawn.plan.clone());
        for choice in drawn.choices.iter().copied() {
            let options = world.options();
            if options.is_empty() { break }
            if choice % 7 == 0 {
                world = world.taken_up(choice / 7 % world.deaths());
            } else {
                world.happen(drawn.pick(&options, choice));
            }
        }
        finish(world, None);
    }
}
