//! Results into ReportPortal, against a server that fails, stalls and reorders.

mod fake;

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use atex_core::{
    Aggregator, Artifacts, CancellationToken, Error, EventSink, Outcome, Record, TestName, Verdict,
};
use atex_report::{
    LaunchPlan, Patience, Portal, PortalStatus, ReportPortal, RunStore, Subtests, Token,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use self::fake::{FakePortal, Fault};
use crate::run::{Run, name};

const TOKEN: &str = "very-secret";

fn portal(fake: &FakePortal, project: &str) -> Portal {
    Portal::new(&format!("http://{}", fake.address), project, Token::new(TOKEN)).unwrap()
}

fn patience() -> Patience {
    let mut patience = Patience::default();
    (patience.pause, patience.longest_pause) = (Duration::from_millis(1), Duration::from_millis(2));
    patience.answer = Duration::from_secs(20);
    patience
}

fn plan() -> LaunchPlan {
    LaunchPlan::new("nightly").patience(patience()).attribute(Some("arch"), "x86_64")
}

fn record(
    folder: &Path,
    (platform, test): (&str, &str),
    results: &[Value],
    files: &[(&str, &str)],
) -> Record {
    let artifacts = Artifacts::create(folder, platform, test, 1).unwrap();
    let text: String = results.iter().map(|result| format!("{result}\n")).collect();
    std::fs::write(artifacts.results_file(), text).unwrap();
    for (file, content) in files {
        let path = artifacts.files_dir().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let outcome = Outcome::new(Verdict::Failed, Duration::from_millis(1));
    Record { platform: platform.into(), test: name(test), artifacts, outcome, when: None }
}

/// A test with everything.
fn full(folder: &Path, test: &str) -> Record {
    let results = [
        json!({"name": "sub/one", "status": "pass"}),
        json!({"name": "sub/two", "status": "fail", "note": "why", "files": ["log", "gone"]}),
        json!({"name": "three", "status": "skip"}),
        json!({"name": "four"}),
        json!({"status": "error", "note": "broken", "files": ["output.txt", "core"]}),
    ];
    let files = [("sub/two/log", "a log"), ("output.txt", "printed"), ("core", "\u{0}\u{1}")];
    record(folder, ("p", test), &results, &files)
}

/// The items as a tree, with what is said of each.
fn tree(fake: &FakePortal) -> String {
    let known = fake.known();
    let mut text = String::new();
    for launch in known.launches.values() {
        let ended = if launch.ended.is_some() { "ended" } else { "open" };
        writeln!(text, "{} {} {ended}", launch.name, launch.started["attributes"]).unwrap();
    }
    let below = |parent: Option<&str>, depth: usize, lines: &mut Vec<(usize, String)>| {
        let inside = known.items.iter().filter(|(_, item)| item.parent.as_deref() == parent);
        lines.extend(inside.map(|(id, _)| (depth, id.clone())));
    };
    let mut stack = Vec::new();
    below(None, 1, &mut stack);
    stack.reverse();
    while let Some((depth, id)) = stack.pop() {
        let (_, item) = known.items.iter().find(|(known, _)| *known == id).unwrap();
        let ended = item.ended.as_ref();
        let status = ended
            .map_or("open".to_owned(), |ended| ended["status"].as_str().unwrap_or("-").to_owned());
        let note = ended.map_or(&Value::Null, |ended| &ended["description"]);
        let stats = if item.started["hasStats"] == false { " nested" } else { "" };
        writeln!(
            text,
            "{}{} {} {status} {note}{stats}",
            "  ".repeat(depth),
            item.started["type"].as_str().unwrap(),
            item.name
        )
        .unwrap();
        for log in &item.logs {
            writeln!(
                text,
                "{}  log {} {} {}",
                "  ".repeat(depth),
                log["level"],
                log["message"],
                log["file"]["name"]
            )
            .unwrap();
        }
        let mut inside = Vec::new();
        below(Some(&id), depth + 1, &mut inside);
        inside.sort_by_key(|(_, id)| {
            known.items.iter().find(|(known, _)| known == id).map(|(_, item)| item.name.clone())
        });
        stack.extend(inside.into_iter().rev());
    }
    text
}

async fn reported(fake: &FakePortal, plan: LaunchPlan) -> ReportPortal {
    let folder = tempfile::tempdir().unwrap();
    let portal = ReportPortal::start(portal(fake, "demo"), plan).await.unwrap();
    portal.ingest(full(folder.path(), "/t")).await.unwrap();
    let none =
        record(folder.path(), ("p", "/none"), &[json!({"name": "s", "status": "pass"})], &[]);
    portal.ingest(none).await.unwrap();
    portal.finish().await.unwrap();
    portal
}

#[tokio::test]
async fn nested() {
    let fake = FakePortal::start().await;
    reported(&fake, plan()).await;
    insta::assert_snapshot!(tree(&fake));
    let known = fake.known();
    assert!(known.tokens.iter().all(|token| token == TOKEN));
    assert_eq!(known.files.len(), 2, "{:?}", known.files);
}

#[tokio::test]
async fn flat_and_without_what_passed() {
    let fake = FakePortal::start().await;
    reported(&fake, plan().flat("/").subtests(Subtests::NotPassed)).await;
    insta::assert_snapshot!(tree(&fake));
}

#[tokio::test]
async fn tests_can_be_promised() {
    let fake = FakePortal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let portal = ReportPortal::start(portal(&fake, "demo"), plan()).await.unwrap();
    let tests: Vec<TestName> = ["/t", "/never"].map(name).to_vec();
    portal.promise("p", &tests).await.unwrap();
    portal.ingest(full(folder.path(), "/t")).await.unwrap();
    portal.finish().await.unwrap();
    let tree = tree(&fake);
    assert!(tree.contains("step /never open"), "{tree}");
    assert!(tree.contains("step /t failed \"broken\""), "{tree}");
    assert_eq!(tree.matches("step /t ").count(), 1);
}

/// A run that was stored is told of as it was: what began when, what was tried again, when it was over.
#[tokio::test]
async fn a_stored_run_is_told_of_with_its_times() {
    let fake = FakePortal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let store = RunStore::create(folder.path(), &crate::dataset::info("stored")).unwrap();
    let journal = store.journal(CancellationToken::new()).unwrap();
    let mut run = Run::of(&["/t"]);
    run.at(1.0).bring_up(1).at(10.0);
    run.attempt(1, ("/t", 1), (5.0, Verdict::Failed, None));
    run.at(20.0).attempt(1, ("/t", 2), (7.5, Verdict::Passed, None));
    run.conclude("/t", Verdict::Passed, (2, None)).at(40.0).finish();
    run.entries.sort_by_key(|entry| entry.at);
    run.entries.iter().for_each(|entry| journal.emit(entry.at, &entry.event));
    for (number, status) in [(1, "fail"), (2, "pass")] {
        let (root, platform) = (store.artifacts_dir(), "rhel-9.6@x86_64");
        let artifacts = Artifacts::create(&root, platform, "/t", number).unwrap();
        let lines = [json!({"name": "s", "status": status}), json!({"status": status})];
        std::fs::write(artifacts.results_file(), format!("{}\n{}\n", lines[0], lines[1])).unwrap();
    }
    let (report, _) = store.report().unwrap();
    let started = store.info().started;
    let plan = plan().started(started).ended(started.checked_add(report.wall()).unwrap());
    let portal = ReportPortal::start(portal(&fake, "demo"), plan).await.unwrap();
    for test in store.finished().unwrap().tests {
        for record in test.retried.into_iter().chain([test.record]) {
            portal.ingest(record).await.unwrap();
        }
    }
    portal.finish().await.unwrap();
    let known = fake.known();
    let launches = known.launches.values();
    let items = known.items.iter().map(|(_, item)| item);
    let shown = launches.chain(items).map(|item| {
        let ended = item.ended.as_ref().unwrap();
        let retry = if item.started["retry"] == true { " (retry)" } else { "" };
        let times =
            [&item.started["startTime"], &ended["endTime"]].map(|at| &at.as_str().unwrap()[11..]);
        format!("{}{retry}: {} to {}, {}", item.name, times[0], times[1], ended["status"])
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    nightly: 15:04:05Z to 15:04:45Z, null
    rhel-9.6@x86_64: 15:04:05Z to 15:04:45Z, null
    /t: 15:04:15Z to 15:04:20Z, "failed"
    s: 15:04:15Z to 15:04:20Z, "failed"
    /t (retry): 15:04:25Z to 15:04:32.5Z, "passed"
    s: 15:04:25Z to 15:04:32.5Z, "passed"
    "#);
}

/// What is not over cannot be handed in a second time.
#[tokio::test]
async fn a_test_is_reported_by_one_at_a_time() {
    let fake = FakePortal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let portal = ReportPortal::start(portal(&fake, "demo"), plan()).await.unwrap();
    let record = full(folder.path(), "/t");
    let both = tokio::join!(portal.ingest(record.clone()), portal.ingest(record));
    let error = both.0.and(both.1).unwrap_err().to_string();
    assert!(error.ends_with("/t of p is being reported already"), "{error}");
    assert_eq!(tree(&fake).matches("step /t ").count(), 1);
}

#[tokio::test]
async fn a_launch_is_gone_on_with_and_its_tests_are_found() {
    let fake = FakePortal::start().await;
    let first = reported(&fake, plan()).await;
    let again =
        ReportPortal::start(portal(&fake, "demo"), plan().rerun_of(first.launch())).await.unwrap();
    assert_eq!(again.launch(), first.launch());
    let unknown =
        ReportPortal::start(portal(&fake, "demo"), plan().rerun_of("unknown")).await.unwrap_err();
    assert!(unknown.to_string().contains("404"), "{unknown}");
    let portal = portal(&fake, "demo");
    let find = async |statuses: &[PortalStatus]| {
        let mut found =
            portal.existing_tests(first.launch(), "p", statuses, patience()).await.unwrap();
        found.sort();
        found
    };
    assert_eq!(find(&[]).await, ["/none", "/t"]);
    assert_eq!(find(&[PortalStatus::Failed, PortalStatus::Interrupted]).await, ["/none", "/t"]);
    assert_eq!(find(&[PortalStatus::Failed]).await, ["/t"]);
    assert_eq!(find(&[PortalStatus::Passed]).await, [""; 0]);
}

#[tokio::test]
async fn errors_say_what_and_never_the_token() {
    let fake = FakePortal::start().await;
    let denied = ReportPortal::start(portal(&fake, "secret"), plan()).await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied:?}");
    let mut short = patience();
    short.attempts = 3;
    fake.fail([Some(Fault::Status(503)); 3]);
    let down =
        ReportPortal::start(portal(&fake, "demo"), plan().patience(short)).await.unwrap_err();
    let text = format!("{down:?} {down}");
    assert!(text.contains("(3 times): 503") && !text.contains(TOKEN), "{text}");
    assert!(!format!("{:?}", portal(&fake, "demo")).contains(TOKEN));
    for url in ["ftp://x", "nothing", "http://user:password@x/", ""] {
        let error = Portal::new(url, "p", Token::new("t")).unwrap_err().to_string();
        assert!(!error.contains("password@"), "{error}");
    }
}

/// The server takes a request and some of its logs not: that is an error, and everything else is there.
#[tokio::test]
async fn logs_that_are_refused_are_noticed() {
    let fake = FakePortal::start().await;
    fake.known().refused_logs = Some("printed".into());
    let folder = tempfile::tempdir().unwrap();
    let portal = ReportPortal::start(portal(&fake, "demo"), plan()).await.unwrap();
    let error = portal.ingest(full(folder.path(), "/t")).await.unwrap_err().to_string();
    assert!(error.ends_with("1 logs of /t were refused: Bad save log request"), "{error}");
    assert!(tree(&fake).contains("step /t failed"));
    fake.known().refused_logs = None;
    let again = portal.ingest(full(&folder.path().join("again"), "/t")).await.unwrap_err();
    assert!(again.to_string().contains("not allowed"), "the test is over: {again}");
    assert_eq!(tree(&fake).matches("step /t ").count(), 1, "what is there is not added again");
}

/// A failing server does not hold up the launch's end; what was handed in before is tried again.
#[tokio::test]
async fn a_test_that_could_not_be_reported_can_be_handed_in_again() {
    let fake = FakePortal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut short = patience();
    short.attempts = 2;
    let portal = ReportPortal::start(portal(&fake, "demo"), plan().patience(short).in_flight(1))
        .await
        .unwrap();
    let record = full(folder.path(), "/t");
    fake.fail([None, None, None, Some(Fault::Status(502)), Some(Fault::Status(502))]);
    portal.ingest(record.clone()).await.unwrap_err();
    portal.ingest(record).await.unwrap();
    portal.finish().await.unwrap();
    let whole = FakePortal::start().await;
    let portal = ReportPortal::start(self::portal(&whole, "demo"), plan()).await.unwrap();
    portal.ingest(full(&folder.path().join("2"), "/t")).await.unwrap();
    portal.finish().await.unwrap();
    assert_eq!(tree(&fake), tree(&whole));
}

#[tokio::test]
async fn many_subtests_cost_few_requests_at_a_time() {
    let fake = FakePortal::start().await;
    let folder = tempfile::tempdir().unwrap();
    let results: Vec<Value> = (0..200)
        .map(|n| json!({"name": format!("s{n}"), "status": "fail", "files": ["f"]}))
        .chain([json!({"status": "fail"})])
        .collect();
    let files: Vec<(String, &str)> = (0..200).map(|n| (format!("s{n}/f"), "x")).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let portal = ReportPortal::start(portal(&fake, "demo"), plan()).await.unwrap();
    portal.ingest(record(folder.path(), ("p", "/t"), &results, &files)).await.unwrap();
    let known = fake.known();
    assert_eq!(known.requests["POST item"], 202);
    // 32 subtests at once, 20 logs in a request.
    assert_eq!(known.requests["POST log"], 6 * 2 + 1);
    assert_eq!(known.items.iter().map(|(_, item)| item.logs.len()).sum::<usize>(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full") { 128 } else { 12 }))]
    /// Whatever goes wrong on the way, and in whatever order requests are done: in the end the same is there, once.
    #[test]
    fn trouble_changes_nothing(
        faults in proptest::collection::vec(
            proptest::option::weighted(0.5, proptest::sample::select(vec![
                Fault::Status(500), Fault::Status(429), Fault::Status(502), Fault::Status(408), Fault::LostAnswer, Fault::NotJson, Fault::Stall,
            ])), 0..30),
        reorder in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (with, without) = runtime.block_on(async {
            let (fake, calm) = (FakePortal::start().await, FakePortal::start().await);
            fake.known().reorder = reorder;
            fake.fail(faults.iter().copied());
            let mut short = patience();
            // A request that is stalled is given up soon; one that only takes long on a busy machine is sent again, often enough.
            (short.answer, short.attempts) = (Duration::from_millis(400), 1000);
            reported(&fake, plan().patience(short)).await;
            reported(&calm, plan()).await;
            (tree(&fake), tree(&calm))
        });
        prop_assert_eq!(with, without);
    }
}
