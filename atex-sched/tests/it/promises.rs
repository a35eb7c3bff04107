//! The promises of the scheduler, over all short histories and many random long ones. [`World`] checks them at every step.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use atex_core::{Facts, TestName};
use atex_sched::{Needs, Plan, PoolPlan, Standard, TestPlan};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use crate::model::{Answer, Happening, World};
use crate::script::{test, tests};

/// Walks all histories of at most `depth` events, and from the end of each the quickest way to the end of the run.
fn walk(world: &World, depth: usize, count: &mut u64) {
    let options = world.options();
    if depth == 0 || options.is_empty() {
        *count += 1;
        finish(world.clone(), None);
        return;
    }
    for happening in options {
        let mut next = world.clone();
        next.happen(happening);
        walk(&next, depth - 1, count);
    }
}

/// Lets every remote answer, the oldest first, until the run is over: it must not take for ever, not even if the answer is
/// always this one where it can be.
pub(crate) fn finish(mut world: World, always: Option<Answer>) {
    world.noisy = false;
    told(&mut world, |world| {
        for _ in 0..1000 {
            let options = world.options();
            let is_wanted = |option: &&Happening| matches!(option, Happening::Answer(_, answer) if Some(*answer) == always);
            let progress = || options.iter().find(|option| World::is_progress(**option));
            let Some(next) = options.iter().find(is_wanted).or_else(progress) else { break };
            world.happen(*next);
        }
        assert!(world.finished, "the run does not end");
    });
}

/// A promise that is broken is told with all that led to it.
fn told(world: &mut World, live: impl FnOnce(&mut World)) {
    if let Err(text) = saying(|| live(world)) {
        panic!("{text}\n{}", world.story());
    }
}

/// What a panic said.
fn saying(live: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(live)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_default()
    })
}

fn all_histories(plan: Plan, depth: usize) -> u64 {
    let mut count = 0;
    walk(&World::new(plan), depth, &mut count);
    count
}

#[test]
fn all_short_histories_of_two_remotes_keep_the_promises() {
    let plan = tests(&["/a 9", "/b", "/c"]).reruns(1).pool(PoolPlan::new("lab", 2));
    assert!(all_histories(plan, 6) > 10_000);
}

#[test]
fn all_short_histories_of_two_pools_keep_the_promises() {
    let plan = Plan::new([test("/a").destructive(), test("/b").only([1]), test("/c").only([0])]);
    let plan = plan.pool(PoolPlan::new("one", 1)).pool(PoolPlan::new("two", 1));
    assert!(all_histories(plan, 6) > 10_000);
}

#[test]
fn all_longer_histories_of_one_remote_keep_the_promises() {
    let mut plan = tests(&["/a", "/b"]).reruns(1).pool(PoolPlan::new("lab", 1));
    plan.limits.pool_failures = 2;
    assert!(all_histories(plan, 11) > 5_000);
}

#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) plan: Plan,
    pub(crate) choices: Vec<usize>,
    /// Whether most of what happens is what one hopes for: else remotes hardly ever live until there are enough for a gang.
    pub(crate) gentle: bool,
}

impl Drawn {
    /// Which of these happens, by one of the choices.
    pub(crate) fn pick(&self, options: &[Happening], choice: usize) -> Happening {
        let hoped_for = |option: &&Happening| {
            let hoped =
                [Answer::Provisioned, Answer::Prepared, Answer::RolledBack, Answer::Released];
            let ends = [Answer::Passed, Answer::Failed];
            match option {
                Happening::Answer(_, answer) => hoped.contains(answer) || ends.contains(answer),
                Happening::Reach(..) => true,
                Happening::Wake | Happening::Interrupt => false,
            }
        };
        let hoped_for: Vec<&Happening> = options.iter().filter(hoped_for).collect();
        if self.gentle && !choice.is_multiple_of(11) && !hoped_for.is_empty() {
            return *hoped_for[choice % hoped_for.len()];
        }
        options[choice % options.len()]
    }
}

/// What a drawn test is, beyond its name.
type DrawnTest = (Option<u64>, bool, Option<Vec<usize>>, Bond, (bool, bool, bool));

/// What a drawn test belongs to.
#[derive(Debug, Clone, Copy)]
enum Bond {
    Alone,
    Group(u8),
    Gang(u8),
}

fn drawn_test(pools: usize) -> impl Strategy<Value = DrawnTest> {
    let bond = prop_oneof![
        5 => Just(Bond::Alone),
        2 => (0..2_u8).prop_map(Bond::Group),
        4 => (0..3_u8).prop_map(Bond::Gang),
    ];
    let some = proptest::sample::subsequence((0..pools).collect::<Vec<_>>(), 0..=pools);
    (
        proptest::option::of(0..5_u64),
        proptest::bool::weighted(0.3),
        proptest::option::weighted(0.3, some),
        bond,
        (any::<bool>(), proptest::bool::weighted(0.2), proptest::bool::weighted(0.2)),
    )
}

