//! What an [`Executor`] and its sessions promise.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::program::{Scratch, Watch};
use super::{Check, Suite, ensure, run_checks};
use crate::{
    Artifacts, BoxError, CancellationToken, Connection, ConnectionExt, Executor, Fault, Outcome,
    Result, Session, Test, TestName, TestSuite, Verdict,
};

/// What the checks need of an executor.
#[derive(Debug)]
pub struct Runner<C, E> {
    connect: C,
    make: E,
}

/// Runs all checks. `connect` gives a fresh connection; `make` gives an executor for the suite of tests it is handed,
/// whose scripts are plain shell: they exit with 0 to pass, with anything else to fail.
///
/// # Panics
/// With the list of the promises that are broken.
pub async fn all(
    connect: impl AsyncFn() -> Result<Arc<dyn Connection>>,
    make: impl Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
) {
    let runner = &Runner { connect, make };
    let mut suite = Suite::new("Executor");
    run_checks!(
        suite,
        runner,
        [
            tests_pass_and_fail,
            a_session_runs_one_test_after_another,
            an_unknown_test_is_a_wrong_use,
            a_cancelled_start_stops,
            a_cancelled_test_is_stopped_and_kept,
            a_test_cancelled_beforehand_does_not_run,
            a_dropped_run_stops_the_test,
            what_a_test_leaves_running_in_its_group_is_killed,
            a_test_that_takes_too_long_is_stopped,
            a_test_can_be_gone_on_with_by_another_controller,
        ]
    );
    suite.finish();
}

impl<C, E> Runner<C, E>
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    async fn start(
        &self,
        connection: &Arc<dyn Connection>,
        tests: &[(&str, Test)],
    ) -> Result<Box<dyn Session>, BoxError> {
        let tests = tests.iter().map(|(name, test)| Ok((TestName::new(name)?, test.clone())));
        let tests: Vec<(TestName, Test)> = tests.collect::<Result<_, BoxError>>()?;
        let executor = (self.make)(Arc::new(TestSuite::new(tests)))?;
        Ok(executor.start(Arc::clone(connection), &CancellationToken::new()).await?)
    }

    async fn connect(&self) -> Result<Arc<dyn Connection>> {
        (self.connect)().await
    }
}

/// Runs a test in a session, into a fresh folder.
async fn run(
    session: &mut Box<dyn Session>,
    test: &str,
    folder: &Path,
    cancel: &CancellationToken,
) -> Result<(Result<Outcome>, Artifacts), BoxError> {
    let artifacts = Artifacts::create(folder, "conformance", test, 1)?;
    let outcome = session.run(&TestName::new(test)?, &artifacts, cancel).await;
    Ok((outcome, artifacts))
}

/// Checks that there is a result of the test itself, as there must be in every case, and gives the last one's status.
fn own_status(artifacts: &Artifacts) -> Result<Option<String>, BoxError> {
    let results = artifacts.results()?.collect::<Result<Vec<_>>>()?;
    let own = results.iter().rfind(|result| result.is_own());
    let own = own.ok_or("there is no result of the test itself")?;
    Ok(own.status().map(str::to_owned))
}

/// A test that passes and one that fails are both an outcome, with exit code and a result of their own.
pub async fn tests_pass_and_fail<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let tests = [("/pass", Test::new("true")), ("/fail", Test::new("exit 3"))];
    let mut session = runner.start(&connection, &tests).await?;
    let cancel = CancellationToken::new();
    for (name, verdict, code, status) in
        [("/pass", Verdict::Passed, 0, "pass"), ("/fail", Verdict::Failed, 3, "fail")]
    {
        let (outcome, artifacts) = run(&mut session, name, folder.path(), &cancel).await?;
        let outcome = outcome?;
        ensure!(outcome.verdict == verdict, "{name} has the verdict: {}", outcome.verdict);
        ensure!(outcome.exit_code == Some(code), "{name} exited with {:?}", outcome.exit_code);
        ensure!(outcome.tally.total() > 0, "{name} has no result in its numbers");
        let own = own_status(&artifacts)?;
        ensure!(own.as_deref() == Some(status), "{name} has a result with status {own:?}");
    }
    session.stop().await?;
    Ok(connection.close().await?)
}

