//! How many remotes there are, and of which kind: needs, spares, bad remotes, groups and gangs.

use atex_core::Facts;
use atex_sched::{Needs, Plan, PoolPlan};

use crate::script::{play, test, tests};

fn needs(dimension: &'static str, value: &'static str) -> Needs {
    Needs::new(format!("{dimension} == {value}"), move |facts: &Facts| {
        let values = facts.get(dimension);
        (!values.is_empty()).then(|| values.iter().any(|own| own == value))
    })
}

fn pool(name: &str, max: usize, fact: (&str, &str)) -> PoolPlan {
    PoolPlan::new(name, max).facts(Facts::new().with(fact.0, fact.1))
}

#[test]
fn what_no_pool_has_is_told_before_anything_is_asked_for() {
    let (arm, gpu) = (needs("arch", "arm"), needs("gpu", "yes"));
    let plan = Plan::new([
        test("/arm").needs(arm.clone()),
        test("/mips").needs(needs("arch", "mips")),
        test("/gpu").needs(gpu),
        test("/any"),
        test("/arm2").needs(arm),
    ]);
    let plan = plan.pool(pool("x86", 2, ("arch", "x86"))).pool(pool("arm", 1, ("arch", "arm")));
    let mut plan = plan.pool(pool("gpus", 1, ("gpu", "no")));
    plan.pools[0] = plan.pools[0].clone().facts(Facts::new().with("arch", "x86").with("gpu", "no"));
    plan.pools[1] = plan.pools[1].clone().facts(Facts::new().with("arch", "arm").with("gpu", "no"));
    let script = "
        0s start
        1s m1 up arch=arm
        1s m2 up arch=arm";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> conclude /gpu: not run (no pool has what it needs: gpu == yes); provision m1 from x86; provision m2 from arm; provision m3 from gpus
    1s m1 up arch=arm -> prepare m1
    1s m2 up arch=arm -> prepare m2
    "#);
}

#[test]
fn a_remote_may_turn_out_to_be_something_else() {
    let arm = needs("arch", "arm");
    let plan = Plan::new([test("/arm").needs(arm.clone()), test("/arm2").needs(arm)]);
    let mut plan = plan.pool(PoolPlan::new("mixed", 1));
    plan.limits.pool_failures = 3;
    let script = "
        0s start
        1s m1 up arch=x86
        1s m1 released
        2s m2 up arch=arm
        3s m2 ready
        4s m2 die
        4s m2 released
        5s m3 up arch=x86
        5s m3 released
        6s m4 up
        6s m4 released
        7s m5 up arch=x86
        7s m5 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from mixed
    1s m1 up arch=x86 -> release m1
    1s m1 released -> provision m2 from mixed
    2s m2 up arch=arm -> prepare m2
    3s m2 ready -> run /arm on m2
    4s m2 die -> release m2
    4s m2 released -> provision m3 from mixed
    5s m3 up arch=x86 -> release m3
    5s m3 released -> provision m4 from mixed
    6s m4 up -> release m4
    6s m4 released -> provision m5 from mixed
    7s m5 up arch=x86 -> conclude /arm: infra (boom); conclude /arm2: not run (pool mixed: none of 3 remotes has what it needs: arch == arm); release m5
    7s m5 released -> finish
    "#);
}

#[test]
fn spares_are_kept_for_what_may_come_back() {
    let plan = tests(&["/a", "/b"]).reruns(1).pool(PoolPlan::new("lab", 4).spares(1));
    let script = "
        0s start
        1s m1 up
        1s m2 up
        1s m3 up
        2s m1 ready
        2s m2 ready
        2s m3 ready
        3s m1 die
        4s m1 released
        5s m4 up
        5s m4 ready
        6s m2 pass
        7s m3 pass
        8s m2 released
        8s m3 released
        8s m4 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab; provision m3 from lab
    1s m1 up -> prepare m1
    1s m2 up -> prepare m2
    1s m3 up -> prepare m3
    2s m1 ready -> run /a on m1
    2s m2 ready -> run /b on m2
    2s m3 ready -> nothing
    3s m1 die -> release m1; run /a (attempt 2) on m3; provision m4 from lab
    4s m1 released -> nothing
    5s m4 up -> prepare m4
    5s m4 ready -> nothing
    6s m2 pass -> conclude /b: passed; release m4
    7s m3 pass -> conclude /a: passed; release m3; release m2
    8s m2 released -> nothing
    8s m3 released -> nothing
    8s m4 released -> finish
    "#);
}