/// `kind` is what a pool says, or, of half of the pools, what nobody says before a remote is there.
fn plain() -> Needs {
    Needs::new("kind == plain", |facts| Some(facts.get("kind").first()? == "plain"))
}

fn planned((index, drawn): (usize, DrawnTest), plain: &Needs) -> TestPlan {
    let (duration, destructive, only, bond, (priority, needs, wanted)) = drawn;
    let mut test = TestPlan::new(TestName::new(format!("/{index}")).unwrap());
    test.duration = duration.map(Duration::from_secs);
    test.destructive = destructive;
    test.pools = only;
    test.priority = i64::from(priority);
    test.needs = needs.then(|| plain.clone());
    test.wanted = wanted.then(|| "p0".to_owned());
    match bond {
        Bond::Alone => test,
        Bond::Group(group) => test.group(&format!("group {group}")),
        // Members of a gang are told apart by what they are wanted on as well, which the model does not follow.
        Bond::Gang(gang) => {
            test.wanted = None;
            test.together(&format!("gang {gang}"), "x")
        }
    }
}

pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let pools = 1..4_usize;
    pools.prop_flat_map(|pools| {
        let pool = (0..4_usize, 0..3_usize, 0..3_usize, any::<bool>());
        let limits = (0..3_u32, 0..3_u32, 1..4_u32, 0..3_u32, any::<bool>());
        (
            proptest::collection::vec(drawn_test(pools), 0..9),
            proptest::collection::vec(pool, pools),
            limits,
            proptest::collection::vec(any::<proptest::sample::Index>(), 0..200),
            any::<bool>(),
        )
            .prop_map(|(tests, pools, limits, choices, gentle)| {
                let needs = plain();
                let tests = tests.into_iter().enumerate().map(|test| planned(test, &needs));
                let pools = pools.into_iter().enumerate();
                let plan =
                    pools.fold(Plan::new(tests), |plan, (index, (max, min, spares, says))| {
                        let facts = Facts::new().with("kind", "plain");
                        let pool = PoolPlan::new(format!("p{index}"), max);
                        // Most runs have neither a minimum nor spares.
                        let pool = pool.min(min.saturating_sub(1)).spares(spares.saturating_sub(1));
                        plan.pool(if says { pool.facts(facts) } else { pool })
                    });
                let (reruns, infra, failures, quarantine, roll_back) = limits;
                let mut plan =
                    if roll_back { plan.policy(Standard::new().roll_back()) } else { plan };
                plan.limits.reruns = reruns;
                plan.limits.infra_retries = infra;
                plan.limits.pool_failures = failures;
                plan.limits.quarantine = quarantine;
                Drawn {
                    plan,
                    choices: choices.iter().map(|choice| choice.index(1 << 20)).collect(),
                    gentle,
                }
            })
    })
}

/// The same with room for gangs, most of which run.
pub(crate) fn drawn_gangs() -> impl Strategy<Value = Drawn> {
    drawn().prop_map(|mut drawn| {
        for test in drawn.plan.tests.iter_mut().filter(|test| test.together.is_some()) {
            (test.pools, test.needs) = (None, None);
        }
        drawn.plan.pools.iter_mut().for_each(|pool| pool.max += 2);
        drawn.gentle = true;
        drawn
    })
}

