//! The driver with fakes, under a paused clock.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use atex_core::testkit::fake::{
    FakeAggregator, FakeExecutor, FakeProvisioner, FakeRun, Fate, RecordingSink,
};
use atex_core::{
    CancellationToken, Error, Facts, Failure, Fault, Provisioner, Retry, RunEvent, Test, TestName,
    TestSuite, Verdict,
};
use atex_sched::{Deadlines, OpenLeases, Plan, Pool, Run, Scheduler, Standard, Summary};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn suite(names: &[&str]) -> TestSuite {
    TestSuite::new(names.iter().map(|name| (TestName::new(name).unwrap(), Test::new("true"))))
}

/// A run of these tests on fakes, with everything that the tests want to look at.
struct Bench {
    pool: FakeProvisioner,
    executor: FakeExecutor,
    aggregator: FakeAggregator,
    sink: RecordingSink,
    leases: Arc<OpenLeases>,
    cancel: CancellationToken,
    dir: TempDir,
}

impl Bench {
    fn new(pool: FakeProvisioner, executor: FakeExecutor) -> Self {
        Self {
            pool,
            executor,
            aggregator: FakeAggregator::new("memory"),
            sink: RecordingSink::new(),
            leases: Arc::new(OpenLeases::new()),
            cancel: CancellationToken::new(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn run(&self, tests: &[&str]) -> Run {
        Run::new(suite(tests), Arc::new(self.executor.clone()), self.dir.path())
            .pool(Pool::new("lab", Arc::new(self.pool.clone())).max(2))
            .aggregator(Arc::new(self.aggregator.clone()))
            .sink(Arc::new(self.sink.clone()))
            .sink(self.leases.clone())
            .cancel(self.cancel.clone())
    }

    /// What must hold after any run: everything was given back, everybody was told once, and the journal says the same.
    fn check(&self, plan: Plan, summary: &Summary) {
        let counts = self.pool.counts();
        assert_eq!((counts.out, counts.shutdowns), (0, 1), "{counts:?}");
        assert_eq!(counts.provisioned, counts.released);
        assert_eq!(self.leases.all().len(), summary.left_behind.len());
        assert_eq!(self.executor.counts().running, 0);
        assert_eq!(self.aggregator.finished(), 1);
        assert_eq!(summary.conclusions.len(), plan.tests.len());
        assert_eq!(
            self.sink.count(|event| matches!(event, RunEvent::TestConcluded { .. })),
            plan.tests.len()
        );
        let events = self.sink.events();
        assert!(events.is_sorted_by_key(|(at, _)| *at));
        assert!(matches!(events.last(), Some((_, RunEvent::RunFinished))));
        let mut scheduler = Scheduler::new(plan);
        let actions: Vec<_> =
            events.iter().flat_map(|(at, event)| scheduler.on(*at, event)).collect();
        assert_eq!(
            actions.last(),
            Some(&atex_sched::Action::Finish),
            "the journal replays to the end"
        );
    }
}

/// One line per event, as people would tell it.
fn transcript(sink: &RecordingSink) -> String {
    let mut text = String::new();
    for (at, event) in sink.events() {
        let line = match event {
            RunEvent::RunStarted { tests, pools } => {
                format!("{} tests, {} pools", tests.len(), pools.len())
            }
            RunEvent::RemoteRequested { remote, pool } => format!("{remote} requested from {pool}"),
            RunEvent::Leased { remote, lease } => format!("{remote} leased as {lease}"),
            RunEvent::RemoteProvisioned { remote, name, .. } => format!("{remote} is up: {name}"),
            RunEvent::ProvisionFailed { remote, failure } => format!("{remote} failed: {failure}"),
            RunEvent::ProvisionWithdrawn { remote } => format!("{remote} withdrawn"),
            RunEvent::RemotePrepared { remote } => format!("{remote} ready"),
            RunEvent::PrepareFailed { remote, failure } => format!("{remote} unfit: {failure}"),
            RunEvent::RemoteNoted { remote, notes } => format!("{remote} noted: {notes:?}"),
            RunEvent::RemoteRolledBack { remote } => format!("{remote} is as before"),
            RunEvent::RemoteQuarantined { remote, reason } => format!("{remote} is bad: {reason}"),
            RunEvent::RemoteLost { remote, failure } => format!("{remote} lost: {failure}"),
            RunEvent::TestStarted { remote, attempt } => format!("{remote} runs {attempt}"),
            RunEvent::BarrierReached { remote, attempt, barrier } => {
                format!("{remote}: {attempt} is at {barrier}")
            }
            RunEvent::TestEnded { remote, attempt, outcome, failure } => {
                let failure = failure.map(|failure| format!(", {failure}")).unwrap_or_default();
                format!("{remote} ran {attempt}: {}{failure}", outcome.verdict)
            }
            RunEvent::IngestFailed { attempt, failure } => {
                format!("{attempt} not filed: {failure}")
            }
            RunEvent::TestConcluded { test, verdict, attempts, .. } => {
                format!("{test} concluded: {verdict} after {attempts}")
            }
            RunEvent::RemoteReleased { remote } => format!("{remote} released"),
            RunEvent::ReleaseFailed { remote, failure } => {
                format!("{remote} not released: {failure}")
            }
            RunEvent::Restarted => "restarted".to_owned(),
            RunEvent::Interrupted => "interrupted".to_owned(),
            RunEvent::TimePassed => "time passed".to_owned(),
            RunEvent::RunFinished => "finished".to_owned(),
        };
        writeln!(text, "{}s {line}", at.as_secs_f32()).unwrap();
    }
    text
}

fn verdicts(summary: &Summary) -> String {
    let lines: Vec<String> = summary
        .conclusions
        .iter()
        .map(|conclusion| format!("{conclusion}, {} attempts", conclusion.attempts))
        .collect();
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn a_run_from_the_first_request_to_the_last_release() {
    let executor = FakeExecutor::new()
        .prepare_time(2 * SECOND)
        .test("/long", [FakeRun::passes().after(30 * SECOND)])
        .test("/flaky", [FakeRun::fails().after(SECOND), FakeRun::passes().after(SECOND)])
        .test("/broken", [FakeRun::fails().after(4 * SECOND)]);
    let offers = Facts::new().with("distro", "f99").with("arch", "s390x");
    let bench =
        Bench::new(FakeProvisioner::new("z").provision_time(10 * SECOND).offers(offers), executor);
    let run = bench.run(&["/long", "/flaky", "/broken"]).reruns(1);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 3 tests, 1 pools
    0s m1 requested from lab
    0s m2 requested from lab
    10s m1 leased as fake z-1
    10s m2 leased as fake z-2
    10s m1 is up: z-1
    10s m2 is up: z-2
    12s m1 ready
    12s m1 runs /long
    12s m2 ready
    12s m2 runs /flaky
    13s m2 ran /flaky: failed
    13s m2 runs /broken
    17s m2 ran /broken: failed
    17s m2 runs /flaky (attempt 2)
    18s m2 ran /flaky (attempt 2): passed
    18s m2 runs /broken (attempt 2)
    18s /flaky concluded: passed after 2
    22s m2 ran /broken (attempt 2): failed
    22s /broken concluded: failed after 2
    22s m2 released
    42s m1 ran /long: passed
    42s /long concluded: passed after 1
    42s m1 released
    42s finished
    "#);
    insta::assert_snapshot!(verdicts(&summary), @r#"
    /flaky: passed, 2 attempts
    /broken: failed, 2 attempts
    /long: passed, 1 attempts
    "#);
    assert_eq!(summary.wall, 42 * SECOND);
    assert_eq!(summary.worst(), Some(Verdict::Failed));
    // What is filed is the attempt that counts; the others are still in the folder.
    let filed: Vec<_> = bench
        .aggregator
        .taken()
        .iter()
        .map(|one| (one.test.to_string(), one.outcome.verdict))
        .collect();
    let expected =
        [("/flaky", Verdict::Passed), ("/broken", Verdict::Failed), ("/long", Verdict::Passed)];
    assert_eq!(filed, expected.map(|(test, verdict)| (test.to_owned(), verdict)));
    for attempt in ["flaky/attempt-1", "flaky/attempt-2", "broken/attempt-2", "long/attempt-1"] {
        assert!(
            bench.dir.path().join("f99@s390x").join(attempt).join("results").is_file(),
            "{attempt}"
        );
    }
    assert_eq!((bench.executor.counts().started, bench.executor.counts().stopped), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_cannot_be_rolled_back_is_replaced() {
    let bench = Bench::new(FakeProvisioner::new("lab").max(1), FakeExecutor::new());
    let run = bench.run(&["/a", "/b"]).policy(Standard::new().roll_back());
    let run = run.each_test(|plan, _| plan.destructive = plan.name.as_str() == "/a");
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 2 tests, 1 pools
    0s m1 requested from lab
    0s m1 leased as fake lab-1
    0s m1 is up: lab-1
    0s m1 ready
    0s m1 runs /a
    0s m1 ran /a: passed
    0s /a concluded: passed after 1
    0s m1 lost: lab-1 does not support going back to how it was handed out
    0s m1 released
    0s m2 requested from lab
    0s m2 leased as fake lab-2
    0s m2 is up: lab-2
    0s m2 ready
    0s m2 runs /b
    0s m2 ran /b: passed
    0s /b concluded: passed after 1
    0s m2 released
    0s finished
    "#);
}

#[tokio::test(start_paused = true)]
async fn each_platform_runs_its_own_tests_by_its_own_executor() {
    let (here, there) = (FakeProvisioner::new("here").max(1), FakeProvisioner::new("there").max(1));
    let other = FakeExecutor::new().test("/both", [FakeRun::fails()]);
    let bench = Bench::new(here, FakeExecutor::new());
    let work = (suite(&["/both", "/there"]), Arc::new(other.clone()));
    let run =
        Run::new(suite(&["/both", "/here"]), Arc::new(bench.executor.clone()), bench.dir.path())
            .pool(Pool::new("one", Arc::new(bench.pool.clone())))
            .pool(Pool::new("two", Arc::new(there)).work(work.0, work.1).platform("p2"))
            .every_platform()
            .sink(Arc::new(bench.sink.clone()));
    let summary = run.run().await.unwrap();
    let mut said: Vec<String> = summary.conclusions.iter().map(ToString::to_string).collect();
    said.sort();
    assert_eq!(
        said,
        [
            "/both on one: passed",
            "/both on p2: failed",
            "/here on one: passed",
            "/there on p2: passed"
        ]
    );
    assert_eq!((bench.executor.counts().runs, other.counts().runs), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn tests_of_a_gang_start_at_once() {
    let pool = FakeProvisioner::new("lab").max(3);
    let bench = Bench::new(pool, FakeExecutor::new().usually(FakeRun::passes().after(SECOND)));
    let run = bench.run(&["/alone", "/net/server", "/net/client"]);
    let run = run.each_test(|plan, _| {
        if let Some(role) = plan.name.as_str().strip_prefix("/net/") {
            *plan = plan.clone().together("net", role);
        }
    });
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    let began: Vec<f32> = bench
        .sink
        .events()
        .iter()
        .filter(|(_, event)| matches!(event, RunEvent::TestStarted { attempt, .. } if attempt.test.as_str() != "/alone"))
        .map(|(at, _)| at.as_secs_f32())
        .collect();
    assert_eq!(began.len(), 2);
    assert!((began[0] - began[1]).abs() < 0.01, "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_remote_is_replaced() {
    let executor = FakeExecutor::new()
        .test("/a", [FakeRun::loses_remote().after(5 * SECOND), FakeRun::passes()]);
    let bench = Bench::new(FakeProvisioner::new("lab"), executor);
    let run = bench.run(&["/a"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 1 tests, 1 pools
    0s m1 requested from lab
    0s m1 leased as fake lab-1
    0s m1 is up: lab-1
    0s m1 ready
    0s m1 runs /a
    5s m1 ran /a: infra, connection to lab-1 was lost: closed by its owner
    5s m2 requested from lab
    5s m2 leased as fake lab-2
    5s m2 is up: lab-2
    5s m1 released
    5s m2 ready
    5s m2 runs /a (attempt 2)
    5s m2 ran /a (attempt 2): passed
    5s /a concluded: passed after 2
    5s m2 released
    5s finished
    "#);
    // Nobody asks a session to stop on a remote that cannot be reached.
    assert_eq!((bench.executor.counts().stopped, bench.executor.counts().dropped), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn panics_and_hangs_of_backends_are_infrastructure_failures() {
    let executor = FakeExecutor::new()
        .starts([Fate::Panics, Fate::Hangs])
        .stops([Fate::Hangs, Fate::Panics])
        .test("/panics", [FakeRun::panics()]);
    let pool = FakeProvisioner::new("lab")
        .provisions([Fate::Panics, Fate::Hangs])
        .releases([Fate::Fails(Failure::infra("disk is busy"))]);
    let bench = Bench::new(pool, executor);
    let mut deadlines = Deadlines::default();
    deadlines.provision = Some(60 * SECOND);
    let run = bench.run(&["/a", "/panics", "/b"]).deadlines(deadlines);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 3 tests, 1 pools
    0s m1 requested from lab
    0s m2 requested from lab
    0s m1 failed: provisioning m1: panicked: lab panics, as it was told to
    1s time passed
    1s m3 requested from lab
    1s m3 leased as fake lab-1
    1s m3 is up: lab-1
    1s m3 unfit: preparing lab-1: panicked: lab-1 panics, as it was told to
    1s m3 not released: lab-1: lab-1: disk is busy
    3s time passed
    3s m4 requested from lab
    3s m4 leased as fake lab-2
    3s m4 is up: lab-2
    60s m2 failed: provisioning m2 took longer than 1m00s
    60s m5 requested from lab
    60s m5 leased as fake lab-3
    60s m5 is up: lab-3
    60s m5 ready
    60s m5 runs /a
    60s m5 ran /a: passed
    60s m5 runs /panics
    60s /a concluded: passed after 1
    60s m5 ran /panics: infra, /panics on lab-3: panicked: a test panics, as it was told to
    60s m5 released
    60s m6 requested from lab
    60s m6 leased as fake lab-4
    60s m6 is up: lab-4
    60s m6 ready
    60s m6 runs /panics (attempt 2)
    60s m6 ran /panics (attempt 2): infra, /panics (attempt 2) on lab-4: panicked: a test panics, as it was told to
    60s m6 released
    60s m7 requested from lab
    60s m7 leased as fake lab-5
    60s m7 is up: lab-5
    60s m7 ready
    60s m7 runs /panics (attempt 3)
    60s m7 ran /panics (attempt 3): infra, /panics (attempt 3) on lab-5: panicked: a test panics, as it was told to
    60s /panics concluded: infra after 3
    60s m7 released
    1803s m4 unfit: preparing lab-2 took longer than 30m00s
    1803s m4 released
    1804s time passed
    1804s m8 requested from lab
    1804s m8 leased as fake lab-6
    1804s m8 is up: lab-6
    1804s m8 ready
    1804s m8 runs /b
    1804s m8 ran /b: passed
    1804s /b concluded: passed after 1
    2704s m8 released
    2704s finished
    "#);
    assert_eq!(summary.left_behind.len(), 1);
    assert_eq!(summary.left_behind[0].name, "lab-1");
    // Half a line was there; what is filed can be read.
    let taken = bench.aggregator.taken();
    let panicked = taken.iter().find(|one| one.test.as_str() == "/panics").unwrap();
    assert_eq!(panicked.results.len(), 1);
    assert_eq!(panicked.results[0].status(), Some("infra"));
    assert!(panicked.results[0].note().unwrap().contains("panicked: a test panics"));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_stops_everything_politely() {
    let executor = FakeExecutor::new()
        .test("/done", [FakeRun::passes().after(SECOND)])
        .test("/hangs", [FakeRun::hangs()])
        .test("/hangs-for-good", [FakeRun::hangs_for_good()]);
    let bench = Bench::new(FakeProvisioner::new("lab").provision_time(SECOND), executor);
    let cancel = bench.cancel.clone();
    let run = bench.run(&["/done", "/hangs", "/hangs-for-good", "/never"]);
    let plan = run.plan();
    let (summary, ()) = tokio::join!(run.run(), async {
        sleep(5 * SECOND).await;
        cancel.cancel();
    });
    let summary = summary.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 4 tests, 1 pools
    0s m1 requested from lab
    0s m2 requested from lab
    1s m1 leased as fake lab-1
    1s m2 leased as fake lab-2
    1s m1 is up: lab-1
    1s m2 is up: lab-2
    1s m1 ready
    1s m1 runs /done
    1s m2 ready
    1s m2 runs /hangs
    2s m1 ran /done: passed
    2s m1 runs /hangs-for-good
    2s /done concluded: passed after 1
    5s interrupted
    5s /never concluded: not run after 0
    5s m2 ran /hangs: infra, cancelled
    5s /hangs concluded: infra after 1
    5s m2 released
    65s m1 ran /hangs-for-good: infra, stopping /hangs-for-good on lab-1 took longer than 1m00s
    65s /hangs-for-good concluded: infra after 1
    65s m1 released
    65s finished
    "#);
    assert!(summary.interrupted && !summary.is_ok());
    assert_eq!(bench.aggregator.taken().len(), 3, "what was collected is filed");
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_withdraws_requests_and_stops_preparations() {
    let executor = FakeExecutor::new().starts([Fate::Hangs]);
    let bench =
        Bench::new(FakeProvisioner::new("lab").provisions([Fate::Works, Fate::Hangs]), executor);
    let cancel = bench.cancel.clone();
    let run = bench.run(&["/a", "/b", "/c"]);
    let plan = run.plan();
    let (summary, ()) = tokio::join!(run.run(), async {
        sleep(5 * SECOND).await;
        cancel.cancel();
    });
    let summary = summary.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 3 tests, 1 pools
    0s m1 requested from lab
    0s m2 requested from lab
    0s m1 leased as fake lab-1
    0s m1 is up: lab-1
    5s interrupted
    5s /a concluded: not run after 0
    5s /b concluded: not run after 0
    5s /c concluded: not run after 0
    5s m2 withdrawn
    5s m1 unfit: cancelled
    5s m1 released
    5s finished
    "#);
    assert_eq!(summary.count(Verdict::NotRun), 3);
    assert_eq!(bench.pool.counts().withdrawn, 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_cancelled_before_asks_for_nothing() {
    let bench = Bench::new(FakeProvisioner::new("lab"), FakeExecutor::new());
    bench.cancel.cancel();
    let run = bench.run(&["/a"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    assert_eq!(bench.pool.counts().provisioned, 0);
    assert_eq!(summary.count(Verdict::NotRun), 1);
}

#[tokio::test(start_paused = true)]
async fn one_aggregator_that_fails_does_not_keep_tests_from_the_others() {
    let bench = Bench::new(FakeProvisioner::new("lab"), FakeExecutor::new());
    let failing = FakeAggregator::new("server")
        .ingests([Fate::Fails(Failure::infra("503")), Fate::Hangs, Fate::Panics])
        .finishes([Fate::Fails(Failure::infra("504"))]);
    let run = bench.run(&["/a", "/b", "/c", "/d"]).aggregator(Arc::new(failing.clone()));
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    assert_eq!((bench.aggregator.taken().len(), failing.taken().len()), (4, 1));
    let failures: Vec<_> = summary.report_failures.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(failures.join("\n"), @r#"
    server: 503
    server: filing /c: panicked: server panics, as it was told to
    server: filing /b took longer than 5m00s
    server: 504
    "#);
    assert!(summary.is_ok(), "a report that fails changes no verdict");
    let filed_before_concluded =
        bench.sink.events().iter().any(|(_, event)| matches!(event, RunEvent::IngestFailed { .. }));
    assert!(filed_before_concluded);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_cannot_work_ends_the_run_with_the_reason() {
    let usage = Failure {
        fault: Fault::Usage,
        retry: Retry::Never,
        message: "podman is not installed".into(),
    };
    let pool =
        FakeProvisioner::new("lab").provisions([Fate::Fails(usage.clone()), Fate::Fails(usage)]);
    let bench = Bench::new(pool, FakeExecutor::new());
    let run = bench.run(&["/a", "/b"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(verdicts(&summary), @r#"
    /a: not run (pool lab: lab: podman is not installed), 0 attempts
    /b: not run (pool lab: lab: podman is not installed), 0 attempts
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_pool_in_trouble_is_asked_again_after_a_while() {
    let trouble = Fate::Fails(Failure::infra("no address"));
    let pool = FakeProvisioner::new("lab").provisions([trouble.clone(), trouble]);
    let bench = Bench::new(pool, FakeExecutor::new());
    let run = bench.run(&["/a"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(transcript(&bench.sink), @r#"
    0s 1 tests, 1 pools
    0s m1 requested from lab
    0s m1 failed: lab: no address
    1s time passed
    1s m2 requested from lab
    1s m2 failed: lab: no address
    3s time passed
    3s m3 requested from lab
    3s m3 leased as fake lab-1
    3s m3 is up: lab-1
    3s m3 ready
    3s m3 runs /a
    3s m3 ran /a: passed
    3s /a concluded: passed after 1
    3s m3 released
    3s finished
    "#);
}

#[tokio::test(start_paused = true)]
async fn tests_go_where_they_apply() {
    let bench = Bench::new(FakeProvisioner::new("arm"), FakeExecutor::new());
    let x86 = FakeProvisioner::new("x86").offers(Facts::new().with("arch", "x86_64"));
    let run = bench
        .run(&["/any", "/x86-only"])
        .pool(Pool::new("x86", Arc::new(x86.clone())).platform("P"))
        .applicable(|name, _, facts| {
            name.as_str() != "/x86-only" || facts.get("arch") == ["x86_64"]
        });
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    let mut platforms: Vec<_> = bench
        .aggregator
        .taken()
        .iter()
        .map(|one| format!("{} {}", one.test, one.platform))
        .collect();
    platforms.sort();
    assert_eq!(platforms, ["/any lab", "/x86-only P"]);
}

#[tokio::test(start_paused = true)]
async fn a_shared_provisioner_is_not_shut_down() {
    let bench = Bench::new(FakeProvisioner::new("own"), FakeExecutor::new());
    let shared = FakeProvisioner::new("shared");
    let run = bench.run(&["/a"]).pool(Pool::new("shared", Arc::new(shared.clone())).shared());
    run.run().await.unwrap();
    assert_eq!((bench.pool.counts().shutdowns, shared.counts().shutdowns), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_tells_what_it_left_behind() {
    let bench =
        Bench::new(FakeProvisioner::new("lab"), FakeExecutor::new().usually(FakeRun::hangs()));
    timeout(5 * SECOND, bench.run(&["/a", "/b"]).run()).await.unwrap_err();
    // The tasks are aborted, and gone as soon as the runtime gets to it.
    sleep(SECOND).await;
    assert_eq!(bench.executor.counts().running, 0);
    let left: Vec<_> = bench.leases.all().iter().map(ToString::to_string).collect();
    assert_eq!(left, ["fake lab-1", "fake lab-2"]);
    bench.pool.shutdown().await.unwrap();
    assert_eq!(bench.pool.counts().out, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_trouble_of_this_machine_and_costs_no_remote() {
    let bench = Bench::new(FakeProvisioner::new("lab"), FakeExecutor::new());
    // A file where a folder should be.
    std::fs::write(bench.dir.path().join("lab"), "").unwrap();
    let run = bench.run(&["/a"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    let note = summary.conclusions[0].note.clone().unwrap();
    assert!(note.starts_with("cannot create") && note.contains("/lab/a/attempt-1"), "{note}");
    assert_eq!((summary.count(Verdict::Infra), summary.report_failures.len()), (1, 1));
    assert_eq!(bench.pool.counts().provisioned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_fills_up_under_a_test_costs_no_remote() {
    let full = Failure { retry: Retry::Never, ..Failure::infra("no space left") };
    let executor = FakeExecutor::new().test("/a", [FakeRun::errs(full)]);
    let bench = Bench::new(FakeProvisioner::new("lab"), executor);
    let run = bench.run(&["/a"]).reruns(1);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(verdicts(&summary), @r#"
    /a: infra (lab-1: no space left), 1 attempts
    "#);
    assert_eq!(bench.pool.counts().provisioned, 1);
}

#[tokio::test(start_paused = true)]
async fn a_suite_that_cannot_be_read_is_tried_once() {
    let unreadable = Failure { retry: Retry::Never, ..Failure::infra("cannot read x") };
    let executor = FakeExecutor::new().starts([Fate::Fails(unreadable)]);
    let bench = Bench::new(FakeProvisioner::new("lab"), executor);
    let run = bench.run(&["/a"]);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    insta::assert_snapshot!(verdicts(&summary), @r#"
    /a: not run (pool lab: lab-1: cannot read x), 0 attempts
    "#);
    assert_eq!(bench.pool.counts().provisioned, 1);
}

#[tokio::test(start_paused = true)]
async fn absurd_times_are_harmless() {
    let taken = Failure {
        retry: Retry::SameRemote { after: Duration::MAX },
        ..Failure::infra("all are taken")
    };
    let pool = FakeProvisioner::new("lab").provisions([Fate::Fails(taken)]);
    let bench = Bench::new(pool, FakeExecutor::new());
    let mut deadlines = Deadlines::default();
    deadlines.provision = Some(Duration::MAX);
    for limit in [
        &mut deadlines.prepare,
        &mut deadlines.cancel,
        &mut deadlines.stop,
        &mut deadlines.release,
        &mut deadlines.ingest,
        &mut deadlines.shutdown,
    ] {
        *limit = Duration::MAX;
    }
    let run = bench.run(&["/a"]).deadlines(deadlines);
    let plan = run.plan();
    let summary = run.run().await.unwrap();
    bench.check(plan, &summary);
    assert!(summary.is_ok(), "{}", verdicts(&summary));
    assert_eq!(summary.wall, 3600 * SECOND, "an hour at the latest");
}

#[tokio::test]
async fn a_set_up_that_makes_no_sense_is_refused() {
    let executor = || Arc::new(FakeExecutor::new());
    let pool = |name: &str| Pool::new(name, Arc::new(FakeProvisioner::new(name)));
    let run = || Run::new(suite(&["/a"]), executor(), Path::new("/nowhere"));
    let wrong = [run(), run().pool(pool("a")).pool(pool("a")), run().pool(pool("a").max(0))];
    let mut texts = Vec::new();
    for run in wrong {
        let error = run.run().await.unwrap_err();
        assert!(matches!(error, Error::Usage(_)));
        texts.push(error.to_string());
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    a run needs a pool to run its tests on
    there are two pools of the name a
    pool a must have room for a remote
    "#);
}

#[tokio::test]
async fn a_run_can_be_spawned() {
    let bench = Bench::new(FakeProvisioner::new("lab"), FakeExecutor::new());
    let summary = tokio::spawn(bench.run(&["/a"]).run()).await.unwrap().unwrap();
    assert!(summary.is_ok());
}
