//! The promises of the scheduler, over all short histories and many random long ones. [`World`] checks them at every step.

use std::time::Duration;

use atex_core::TestName;
use atex_sched::{Plan, PoolPlan, TestPlan};
use proptest::prelude::*;

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
    for _ in 0..1000 {
        let options = world.options();
        let is_wanted = |option: &&Happening| matches!(option, Happening::Answer(_, answer) if Some(*answer) == always);
        let progress = || options.iter().find(|option| World::is_progress(**option));
        let Some(next) = options.iter().find(is_wanted).or_else(progress) else { break };
        world.happen(*next);
    }
    assert!(world.finished, "the run does not end: {}", world.story());
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
}

pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let pools = 1..4_usize;
    pools.prop_flat_map(|pools| {
        let test = (
            proptest::option::of(0..5_u64),
            any::<bool>(),
            proptest::option::weighted(
                0.4,
                proptest::sample::subsequence((0..pools).collect::<Vec<_>>(), 0..=pools),
            ),
        );
        let limits = (0..3_u32, 0..3_u32, 1..4_u32);
        (
            proptest::collection::vec(test, 0..9),
            proptest::collection::vec(0..4_usize, pools),
            limits,
            proptest::collection::vec(any::<proptest::sample::Index>(), 0..200),
        )
            .prop_map(|(tests, pools, (reruns, infra, failures), choices)| {
                let tests =
                    tests.into_iter().enumerate().map(|(index, (duration, destructive, only))| {
                        let mut test = TestPlan::new(TestName::new(format!("/{index}")).unwrap());
                        test.duration = duration.map(Duration::from_secs);
                        test.destructive = destructive;
                        test.pools = only;
                        test
                    });
                let mut plan =
                    pools.into_iter().enumerate().fold(Plan::new(tests), |plan, (index, max)| {
                        plan.pool(PoolPlan::new(format!("p{index}"), max))
                    });
                plan.limits.reruns = reruns;
                plan.limits.infra_retries = infra;
                plan.limits.pool_failures = failures;
                Drawn {
                    plan,
                    choices: choices.iter().map(|choice| choice.index(1 << 20)).collect(),
                }
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_keep_the_promises(drawn in drawn()) {
        let mut world = World::new(drawn.plan);
        world.noisy = true;
        for choice in drawn.choices {
            let mut options = world.options();
            // An interrupt ends most of what is interesting, so it is rare.
            if choice % 50 != 0 {
                options.retain(|option| *option != Happening::Interrupt);
            }
            if options.is_empty() {
                break;
            }
            world.happen(options[choice % options.len()]);
        }
        world.check_replay();
        let moods = [None, Some(Answer::Unavailable), Some(Answer::Unfit), Some(Answer::Failed), Some(Answer::Infra), Some(Answer::Died)];
        for mood in moods {
            finish(world.clone(), mood);
        }
    }
}