#[test]
fn a_minimum_is_kept_while_there_is_something_to_do() {
    let plan = tests(&["/a", "/b", "/c"]).pool(PoolPlan::new("lab", 4).min(3));
    let script = "
        0s start
        1s m1 up
        2s m1 ready
        3s m1 pass
        4s m1 pass
        5s m2 up
        5s m2 ready
        6s m1 pass";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab; provision m3 from lab
    1s m1 up -> prepare m1
    2s m1 ready -> run /a on m1
    3s m1 pass -> conclude /a: passed; run /b on m1
    4s m1 pass -> conclude /b: passed; run /c on m1; withdraw m3
    5s m2 up -> prepare m2
    5s m2 ready -> nothing
    6s m1 pass -> conclude /c: passed; release m2; release m1
    "#);
}

#[test]
fn a_remote_on_which_tests_fail_that_pass_elsewhere_is_used_no_more() {
    let names = ["/a", "/b", "/c", "/d", "/e"];
    let mut plan = tests(&names).reruns(1).pool(PoolPlan::new("lab", 2));
    plan.limits.quarantine = 2;
    let script = "
        0s start
        0s m1 up bad
        0s m2 up good
        0s m1 ready
        0s m2 ready
        1s m1 fail
        2s m1 fail
        3s m2 pass
        4s m2 pass
        5s m2 pass
        6s m1 fail
        7s m1 released
        8s m3 up bad
        9s m2 pass
        9s m2 pass
        9s m2 released
        9s m3 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    0s m1 up bad -> prepare m1
    0s m2 up good -> prepare m2
    0s m1 ready -> run /a on m1
    0s m2 ready -> run /b on m2
    1s m1 fail -> run /c on m1
    2s m1 fail -> run /d on m1
    3s m2 pass -> conclude /b: passed; run /a (attempt 2) on m2
    4s m2 pass -> conclude /a: passed; run /c (attempt 2) on m2
    5s m2 pass -> quarantine m1 (2 tests failed on it that passed elsewhere); conclude /c: passed; run /e on m2
    6s m1 fail -> release m1
    7s m1 released -> provision m3 from lab
    8s m3 up bad -> quarantine m3 (it was found to be bad before)
    9s m2 pass -> conclude /e: passed; run /d (attempt 2) on m2
    9s m2 pass -> conclude /d: passed; release m2; release m3
    9s m2 released -> nothing
    9s m3 released -> finish
    "#);
}