/// Several tests run in one session, the same one again included, each into artifacts of its own.
pub async fn a_session_runs_one_test_after_another<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let connection = runner.connect().await?;
    let tests = [
        ("/a", Test::new("true")),
        ("/a/b", Test::new("true")),
        ("/../odd name", Test::new("true")),
    ];
    let mut session = runner.start(&connection, &tests).await?;
    let cancel = CancellationToken::new();
    for name in ["/a", "/a/b", "/a", "/../odd name"] {
        let folder = tempfile::tempdir()?;
        let (outcome, artifacts) = run(&mut session, name, folder.path(), &cancel).await?;
        let outcome = outcome?;
        ensure!(outcome.verdict == Verdict::Passed, "{name} has the verdict: {}", outcome.verdict);
        own_status(&artifacts)?;
    }
    session.stop().await?;
    Ok(connection.close().await?)
}

/// A test that the suite does not have is blamed on the caller, leaves a result all the same, and spoils nothing.
pub async fn an_unknown_test_is_a_wrong_use<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let mut session = runner.start(&connection, &[("/known", Test::new("true"))]).await?;
    let cancel = CancellationToken::new();
    let (outcome, artifacts) = run(&mut session, "/unknown", folder.path(), &cancel).await?;
    match outcome {
        Err(error) if error.fault() == Fault::Usage => {}
        other => return Err(format!("an unknown test gave {other:?}").into()),
    }
    let own = own_status(&artifacts)?;
    ensure!(own.as_deref() == Some("infra"), "it left a result with status {own:?}");
    let (outcome, _) = run(&mut session, "/known", folder.path(), &cancel).await?;
    ensure!(outcome?.verdict == Verdict::Passed, "a test after it did not pass");
    session.stop().await?;
    Ok(connection.close().await?)
}

/// Starting with a token that is cancelled already is [`Error::Cancelled`](crate::Error::Cancelled).
pub async fn a_cancelled_start_stops<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let connection = runner.connect().await?;
    let suite = TestSuite::new([(TestName::new("/a")?, Test::new("true"))]);
    let executor = (runner.make)(Arc::new(suite))?;
    let cancel = CancellationToken::new();
    cancel.cancel();
    match executor.start(Arc::clone(&connection), &cancel).await {
        Err(error) if error.fault() == Fault::Cancelled => Ok(connection.close().await?),
        other => Err(format!("a cancelled start gave {other:?}").into()),
    }
}

/// Whether a run says that it was stopped.
fn was_stopped(outcome: &Result<Outcome>) -> bool {
    match outcome {
        Ok(outcome) => matches!(outcome.verdict, Verdict::Infra | Verdict::NotRun),
        Err(error) => error.fault() == Fault::Cancelled,
    }
}

/// Cancelling stops a running test with its process group, and leaves a result with the status `infra`.
pub async fn a_cancelled_test_is_stopped_and_kept<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let scratch = Scratch::new(&*connection).await?;
    let mut watch = Watch::start(&*connection, scratch.path()).await?;
    let tests = [("/slow", Test::new(watch.victim_script()))];
    let mut session = runner.start(&connection, &tests).await?;
    let cancel = CancellationToken::new();
    let stop = async {
        let ready = watch.script_ready().await;
        cancel.cancel();
        ready
    };
    let (ran, ready) = tokio::join!(run(&mut session, "/slow", folder.path(), &cancel), stop);
    ready?;
    let (outcome, artifacts) = ran?;
    ensure!(was_stopped(&outcome), "a cancelled test gave {outcome:?}");
    let own = own_status(&artifacts)?;
    ensure!(own.as_deref() == Some("infra"), "it left a result with status {own:?}");
    watch.all_dead().await?;
    session.stop().await?;
    scratch.remove().await?;
    Ok(connection.close().await?)
}

/// With a token that is cancelled already, a run says so and leaves a result.
pub async fn a_test_cancelled_beforehand_does_not_run<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let mut session = runner.start(&connection, &[("/slow", Test::new("sleep 100000"))]).await?;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (outcome, artifacts) = run(&mut session, "/slow", folder.path(), &cancel).await?;
    ensure!(was_stopped(&outcome), "it gave {outcome:?}");
    own_status(&artifacts)?;
    session.stop().await?;
    Ok(connection.close().await?)
}

/// Dropping the future of a run stops the test.
pub async fn a_dropped_run_stops_the_test<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let scratch = Scratch::new(&*connection).await?;
    let mut watch = Watch::start(&*connection, scratch.path()).await?;
    let tests = [("/slow", Test::new(watch.victim_script()))];
    let mut session = runner.start(&connection, &tests).await?;
    let cancel = CancellationToken::new();
    tokio::select! {
        ended = run(&mut session, "/slow", folder.path(), &cancel) => {
            return Err(format!("it ended by itself: {:?}", ended?.0).into());
        }
        ready = watch.script_ready() => ready?,
    }
    watch.all_dead().await?;
    drop(session);
    scratch.remove().await?;
    Ok(connection.close().await?)
}

