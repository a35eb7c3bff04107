//! What policies make of a queue: which test goes where, and what comes after it.

use std::time::Duration;

use atex_core::{Attempt, Outcome, Verdict};
use atex_sched::{
    Affinity, AfterTest, Bespoke, Candidate, Delays, Order, Plan, Policy, PoolPlan, Rank,
    RemoteView, Standard, TestIndex, TestPlan, Waiting, simulate,
};

use crate::script::{play, test, tests};

/// The order in which a single remote of a pool runs these tests.
fn order(plan: Plan) -> String {
    let passes = |_: &Attempt| Outcome::new(Verdict::Passed, Duration::from_secs(1));
    let plan = plan.pool(PoolPlan::new("lab", 1));
    let spans = simulate(plan, Delays::default(), passes).spans;
    let names: Vec<String> = spans.iter().map(|span| span.attempt.to_string()).collect();
    names.join(" ")
}

fn some() -> Plan {
    let failed = |mut plan: TestPlan| {
        plan.failed_last = true;
        plan
    };
    Plan::new([
        test("/net/a 1"),
        test("/disk/b 9").destructive(),
        test("/net/c"),
        failed(test("/disk/d 2")),
        test("/net/e 5").priority(-1),
        failed(test("/cpu/f")).priority(7).label("x"),
        test("/disk/g 5").label("x"),
    ])
}

#[test]
fn ready_made_orders_go_together() {
    let cases = [
        ("usual", Standard::new()),
        ("longest", Standard::by([Order::Longest])),
        ("shortest", Standard::by([Order::Shortest])),
        ("destructive last, longest", Standard::by([Order::DestructiveLast, Order::Longest])),
        ("folder", Standard::by([Order::Affinity(Affinity::Folder)])),
        ("priority, folder", Standard::by([Order::Priority, Order::Affinity(Affinity::Folder)])),
        ("longest, folder", Standard::by([Order::Longest, Order::Affinity(Affinity::Folder)])),
        ("label, longest", Standard::by([Order::Affinity(Affinity::Label), Order::Longest])),
        ("failed, priority", Standard::by([Order::FailedFirst, Order::Priority])),
        ("nothing", Standard::by([])),
    ];
    let lines = cases.map(|(name, policy)| format!("{name}: {}", order(some().policy(policy))));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    usual: /cpu/f /disk/d /disk/b /disk/g /net/a /net/c /net/e
    longest: /disk/b /net/e /disk/g /disk/d /net/a /net/c /cpu/f
    shortest: /net/a /disk/d /net/e /disk/g /disk/b /net/c /cpu/f
    destructive last, longest: /net/e /disk/g /disk/d /net/a /net/c /cpu/f /disk/b
    folder: /net/a /net/c /net/e /disk/b /disk/d /disk/g /cpu/f
    priority, folder: /cpu/f /net/a /net/c /disk/b /disk/d /disk/g /net/e
    longest, folder: /disk/b /net/e /disk/g /disk/d /net/a /net/c /cpu/f
    label, longest: /disk/b /net/e /disk/g /cpu/f /disk/d /net/a /net/c
    failed, priority: /cpu/f /disk/d /net/a /disk/b /net/c /disk/g /net/e
    nothing: /net/a /disk/b /net/c /disk/d /net/e /cpu/f /disk/g
    "#);
}

/// The same choice, made by looking at every test: what the policies that pick in O(log n) must agree with.
#[derive(Debug)]
struct Scan(Standard, Option<Affinity>);

impl Policy for Scan {
    fn rank(&self, test: &Candidate<'_>) -> Rank {
        self.0.rank(test)
    }

    fn next_test(&self, remote: &RemoteView<'_>, waiting: &Waiting<'_>) -> Option<TestIndex> {
        let kin = |test: &TestPlan| match &self.1 {
            Some(Affinity::Label) => test.label.as_ref().map(ToString::to_string),
            _ => test.name.as_str().rsplit_once('/').map(|(folder, _)| folder.to_owned()),
        };
        let last = remote.last.and_then(kin);
        let best = |test: &Candidate<'_>| {
            let like = !test.is_avoided() && last.is_some() && kin(test.plan) == last;
            (
                test.is_avoided(),
                test.rank().0[0],
                like,
                test.rank().0[1],
                std::cmp::Reverse(test.index),
            )
        };
        waiting
            .iter()
            .max_by_key(|test| {
                let (avoided, first, like, second, index) = best(test);
                (!avoided, first, like, second, index)
            })
            .map(|test| test.index)
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn quick_picks_are_those_of_a_scan(
        drawn in proptest::collection::vec((0..3_i64, 0..3_usize, proptest::option::of(0..4_u64), proptest::bool::ANY), 1..20),
        label in proptest::bool::ANY,
    ) {
        let affinity = if label { Affinity::Label } else { Affinity::Folder };
        let plan = || Plan::new(drawn.iter().enumerate().map(|(index, (priority, folder, length, fails))| {
            let name = format!("/{}/{index}{}", ["a", "b", "c"][*folder], if *fails { "x" } else { "" });
            let mut plan = test(&name).priority(*priority).label(["k", "l", "m"][(index + folder) % 3]);
            plan.duration = length.map(Duration::from_secs);
            plan
        })).pool(PoolPlan::new("lab", 2)).reruns(1);
        let how = |attempt: &Attempt| {
            let fails = attempt.number == 1 && attempt.test.as_str().ends_with('x');
            let verdict = if fails { Verdict::Failed } else { Verdict::Passed };
            Outcome::new(verdict, Duration::from_secs(1 + attempt.test.as_str().len() as u64 % 3))
        };
        let parts = || [Order::Priority, Order::Affinity(affinity.clone()), Order::Longest];
        let quick = simulate(plan().policy(Standard::by(parts())), Delays::default(), how);
        let scan = Scan(Standard::by([Order::Priority, Order::Longest]), Some(affinity.clone()));
        let slow = simulate(plan().policy(scan), Delays::default(), how);
        proptest::prop_assert_eq!(quick.spans, slow.spans);
    }
}

