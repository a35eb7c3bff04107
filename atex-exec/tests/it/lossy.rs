//! A connection that loses a part of what comes, says nothing of it, and reports a good end: everything arrives all the same.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Child, Command, Connection, CopyOptions, Executor, Result, Stdio,
    Test, TestName, TestSuite, async_trait,
};
use atex_exec::{FmfExecutor, Limits};
use atex_provision::LocalConnection;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, duplex, sink};
use tokio::sync::Notify;

/// Loses something of the first attachments to a test.
#[derive(Debug)]
struct Lossy {
    through: LocalConnection,
    /// How many more attachments lose something.
    left: AtomicUsize,
    loses: Loses,
    /// Told when nothing more will come.
    attaches: Arc<Notify>,
}

#[derive(Debug, Clone, Copy)]
enum Loses {
    /// All of the output.
    Output,
    /// Nothing, but its program complains where the output goes.
    Complains,
    /// Everything: nothing can be attached to, and nobody says so.
    Everything,
    /// All of the control stream but so many bytes.
    ControlAfter(u64),
}

#[async_trait]
impl Connection for Lossy {
    fn name(&self) -> &str {
        self.through.name()
    }

    async fn spawn(&self, mut command: Command) -> Result<Child> {
        let attaches = matches!(command.stderr, Stdio::Fd(_));
        let less = |left: usize| left.checked_sub(1);
        if !attaches || self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err() {
            return self.through.spawn(command).await;
        }
        if matches!(self.loses, Loses::Everything) {
            self.attaches.notify_one();
            return std::future::pending().await;
        }
        if matches!(self.loses, Loses::Output) {
            command = command.stderr(Stdio::Null);
        }
        if let (Loses::Complains, Stdio::Fd(output)) = (self.loses, &command.stderr) {
            let mut output = std::fs::File::from(output.try_clone().unwrap());
            output.write_all(b"mux: something is wrong\n").unwrap();
        }
        let mut child = self.through.spawn(command).await?;
        if let Loses::ControlAfter(length) = self.loses {
            let mut stdout = child.stdout.take().unwrap();
            let (mut passes, control) = duplex(4096);
            tokio::spawn(async move {
                copy(&mut (&mut stdout).take(length), &mut passes).await.unwrap();
                copy(&mut stdout, &mut sink()).await.unwrap();
                passes.shutdown().await.unwrap();
            });
            child.stdout = Some(Box::new(control));
        }
        Ok(child)
    }

    async fn reconnect(&self) -> Result<()> {
        self.through.reconnect().await
    }

    async fn upload(&self, from: &Path, to: &str, options: &CopyOptions) -> Result<()> {
        self.through.upload(from, to, options).await
    }
}

const TALKS: &str = r#"
for i in {1..200}; do
    json="{\"name\": \"r$i\", \"status\": \"pass\"}"
    printf 'result %d\n%s' "${#json}" "$json" >&$ATEX_TEST_CONTROL
    echo "line $i"
done
exit 3"#;

/// Attaching may take longer than any test.
fn limits() -> Limits {
    let mut limits = Limits::default();
    (limits.attach, limits.stop) = (Duration::from_secs(100_000), Duration::from_secs(1));
    limits
}

/// What arrives of the test, when so many attachments lose something.
async fn run(loses: Loses, times: usize) -> (String, usize, String) {
    let folder = tempfile::tempdir().unwrap();
    let through = LocalConnection::new("lossy", folder.path());
    let (left, attaches) = (AtomicUsize::new(times), Arc::new(Notify::new()));
    let connection = Arc::new(Lossy { through, left, loses, attaches: Arc::clone(&attaches) });
    let name = TestName::new("/t").unwrap();
    let executor = FmfExecutor::new(TestSuite::new([(name.clone(), Test::new(TALKS))]))
        .work_base(folder.path().to_str().unwrap())
        .limits(limits());
    let cancel = CancellationToken::new();
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        attaches.notified().await;
        cancelled.cancel();
    });
    let mut session = executor.start(connection, &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    let went = match session.run(&name, &artifacts, &cancel).await {
        Ok(outcome) => format!("{}, exit code {:?}", outcome.verdict, outcome.exit_code),
        Err(error) => error.to_string(),
    };
    session.stop().await.unwrap();
    let reported =
        artifacts.results().unwrap().filter(|one| one.as_ref().unwrap().name().is_some());
    let output = std::fs::read_to_string(artifacts.files_dir().join("output.txt")).unwrap();
    (went, reported.count(), output)
}

#[tokio::test]
async fn what_got_lost_is_fetched_again() {
    let lines: String = (1..=200).map(|i| format!("line {i}\n")).collect();
    let ends = ("failed, exit code Some(3)".to_owned(), 200, lines);
    // The line that says that somebody is attached comes first.

    for loses in
        [Loses::Complains, Loses::Output, Loses::ControlAfter(15), Loses::ControlAfter(15 + 1234)]
    {
        for times in [1, 2] {
            assert_eq!(run(loses, times).await, ends, "{loses:?}, {times} times");
        }
    }
}

#[tokio::test]
async fn who_always_loses_something_is_given_up() {
    let (went, ..) = run(Loses::Output, usize::MAX).await;
    assert_eq!(went, "lossy: a part of what the test said got lost, again and again");
}

/// Whoever cancels does not wait until it is clear that nothing can be attached to.
#[tokio::test]
async fn a_run_that_cannot_attach_is_cancelled_at_once() {
    let run = run(Loses::Everything, usize::MAX);
    let (went, ..) = tokio::time::timeout(Duration::from_secs(1000), run).await.unwrap();
    assert_eq!(went, "cancelled");
}
