//! Commands as tests (section 8), hooks that judge (EX-16), output that is followed.

use std::fs::{self, File};
use std::io::Read;
use std::sync::{Arc, Mutex};

use atex_core::testkit::conformance::executor;
use atex_core::{
    Artifacts, CancellationToken, Connection, Error, Executor, Test, TestName, TestSuite,
};
use atex_exec::{CommandExecutor, FmfExecutor, Judgement, Limits};
use atex_provision::LocalConnection;

use crate::behaviours::listing;
use crate::systems::System;

fn name(name: &str) -> TestName {
    TestName::new(name).unwrap()
}

#[tokio::test]
async fn commands_keep_the_contract_of_executors() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("tmp")).unwrap();
    let connect = async || {
        let connection = LocalConnection::new("local", root.path());
        Ok(Arc::new(connection) as Arc<dyn Connection>)
    };
    let make = |suite: Arc<TestSuite>| {
        let limit = suite.tests.values().map(Test::time_limit).min();
        let bash = |test: &Test| ["bash".into(), "-c".into(), test.script.clone()];
        let commands = suite.tests.iter().map(|(name, test)| (name.clone(), bash(test)));
        let commands = CommandExecutor::new(commands).time_limit(limit.unwrap_or_default());
        Ok(Arc::new(commands) as Arc<dyn Executor>)
    };
    executor::all(connect, make).await;
}

/// Runs the commands of a table, and shows what they leave.
async fn transcript(system: &System, executor: CommandExecutor) -> String {
    let (folder, cancel) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let executor = executor.with(|executor| executor.work_base(system.base()));
    let mut session = executor.start(system.connection(), &cancel).await.unwrap();
    let mut text = String::new();
    for test in executor.suite().tests.keys() {
        let artifacts = Artifacts::at(folder.path().join(&test.as_str()[1..])).unwrap();
        let outcome = session.run(test, &artifacts, &cancel).await.unwrap();
        let (verdict, code) = (outcome.verdict, outcome.exit_code);
        text.push_str(&format!("=== {test}: {verdict}, {code:?}\n{}", listing(artifacts.dir())));
    }
    session.stop().await.unwrap();
    assert_eq!(system.left().await, [""; 0]);
    // What its bash has to say begins with a path that is different each time.
    let lines = system.normal(&text);
    let lines =
        lines.lines().map(|line| line.split_once("/test.sh: ").map_or(line, |(_, said)| said));
    lines.collect::<Vec<_>>().join("\n")
}

fn table() -> CommandExecutor {
    let table: [(&str, &[&str]); 6] = [
        ("/passes", &["echo", "a 'b'", "*", "$HOME", "", "-e"]),
        ("/fails", &["sh", "-c", "echo out; echo err >&2; exit 3"]),
        ("/binary", &["printf", "\\0\\1\\377\\n"]),
        ("/missing", &["/no/such/program"]),
        ("/judged", &["echo", "result: dubious"]),
        ("/worse", &["true"]),
    ];
    CommandExecutor::new(table.map(|(test, argv)| (name(test), argv.to_vec()))).judge(|ended| {
        let printed = fs::read(ended.output).unwrap();
        match ended.test.as_str() {
            "/judged" if printed == b"result: dubious\n" => Judgement::Status("warn".into()),
            "/worse" => Judgement::ExitCode(70),
            _ => Judgement::ExitCode(ended.exit_code),
        }
    })
}

#[tokio::test]
async fn on_this_machine() {
    insta::assert_snapshot!("commands", transcript(&System::local(), table()).await);
}

#[tokio::test]
async fn over_ssh() {
    let Some(system) = System::ssh("commands as tests").await else { return };
    insta::assert_snapshot!("commands", transcript(&system, table()).await);
}

#[tokio::test]
async fn an_empty_command_is_refused() {
    let system = System::local();
    let executor = CommandExecutor::new([(name("/empty"), Vec::<String>::new())]);
    let error = executor.start(system.connection(), &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(&error, Error::Usage(what) if what.contains("/empty")), "{error}");
}

/// Runs a test on this machine; its artifacts.
async fn run(test: &str, change: impl FnOnce(FmfExecutor) -> FmfExecutor) -> (System, String) {
    let (system, folder) = (System::local(), tempfile::tempdir().unwrap());
    let executor = FmfExecutor::new(TestSuite::new([(name("/t"), Test::new(test))]));
    let executor = change(executor.limits(Limits::default()).work_base(system.base()));
    let cancel = CancellationToken::new();
    let mut session = executor.start(system.connection(), &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    session.run(&name("/t"), &artifacts, &cancel).await.unwrap();
    session.stop().await.unwrap();
    let listing = listing(artifacts.dir());
    (system, listing)
}

/// All of it can be read, though the test reports a result of its own, and its output is kept nowhere.
#[tokio::test]
async fn output_can_be_followed() {
    let followed = Arc::new(Mutex::new(None));
    let told = Arc::clone(&followed);
    let script = "echo some words; echo 'result 18' >&3; echo -n '{\"status\": \"pass\"}' >&3";
    let (_system, left) = run(script, |executor| {
        executor.follow(move |test, output| {
            assert_eq!(test.as_str(), "/t");
            *told.lock().unwrap() = Some(File::open(output).unwrap());
        })
    })
    .await;
    let mut text = String::new();
    followed.lock().unwrap().take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "some words\n");
    assert_eq!(left, "--- results\n{\"status\": \"pass\"}\n");
}
