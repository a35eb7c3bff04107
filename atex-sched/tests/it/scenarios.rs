//! What the scheduler does in situations that people can picture.

use atex_core::Facts;
use atex_sched::{Plan, PoolPlan};

use crate::script::{play, test, tests};

fn lab(plan: Plan, max: usize) -> Plan {
    plan.pool(PoolPlan::new("lab", max).facts(Facts::new().with("arch", "x86_64")))
}

#[test]
fn the_longest_goes_first_and_a_free_remote_takes_the_next() {
    let plan = lab(tests(&["/short 1", "/plain", "/long 9"]), 2);
    let script = "
        0s start
        1s m1 up
        2s m1 ready
        3s m2 up
        4s m2 ready
        5s m2 pass
        9s m1 fail
        9s m1 released
        9s m2 pass
        9s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    1s m1 up -> prepare m1
    2s m1 ready -> run /long on m1
    3s m2 up -> prepare m2
    4s m2 ready -> run /short on m2
    5s m2 pass -> conclude /short: passed; run /plain on m2
    9s m1 fail -> conclude /long: failed; release m1
    9s m1 released -> nothing
    9s m2 pass -> conclude /plain: passed; release m2
    9s m2 released -> finish
    "#);
}

#[test]
fn a_failed_test_runs_again_and_preferably_elsewhere() {
    let plan = lab(tests(&["/flaky 9", "/b", "/c"]), 2).reruns(1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        0s m2 up
        0s m2 ready
        5s m1 fail
        6s m2 pass
        7s m1 pass
        7s m2 fail
        8s m2 released
        8s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /flaky on m1
    0s m2 up -> prepare m2
    0s m2 ready -> run /b on m2
    5s m1 fail -> run /c on m1
    6s m2 pass -> conclude /b: passed; run /flaky (attempt 2) on m2
    7s m1 pass -> conclude /c: passed; release m1
    7s m2 fail -> conclude /flaky: failed; release m2
    8s m2 released -> nothing
    8s m1 released -> finish
    "#);
}

#[test]
fn the_only_remote_runs_it_again_itself() {
    let plan = lab(tests(&["/flaky"]), 2).reruns(1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        5s m1 fail
        6s m1 pass
        7s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /flaky on m1
    5s m1 fail -> run /flaky (attempt 2) on m1
    6s m1 pass -> conclude /flaky: passed; release m1
    7s m1 released -> finish
    "#);
}

#[test]
fn a_test_is_run_once_for_each_platform_that_it_is_wanted_on() {
    let (here, there) = (test("/a").wanted_on("fedora"), test("/a").wanted_on("rhel"));
    // The second for the same platform, and one that any would do for: each is there already.
    let again = [test("/a").wanted_on("rhel"), test("/a")];
    let tests = [here, there, test("/b"), test("/a").wanted_on("suse")].into_iter().chain(again);
    let plan = Plan::new(tests).pool(PoolPlan::new("lab", 1).platform("rhel"));
    let plan = plan.pool(PoolPlan::new("cloud", 1).platform("fedora")).reruns(1);
    let script = "
        0s start
        1s m1 up
        1s m1 ready
        2s m2 up
        2s m2 ready
        3s m2 fail
        4s m1 pass
        5s m2 pass
        6s m1 released
        7s m2 pass
        8s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> conclude /a on suse: not run (no pool of the platform suse can run it); provision m1 from lab; provision m2 from cloud
    1s m1 up -> prepare m1
    1s m1 ready -> run /a on rhel on m1
    2s m2 up -> prepare m2
    2s m2 ready -> run /a on fedora on m2
    3s m2 fail -> run /b on m2
    4s m1 pass -> conclude /a on rhel: passed; release m1
    5s m2 pass -> conclude /b: passed; run /a on fedora (attempt 2) on m2
    6s m1 released -> nothing
    7s m2 pass -> conclude /a on fedora: passed; release m2
    8s m2 released -> finish
    "#);
}

#[test]
fn a_remote_that_dies_is_replaced_and_its_test_is_not_lost() {
    let plan = lab(tests(&["/a"]), 1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        5s m1 die
        6s m1 released
        7s m2 up
        8s m2 ready
        9s m2 die
        9s m2 released
        9s m3 up
        9s m3 ready
        9s m3 die
        9s m3 stuck";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /a on m1
    5s m1 die -> release m1
    6s m1 released -> provision m2 from lab
    7s m2 up -> prepare m2
    8s m2 ready -> run /a (attempt 2) on m2
    9s m2 die -> release m2
    9s m2 released -> provision m3 from lab
    9s m3 up -> prepare m3
    9s m3 ready -> run /a (attempt 3) on m3
    9s m3 die -> conclude /a: infra (boom); release m3
    9s m3 stuck -> finish
    "#);
}

#[test]
fn a_destructive_test_costs_a_remote_which_is_replaced_only_if_needed() {
    let plan = lab(
        Plan::new([test("/first 9").destructive(), test("/second"), test("/third").destructive()]),
        1,
    );
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 pass
        2s m1 released
        3s m2 up
        3s m2 ready
        4s m2 pass
        5s m2 pass
        6s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /first on m1
    1s m1 pass -> conclude /first: passed; release m1
    2s m1 released -> provision m2 from lab
    3s m2 up -> prepare m2
    3s m2 ready -> run /second on m2
    4s m2 pass -> conclude /second: passed; run /third on m2
    5s m2 pass -> conclude /third: passed; release m2
    6s m2 released -> finish
    "#);
}

#[test]
fn what_nobody_needs_any_more_is_withdrawn_or_released() {
    let plan = lab(tests(&["/a", "/b", "/c", "/d"]), 4);
    let script = "
        0s start
        0s m1 up
        0s m2 up
        0s m3 up
        0s m1 ready
        1s m1 pass
        2s m1 pass
        3s m1 pass
        4s m4 up
        4s m3 released
        5s m2 ready
        6s m1 pass
        7s m4 released
        7s m2 released
        7s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab; provision m3 from lab; provision m4 from lab
    0s m1 up -> prepare m1
    0s m2 up -> prepare m2
    0s m3 up -> prepare m3
    0s m1 ready -> run /a on m1
    1s m1 pass -> conclude /a: passed; run /b on m1; withdraw m4
    2s m1 pass -> conclude /b: passed; run /c on m1; release m3
    3s m1 pass -> conclude /c: passed; run /d on m1; release m2
    4s m4 up -> release m4
    4s m3 released -> nothing
    5s m2 ready -> nothing
    6s m1 pass -> conclude /d: passed; release m1
    7s m4 released -> nothing
    7s m2 released -> nothing
    7s m1 released -> finish
    "#);
}

#[test]
fn a_pool_that_fails_rests_longer_each_time_and_is_given_up() {
    let mut plan = lab(tests(&["/a", "/b"]), 2);
    plan.limits.pool_failures = 3;
    let script = "
        0s start
        1s m1 unavailable
        1s m2 unavailable
        2s wake
        3s m3 up
        3s m4 unavailable
        3s m3 unfit
        4s m3 released
        5s wake
        6s m5 taken
        6s m6 taken
        36s wake
        37s m7 unavailable
        38s m8 unavailable";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    1s m1 unavailable -> wake at 2s
    1s m2 unavailable -> nothing
    2s wake -> provision m3 from lab; provision m4 from lab
    3s m3 up -> prepare m3
    3s m4 unavailable -> wake at 5s
    3s m3 unfit -> release m3
    4s m3 released -> nothing
    5s wake -> provision m5 from lab; provision m6 from lab
    6s m5 taken -> wake at 36s
    6s m6 taken -> nothing
    36s wake -> provision m7 from lab; provision m8 from lab
    37s m7 unavailable -> wake at 41s
    38s m8 unavailable -> conclude /a: not run (pool lab: boom); conclude /b: not run (pool lab: boom); finish
    "#);
}

#[test]
fn a_pool_that_is_set_up_wrongly_is_given_up_at_once_and_others_do_its_work() {
    let plan = Plan::new([test("/any"), test("/arm").only([0]), test("/nowhere").only([])]);
    let plan = plan.pool(PoolPlan::new("arm", 2)).pool(PoolPlan::new("x86", 2));
    let script = "
        0s start
        1s m1 misconfigured
        2s m2 unavailable
        3s m3 up
        4s m3 ready
        5s m3 pass
        6s m3 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> conclude /nowhere: not run (no pool can run it); provision m1 from arm; provision m2 from arm
    1s m1 misconfigured -> provision m3 from x86
    2s m2 unavailable -> conclude /arm: not run (pool arm: no such image)
    3s m3 up -> prepare m3
    4s m3 ready -> run /any on m3
    5s m3 pass -> conclude /any: passed; release m3
    6s m3 released -> finish
    "#);
}

#[test]
fn a_pool_with_a_remote_that_works_is_not_given_up() {
    let mut plan = lab(tests(&["/a", "/b"]), 2);
    plan.limits.pool_failures = 1;
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m2 unavailable
        2s wake
        2s m3 unavailable
        3s m1 die
        3s m1 released
        9s wake
        9s m4 up";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /a on m1
    1s m2 unavailable -> wake at 2s
    2s wake -> provision m3 from lab
    2s m3 unavailable -> wake at 4s
    3s m1 die -> release m1
    3s m1 released -> nothing
    9s wake -> provision m4 from lab; provision m5 from lab
    9s m4 up -> prepare m4
    "#);
}

#[test]
fn an_interrupted_run_stops_tests_and_gives_everything_back() {
    let plan = lab(tests(&["/a", "/b", "/c", "/d"]), 3).reruns(1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        0s m2 up
        1s m1 fail
        2s interrupt
        3s m3 withdrawn
        3s m2 ready
        3s interrupt
        4s m2 released
        5s m1 die
        6s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab; provision m3 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /a on m1
    0s m2 up -> prepare m2
    1s m1 fail -> run /b on m1
    2s interrupt -> stop the test on m1; conclude /a: failed (the run was interrupted); conclude /c: not run (the run was interrupted); conclude /d: not run (the run was interrupted); withdraw m3; release m2
    3s m3 withdrawn -> nothing
    3s m2 ready -> nothing
    3s interrupt -> nothing
    4s m2 released -> nothing
    5s m1 die -> conclude /b: infra (boom); release m1
    6s m1 released -> finish
    "#);
}

#[test]
fn a_run_of_nothing_is_over_at_once() {
    insta::assert_snapshot!(play(lab(tests(&[]), 3), "0s start"), @"0s start -> finish");
}

#[test]
fn a_pool_that_denies_access_is_asked_once() {
    let plan = lab(tests(&["/a", "/b"]), 2);
    let script = "
        0s start
        1s m1 denied
        1s m2 denied";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    1s m1 denied -> nothing
    1s m2 denied -> conclude /a: not run (pool lab: it is no use); conclude /b: not run (pool lab: it is no use); finish
    "#);
}

#[test]
fn a_remote_that_no_other_could_do_better_than_is_not_replaced() {
    let plan = lab(tests(&["/a", "/b"]), 2);
    let script = "
        0s start
        0s m1 up
        0s m2 up
        1s m1 unpreparable
        2s m2 ready
        3s m1 released
        4s m2 pass
        5s m2 pass
        6s m2 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab; provision m2 from lab
    0s m1 up -> prepare m1
    0s m2 up -> prepare m2
    1s m1 unpreparable -> release m1
    2s m2 ready -> run /a on m2
    3s m1 released -> nothing
    4s m2 pass -> conclude /a: passed; run /b on m2
    5s m2 pass -> conclude /b: passed; release m2
    6s m2 released -> finish
    "#);
}

#[test]
fn trouble_of_this_machine_costs_no_remote_and_is_not_tried_again() {
    let plan = lab(tests(&["/a", "/b"]), 1).reruns(1);
    let script = "
        0s start
        0s m1 up
        0s m1 ready
        1s m1 full
        2s m1 pass
        3s m1 released";
    insta::assert_snapshot!(play(plan, script), @r#"
    0s start -> provision m1 from lab
    0s m1 up -> prepare m1
    0s m1 ready -> run /a on m1
    1s m1 full -> conclude /a: infra (it is no use); run /b on m1
    2s m1 pass -> conclude /b: passed; release m1
    3s m1 released -> finish
    "#);
}