/// Lets a run take a drawn course, and then come to its end in several moods.
fn live(world: &mut World, drawn: &Drawn) {
    world.noisy = true;
    told(world, |world| {
        for choice in &drawn.choices {
            let mut options = world.options();
            // An interrupt ends most of what is interesting, so it is rare.
            if choice % 50 != 0 {
                options.retain(|option| *option != Happening::Interrupt);
            }
            if options.is_empty() {
                break;
            }
            world.happen(drawn.pick(&options, *choice));
        }
        world.check_replay();
    });
    let moods = [
        None,
        Some(Answer::Unavailable),
        Some(Answer::Unfit),
        Some(Answer::Failed),
        Some(Answer::Infra),
        Some(Answer::Died),
        Some(Answer::Odd),
    ];
    for mood in moods {
        finish(world.clone(), mood);
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// By default few, to be quick; with `ATEX_TEST_LOAD=full`, 100,000.
pub(crate) fn cases(few: u32) -> u32 {
    let full = std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full");
    if full { 100_000 } else { few }
}

fn keeps_the_promises(few: u32, histories: impl Strategy<Value = Drawn>) {
    let run = TestRunner::new(config(cases(few))).run(&histories, |drawn| {
        saying(|| live(&mut World::new(drawn.plan.clone()), &drawn)).map_err(TestCaseError::fail)
    });
    if let Err(TestError::Fail(why, drawn)) = run {
        panic!("{why}\nwith {:#?}", drawn.plan);
    }
}

#[test]
fn random_histories_keep_the_promises() {
    keeps_the_promises(1500, drawn());
}

#[test]
fn random_histories_of_gangs_keep_the_promises() {
    keeps_the_promises(300, drawn_gangs());
}

/// The model believes that every test is destructive, of which the scheduler knows nothing: the shortest story that shows it is told.
#[test]
fn a_broken_promise_is_told_as_a_short_story() {
    let mut runner =
        TestRunner::new_with_rng(config(500), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let run = runner.run(&drawn(), |drawn| {
        let (plan, mut believed) = (drawn.plan.clone(), drawn.plan.clone());
        believed.tests.iter_mut().for_each(|test| test.destructive = true);
        saying(|| live(&mut World::begun(plan, believed), &drawn)).map_err(TestCaseError::fail)
    });
    let Err(TestError::Fail(why, _)) = run else { panic!("nobody saw it") };
    insta::assert_snapshot!(why.message(), @r#"
    assertion `left == right` failed: m1
      left: Spent
     right: Idle
    start -> provision m1 from p0
    m1 up host-1  -> prepare m1
    m1 ready -> run /0 on m1
    m1 ends /0: passed -> conclude /0: passed; run /1 on m1
    "#);
}

/// Tests that belong together, over all short histories.
#[test]
fn all_short_histories_of_groups_and_gangs_keep_the_promises() {
    let plan = Plan::new([
        test("/g/1").group("g"),
        test("/n/a").together("n", "a"),
        test("/g/2").group("g"),
        test("/n/b").together("n", "b"),
    ]);
    assert!(all_histories(plan.pool(PoolPlan::new("lab", 2)).reruns(1), 5) > 1_000);
}

#[test]
fn all_short_histories_of_two_gangs_that_want_the_same_keep_the_promises() {
    let gang =
        |name: &str| ["a", "b"].map(|role| test(&format!("{name}/{role}")).together(name, role));
    let plan = Plan::new(gang("/m").into_iter().chain(gang("/n")).chain([test("/x")]));
    let plan = plan.pool(PoolPlan::new("one", 1)).pool(PoolPlan::new("two", 2).spares(1));
    assert!(all_histories(plan, 4) > 1_000);
}

#[test]
fn all_short_histories_of_needs_and_spares_keep_the_promises() {
    let needs = plain();
    let plan =
        Plan::new([test("/a").needs(needs.clone()), test("/b"), test("/c").wanted_on("two")]);
    let plan = plan.pool(PoolPlan::new("one", 1).spares(1)).pool(PoolPlan::new("two", 1).min(1));
    let mut plan = plan.reruns(1);
    plan.limits.pool_failures = 1;
    assert!(all_histories(plan, 4) > 1_000);
}

#[test]
fn all_short_histories_of_two_gangs_that_share_a_pool_keep_the_promises() {
    let part =
        |name: &str, role, pool| test(&format!("{name}/{role}")).together(name, role).only([pool]);
    let plan = [part("/m", "a", 0), part("/m", "b", 1), part("/n", "a", 2), part("/n", "b", 0)];
    let plan = ["one", "two", "three"]
        .iter()
        .fold(Plan::new(plan), |plan, name| plan.pool(PoolPlan::new(*name, 1)));
    assert!(all_histories(plan, 4) > 500);
}

/// Three that want three remotes at once, two of which run anything else besides, and meet at barriers.
#[test]
fn all_short_histories_of_a_gang_of_three_keep_the_promises() {
    let gang = ["a", "b", "c"].map(|role| test(&format!("/m/{role}")).together("m", role));
    let plan = Plan::new(gang.into_iter().chain([test("/x"), test("/y").only([0])]));
    let plan = plan.pool(PoolPlan::new("one", 2)).pool(PoolPlan::new("two", 1)).reruns(1);
    assert!(all_histories(plan, 4) > 1_000);
}

/// Lets remotes come until the tests of a gang run, and others see it at every step.
pub(crate) fn begin(world: &mut World, seen: impl Fn(&World)) {
    while !world.options().iter().any(|option| matches!(option, Happening::Reach(..))) {
        seen(world);
        let comes = |option: &Happening| {
            matches!(option, Happening::Answer(_, Answer::Provisioned | Answer::Prepared))
        };
        let next = world.options().into_iter().find(comes);
        world.happen(next.unwrap());
    }
}

/// From the moment when both run: who comes to a barrier, ends, dies, or is lost, in any order.
#[test]
fn all_histories_of_a_gang_that_runs_keep_the_promises() {
    let gang = ["a", "b"].map(|role| test(&format!("/m/{role}")).together("m", role));
    let plan = Plan::new(gang).pool(PoolPlan::new("one", 2)).reruns(1);
    let mut world = World::new(plan);
    begin(&mut world, |_| {});
    let mut count = 0;
    walk(&world, 4, &mut count);
    assert!(count > 1_000, "{count}");
}