#[test]
fn a_group_stays_on_its_remote_as_long_as_that_lasts() {
    let (one, two) = (test("/g/1").group("g"), test("/g/2").group("g"));
    let (three, more) = (test("/g/3").group("g").destructive(), test("/g/4").group("g"));
    let plan = Plan::new([one, test("/x 9"), two, three, more]).reruns(1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        0s m2 up
        0s m2 ready
        1s m2 fail
        2s m2 pass
        3s m1 pass
        4s m2 die
        4s m2 released
        5s m1 released
        6s m3 up
        6s m3 ready
        7s m3 pass
        7s m3 pass
        7s m3 released
        8s m4 up
        8s m4 ready
        9s m4 pass
        9s m4 released";
    insta::assert_snapshot!(play(plan.pool(PoolPlan::new("lab", 2)), script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /x on m1
    0s m2 up -> prepare m2
    0s m2 ready -> run /g/1 on m2
    1s m2 fail -> run /g/1 (attempt 2) on m2
    2s m2 pass -> conclude /g/1: passed; run /g/2 on m2
    3s m1 pass -> conclude /x: passed; release m1
    4s m2 die -> release m2
    4s m2 released -> provision m3 from lab
    5s m1 released -> nothing
    6s m3 up -> prepare m3
    6s m3 ready -> run /g/2 (attempt 2) on m3
    7s m3 pass -> conclude /g/2: passed; run /g/3 on m3
    7s m3 pass -> conclude /g/3: passed; release m3; provision m4 from lab
    7s m3 released -> nothing
    8s m4 up -> prepare m4
    8s m4 ready -> run /g/4 on m4
    9s m4 pass -> conclude /g/4: passed; release m4
    9s m4 released -> finish
    "#);
}

#[test]
fn what_is_left_of_a_group_is_concluded_with_the_run() {
    let group = ["/g/1", "/g/2", "/g/3"].map(|name| test(name).group("g"));
    let plan = Plan::new(group).pool(PoolPlan::new("lab", 1));
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 pass
        2s interrupt
        3s m1 fail
        4s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /g/1 on m1
    1s m1 pass -> conclude /g/1: passed; run /g/2 on m1
    2s interrupt -> stop the test on m1; conclude /g/3: not run (the run was interrupted)
    3s m1 fail -> conclude /g/2: failed; release m1
    4s m1 released -> finish
    "#);
}

fn net() -> Plan {
    let arm = needs("arch", "arm");
    Plan::new([
        test("/long 9"),
        test("/net/server").together("net", "server").needs(needs("arch", "x86")),
        test("/net/client").together("net", "client").needs(arm),
        test("/short 1"),
        test("/short2 1"),
    ])
}

#[test]
fn a_gang_gathers_its_remotes_and_starts_at_once() {
    let plan = net().pool(pool("x86", 1, ("arch", "x86"))).pool(pool("arm", 2, ("arch", "arm")));
    let script = "
        0s start
        1s m1 up arch=x86
        1s m2 up arch=arm
        1s m3 up arch=arm
        2s m1 ready
        2s m2 ready
        2s m3 ready
        3s m2 pass
        4s m3 pass
        5s m3 released
        6s m1 pass
        7s m1 pass
        8s m2 pass
        9s m1 released
        9s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from x86; provision m2 from arm; provision m3 from arm
    1s m1 up arch=x86 -> prepare m1
    1s m2 up arch=arm -> prepare m2
    1s m3 up arch=arm -> prepare m3
    2s m1 ready -> run /long on m1
    2s m2 ready -> run /short on m2
    2s m3 ready -> run /short2 on m3
    3s m2 pass -> conclude /short: passed
    4s m3 pass -> conclude /short2: passed; release m3
    5s m3 released -> nothing
    6s m1 pass -> conclude /long: passed; run /net/server on m1 as server; run /net/client on m2 as client
    7s m1 pass -> release m1
    8s m2 pass -> conclude /net/server: passed; conclude /net/client: passed; release m2
    9s m1 released -> nothing
    9s m2 released -> finish
    "#);
}

#[test]
fn a_gang_is_run_again_as_a_whole_when_one_of_it_dies() {
    let plan = Plan::new([
        test("/net/server").together("net", "server"),
        test("/net/client").together("net", "client"),
    ]);
    let script = "
        0s start
        1s m1 up
        1s m2 up
        2s m1 ready
        2s m2 ready
        3s m1 die
        4s m2 fail
        5s m1 released
        6s m3 up
        6s m3 lost
        7s m3 released
        8s wake
        9s m4 up
        9s m4 ready
        9s m4 pass
        9s m2 pass
        9s m2 released
        9s m4 released";
    insta::assert_snapshot!(play(plan.pool(PoolPlan::new("lab", 2)), script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    1s m1 up -> prepare m1
    1s m2 up -> prepare m2
    2s m1 ready -> nothing
    2s m2 ready -> run /net/server on m2 as server; run /net/client on m1 as client
    3s m1 die -> stop the test on m2; release m1
    4s m2 fail -> nothing
    5s m1 released -> provision m3 from lab
    6s m3 up -> prepare m3
    6s m3 lost -> wake at 7s; release m3
    7s m3 released -> provision m4 from lab
    8s wake -> nothing
    9s m4 up -> prepare m4
    9s m4 ready -> run /net/server (attempt 2) on m4 as server; run /net/client (attempt 2) on m2 as client
    9s m4 pass -> release m4
    9s m2 pass -> conclude /net/server: passed; conclude /net/client: passed; release m2
    9s m2 released -> nothing
    9s m4 released -> finish
    "#);
}

#[test]
fn a_gang_that_can_never_gather_is_told_at_once_and_one_that_cannot_any_more_then() {
    let gang = |name: &str, size: usize| {
        (0..size).map(|at| test(&format!("{name}/{at}")).together(name, "x")).collect::<Vec<_>>()
    };
    let tests = gang("/big", 3).into_iter().chain(gang("/small", 2)).chain([test("/one")]);
    let mut plan = Plan::new(tests).pool(PoolPlan::new("a", 1)).pool(PoolPlan::new("b", 1));
    plan.limits.pool_failures = 1;
    let script = "
        0s start
        1s m1 up
        1s m1 ready
        2s m2 unavailable
        3s m1 pass
        4s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> conclude /big/0: not run (it needs 3 remotes at once, and there cannot be as many that fit); conclude /big/1: not run (it needs 3 remotes at once, and there cannot be as many that fit); conclude /big/2: not run (it needs 3 remotes at once, and there cannot be as many that fit); provision m1 from a; provision m2 from b
    1s m1 up -> prepare m1
    1s m1 ready -> nothing
    2s m2 unavailable -> wake at 3s; conclude /small/0: not run (it needs 2 remotes at once, and there cannot be as many that fit); conclude /small/1: not run (it needs 2 remotes at once, and there cannot be as many that fit); run /one on m1
    3s m1 pass -> conclude /one: passed; release m1
    4s m1 released -> finish
    "#);
}