/// When a run has ended, no process of the test's process group is left.
pub async fn what_a_test_leaves_running_in_its_group_is_killed<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let scratch = Scratch::new(&*connection).await?;
    let watch = Watch::start(&*connection, scratch.path()).await?;
    let script = format!("({}) >/dev/null 2>&1 & exit 0", watch.victim_script());
    let mut session = runner.start(&connection, &[("/leaves", Test::new(script))]).await?;
    let cancel = CancellationToken::new();
    let (outcome, _) = run(&mut session, "/leaves", folder.path(), &cancel).await?;
    ensure!(outcome?.verdict == Verdict::Passed, "it did not pass");
    watch.all_dead().await?;
    session.stop().await?;
    scratch.remove().await?;
    Ok(connection.close().await?)
}

/// A test that runs longer than it may is stopped; that is an outcome, with the verdict [`Verdict::Infra`].
pub async fn a_test_that_takes_too_long_is_stopped<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let mut slow = Test::new("sleep 100000");
    slow.duration = Some(Duration::from_secs(1));
    let mut session = runner.start(&connection, &[("/slow", slow)]).await?;
    let cancel = CancellationToken::new();
    let (outcome, artifacts) = run(&mut session, "/slow", folder.path(), &cancel).await?;
    let outcome = outcome?;
    ensure!(outcome.verdict == Verdict::Infra, "it has the verdict: {}", outcome.verdict);
    let own = own_status(&artifacts)?;
    ensure!(own.as_deref() == Some("infra"), "it left a result with status {own:?}");
    session.stop().await?;
    Ok(connection.close().await?)
}

/// An executor that can go on with a test whose controller is gone does so: the test is not started again, and ends as it would
/// have. One that cannot says that there is nothing to go on with, as all do for a run that ended.
pub async fn a_test_can_be_gone_on_with_by_another_controller<C, E>(runner: &Runner<C, E>) -> Check
where
    C: AsyncFn() -> Result<Arc<dyn Connection>>,
    E: Fn(Arc<TestSuite>) -> Result<Arc<dyn Executor>>,
{
    let (folder, connection) = (tempfile::tempdir()?, runner.connect().await?);
    let scratch = Scratch::new(&*connection).await?;
    let mut watch = Watch::start(&*connection, scratch.path()).await?;
    let path = scratch.path();
    let waits = format!(
        "exec 9>'{}'; echo start >>'{path}/starts'; echo ready >&9; until [ -e '{path}/go' ]; do sleep 0.05; done; exit 3",
        watch.fifo()
    );
    let suite = Arc::new(TestSuite::new([(TestName::new("/waits")?, Test::new(waits))]));
    let cancel = CancellationToken::new();
    let executor = (runner.make)(Arc::clone(&suite))?;
    let mut session = Box::new(executor.start(Arc::clone(&connection), &cancel).await?);
    let artifacts = Artifacts::create(folder.path(), "conformance", "/waits", 1)?;
    let test = TestName::new("/waits")?;
    let mut first = session.run(&test, &artifacts, &cancel);
    tokio::select! {
        ended = &mut first => return Err(format!("it ended by itself: {ended:?}").into()),
        ready = watch.script_ready() => ready?,
    }
    // As if its process were gone: it does nothing more, not even to clean up.
    std::mem::forget(first);
    let other = runner.connect().await?;
    let executor = (runner.make)(suite)?;
    let resumed = executor.resume(Arc::clone(&other), &artifacts, &cancel).await?;
    connection.script("touch \"$1/go\"", &[path]).await?;
    if let Some(mut session) = resumed {
        let outcome = session.run(&test, &artifacts, &cancel).await?;
        ensure!(outcome.exit_code == Some(3), "it exited with {:?}", outcome.exit_code);
        let own = own_status(&artifacts)?;
        ensure!(own.as_deref() == Some("fail"), "it left a result with status {own:?}");
        let starts = connection.script("cat \"$1/starts\"", &[path]).await?;
        ensure!(starts == "start\n", "it was started again: {starts:?}");
        let again = executor.resume(Arc::clone(&other), &artifacts, &cancel).await?;
        ensure!(again.is_none(), "a run that ended can be gone on with");
        session.stop().await?;
    }
    watch.all_dead().await?;
    scratch.remove().await?;
    other.close().await?;
    Ok(connection.close().await?)
}
