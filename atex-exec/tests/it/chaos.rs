//! A connection that is cut again and again while much goes over it.

use std::fmt::Write;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use atex_core::{
    Artifacts, BoxRead, CancellationToken, Child, Command, Connection, Error, Executor, Result,
    Test, TestName, TestSuite, async_trait,
};
use atex_exec::FmfExecutor;
use atex_provision::testkit::Sshd;
use tokio::io::{AsyncRead, ReadBuf};

const BLOCKS: u64 = 10;
const RESULTS: u64 = 10_000;
/// The lines of the file of a block; each has 15 bytes.
const LINES: u64 = 3_400_000;
const CUTS: usize = 50;

/// Reports 10,000 results and 510 MB of files, and prints a line for each result.
const SCRIPT: &str = r#"
report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
for block in {0..9}; do
    for ((i = block * 1000; i < block * 1000 + 1000; i++)); do
        report "{\"name\": \"r$i\", \"status\": \"pass\"}"
        echo "line $i"
    done
    report "{\"name\": \"block$block\", \"files\": [{\"name\": \"data\", \"length\": 51000000}]}"
    seq -f "$block-%012.0f" 1 3400000 >&$ATEX_TEST_CONTROL
done"#;

/// A connection to a server that is cut whenever so much has come over it.
#[derive(Debug)]
struct Chaotic {
    inner: Arc<dyn Connection>,
    chaos: Arc<Mutex<Chaos>>,
}

#[derive(Debug)]
struct Chaos {
    sshd: Sshd,
    /// How many bytes came.
    came: u64,
    /// After how many it is cut, the last one first.
    cuts: Vec<u64>,
}

#[async_trait]
impl Connection for Chaotic {
    fn name(&self) -> &str {
        self.inner.name()
    }

    async fn spawn(&self, command: Command) -> Result<Child> {
        let mut child = self.inner.spawn(command).await?;
        let chaos = &self.chaos;
        child.stdout = child
            .stdout
            .take()
            .map(|stream| Box::new(Counted { stream, chaos: Arc::clone(chaos) }) as BoxRead);
        Ok(child)
    }

    async fn check(&self) -> Result<()> {
        self.inner.check().await
    }

    async fn reconnect(&self) -> Result<()> {
        self.inner.reconnect().await
    }

    async fn closed(&self) -> Error {
        self.inner.closed().await
    }
}

/// A stream whose bytes are counted.
struct Counted {
    stream: BoxRead,
    chaos: Arc<Mutex<Chaos>>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let mut chaos = self.chaos.lock().unwrap();
        chaos.came += (buffer.filled().len() - before) as u64;
        while chaos.cuts.last().is_some_and(|cut| *cut <= chaos.came) {
            chaos.cuts.pop();
            chaos.sshd.cut();
        }
        polled
    }
}

/// Half of the cuts fall anywhere, which is nearly always into a file; the others among the results of some block.
fn cuts() -> Vec<u64> {
    let random = |below: u64| RandomState::new().build_hasher().finish() % below;
    let block = LINES * 15 + 40_000;
    let mut cuts: Vec<u64> = (0..CUTS)
        .map(|number| match number % 2 {
            0 => random(BLOCKS * block),
            _ => random(BLOCKS) * block + random(60_000),
        })
        .collect();
    cuts.sort_unstable_by(|one, other| other.cmp(one));
    cuts
}

#[tokio::test]
async fn fifty_cuts_at_any_moment_lose_nothing_and_double_nothing() {
    let Some(sshd) = Sshd::for_test("fifty cuts at any moment") else { return };
    let folder = tempfile::tempdir().unwrap();
    let inner: Arc<dyn Connection> = Arc::new(sshd.ssh().connect().await.unwrap());
    let cuts = cuts();
    let chaos = Arc::new(Mutex::new(Chaos { sshd, came: 0, cuts: cuts.clone() }));
    let connection: Arc<dyn Connection> = Arc::new(Chaotic { inner, chaos: Arc::clone(&chaos) });
    let name = TestName::new("/t").unwrap();
    let mut test = Test::new(SCRIPT);
    test.duration = Some(Duration::from_secs(3600));
    let executor = FmfExecutor::new(TestSuite::new([(name.clone(), test)]))
        .work_base(folder.path().to_str().unwrap());
    let cancel = CancellationToken::new();
    let mut session = executor.start(Arc::clone(&connection), &cancel).await.unwrap();
    let artifacts = Artifacts::at(folder.path().join("out")).unwrap();
    let outcome = session.run(&name, &artifacts, &cancel).await;
    assert_eq!(outcome.expect("a verdict").exit_code, Some(0), "cut at {cuts:?}");
    assert_eq!(chaos.lock().unwrap().cuts, [0_u64; 0], "all cuts were made");
    check(&artifacts);
    // The last cut may have come after the end.
    connection.reconnect().await.unwrap();
    session.stop().await.unwrap();
}

/// Everything is there, once.
fn check(artifacts: &Artifacts) {
    let results = BufReader::new(File::open(artifacts.results_file()).unwrap()).lines();
    let mut expected: Vec<String> = Vec::new();
    for block in 0..BLOCKS {
        let first = block * RESULTS / BLOCKS;
        expected.extend(
            (first..first + RESULTS / BLOCKS)
                .map(|number| format!(r#"{{"name": "r{number}", "status": "pass"}}"#)),
        );
        expected.push(format!(r#"{{"name": "block{block}", "files": ["data"]}}"#));
    }
    expected.push(r#"{"status": "pass", "files": ["output.txt"]}"#.into());
    let mut count = 0;
    for (line, expected) in results.zip(&expected) {
        assert_eq!(&line.unwrap(), expected);
        count += 1;
    }
    assert_eq!(count, expected.len());
    for block in 0..BLOCKS {
        check_file(block, &artifacts.files_of(Some(&format!("block{block}"))).join("data"));
    }
    let output = fs::read_to_string(artifacts.files_dir().join("output.txt")).unwrap();
    let lines: Vec<String> = output.lines().map(str::to_owned).collect();
    let expected: Vec<String> = (0..RESULTS).map(|number| format!("line {number}")).collect();
    assert!(lines == expected, "the output has {} lines", lines.len());
}

fn check_file(block: u64, path: &Path) {
    let mut lines = BufReader::with_capacity(1 << 20, File::open(path).unwrap());
    let (mut line, mut expected) = (String::new(), String::new());
    for number in 1..=LINES {
        line.clear();
        expected.clear();
        lines.read_line(&mut line).unwrap();
        writeln!(expected, "{block}-{number:012}").unwrap();
        assert!(line == expected, "line {number} of block {block}: {line:?}");
    }
    assert!(lines.fill_buf().unwrap().is_empty(), "block {block} goes on");
}