#[test]
fn a_note_on_the_remote_draws_tests() {
    let policy = Standard::by([Order::Affinity(Affinity::Note("snapshot".into())), Order::Longest]);
    let plan = Plan::new([test("/a 9"), test("/b 5"), test("/c 1").label("setup")]).policy(policy);
    let script = "
        0s start
        1s m1 up
        2s m1 ready
        3s m1 noted snapshot=setup
        3s m1 pass
        4s m1 pass";
    insta::assert_snapshot!(play(plan.pool(PoolPlan::new("lab", 1)), script), @r#"
    0s start -> provision m1 from lab
    1s m1 up -> prepare m1
    2s m1 ready -> run /a on m1
    3s m1 noted snapshot=setup -> nothing
    3s m1 pass -> conclude /a: passed; run /c on m1
    4s m1 pass -> conclude /c: passed; run /b on m1
    "#);
}

#[test]
fn exit_codes_may_be_destructive_and_remotes_rolled_back() {
    let policy = Standard::new().destructive_exit_codes([2]).roll_back();
    let plan = tests(&["/a", "/b", "/c", "/d"]).policy(policy).pool(PoolPlan::new("lab", 1));
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 exits 0
        2s m1 exits 2
        3s m1 rolled
        4s m1 ready
        5s m1 exits 2
        6s m1 lost
        7s m1 released
        8s m2 up
        8s m2 ready
        9s m2 exits 2
        9s m2 rolled
        9s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /a on m1
    1s m1 exits 0 -> conclude /a: passed; run /b on m1
    2s m1 exits 2 -> conclude /b: passed; roll back m1
    3s m1 rolled -> prepare m1
    4s m1 ready -> run /c on m1
    5s m1 exits 2 -> conclude /c: passed; roll back m1
    6s m1 lost -> release m1
    7s m1 released -> provision m2 from lab
    8s m2 up -> prepare m2
    8s m2 ready -> run /d on m2
    9s m2 exits 2 -> conclude /d: passed; roll back m2
    9s m2 rolled -> release m2
    9s m2 released -> finish
    "#);
}

#[test]
fn closures_decide_what_they_want_to() {
    let policy = Bespoke::around(Standard::by([Order::Longest]))
        .applicable(|test, remote| test.plan.name.as_str() != "/old" || remote.ran > 0)
        .fitness(|test, remote| {
            Some(i64::from(test.plan.name.as_str() == "/fresh" && remote.ran == 0))
        })
        .should_rerun(|ended| ended.attempts < 2 && ended.test.name.as_str() == "/c")
        .after_test(|ended| match ended.remote.ran {
            0..3 => AfterTest::Keep,
            _ => AfterTest::Discard,
        });
    let plan = tests(&["/c 3", "/old 9", "/fresh 1"]).policy(policy).pool(PoolPlan::new("lab", 1));
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 pass
        2s m1 pass
        3s m1 pass
        3s m1 released
        4s m2 up
        5s m2 ready
        6s m2 pass
        7s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /fresh on m1
    1s m1 pass -> conclude /fresh: passed; run /old on m1
    2s m1 pass -> conclude /old: passed; run /c on m1
    3s m1 pass -> release m1
    3s m1 released -> provision m2 from lab
    4s m2 up -> prepare m2
    5s m2 ready -> run /c (attempt 2) on m2
    6s m2 pass -> conclude /c: passed; release m2
    7s m2 released -> finish
    "#);
}

#[test]
fn a_policy_that_says_no_to_everything_does_not_keep_the_run_from_its_end() {
    let policy = Bespoke::new().applicable(|_, _| false);
    let mut plan = tests(&["/a", "/b"]).policy(policy).pool(PoolPlan::new("lab", 1));
    plan.limits.pool_failures = 2;
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 released
        2s m2 up
        2s m2 ready
        3s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> release m1
    1s m1 released -> provision m2 from lab
    2s m2 up -> prepare m2
    2s m2 ready -> release m2; conclude /a: not run (pool lab: the policy gave it to none of its remotes); conclude /b: not run (pool lab: the policy gave it to none of its remotes)
    3s m2 released -> finish
    "#);
}

/// Panics, or says what makes no sense, wherever it is asked.
#[derive(Debug)]
struct Mad(bool);

impl Policy for Mad {
    fn rank(&self, _: &Candidate<'_>) -> Rank {
        panic!("no rank")
    }

    fn next_test(&self, _: &RemoteView<'_>, _: &Waiting<'_>) -> Option<TestIndex> {
        assert!(self.0, "no test");
        Some(99)
    }

    fn should_rerun(&self, _: &atex_sched::Ended<'_>) -> bool {
        panic!("no rerun")
    }

    fn after_test(&self, _: &atex_sched::Ended<'_>) -> AfterTest {
        panic!("no after")
    }
}

#[test]
fn a_policy_that_panics_or_lies_is_made_up_for() {
    for nonsense in [true, false] {
        let made_up = order(some().policy(Mad(nonsense)).reruns(1));
        assert_eq!(made_up, order(some().reruns(1)));
    }
}

#[test]
fn a_policy_that_always_reruns_comes_to_an_end() {
    let policy = Bespoke::new().should_rerun(|_| true);
    let mut plan = tests(&["/a"]).policy(policy);
    plan.limits.attempts = 5;
    insta::assert_snapshot!(order(plan), @r#"/a /a (attempt 2) /a (attempt 3) /a (attempt 4) /a (attempt 5)"#);
}
