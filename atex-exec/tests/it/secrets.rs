//! Secrets: they reach the test, and nobody else.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use atex_core::{CancellationToken, Executor, Fault, Test, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;
use tracing_subscriber::fmt::MakeWriter;

use crate::fmf::Bench;

const SECRET: &str = "hunter2\u{17e}-and-more";

/// All that is logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Says, prints, attaches and uploads a secret, and looks for it in the lists of processes.
const SCRIPT: &str = r#"
report() { printf 'result %d\n%s' "$(printf %s "$1" | wc -c)" "$1" >&$ATEX_TEST_CONTROL; }
seen=$(grep -laF -f <(printf %s "${TOKEN:0:7}") /proc/[0-9]*/cmdline 2>/dev/null | wc -l || :)
echo "printed: $TOKEN"
report "{\"name\": \"in $TOKEN\", \"note\": \"seen $seen, $TOKEN\", \"$TOKEN\": {\"deep\": [\"x$TOKEN\"]}, \"testout\": \"out-$TOKEN\"}"
report "{\"name\": \"file\", \"files\": [{\"name\": \"$TOKEN.txt\", \"length\": $(printf %s "$TOKEN" | wc -c)}]}"
printf %s "$TOKEN" >&$ATEX_TEST_CONTROL
echo "wrong $TOKEN" >&$ATEX_TEST_CONTROL
sleep 1000"#;

/// Whether a secret is in the name or the content of anything below a folder.
fn find(folder: &Path, secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.to_string_lossy().contains(secret) {
            found.push(format!("named {}", path.display()));
        }
        if path.is_dir() {
            found.extend(find(&path, secret));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(secret) {
            found.push(format!("in {}", path.display()));
        }
    }
    found
}

#[tokio::test]
async fn secrets_reach_the_test_and_nobody_else() {
    let logged = Logged::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logged.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut bench = Bench::with(Test::new(SCRIPT), |executor| {
        let executor = executor.secret("TOKEN", SECRET);
        let shown = format!("{executor:?} {executor:#?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
        executor
    })
    .await;
    let outcome = bench.run(&CancellationToken::new()).await.unwrap();
    let shown = format!("{outcome:?}");
    assert!(shown.contains("unknown control word: wrong ******"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
    let out = bench.folder.path().join("out");
    assert_eq!(find(&out, "hunter2"), Vec::<String>::new());
    let results = std::fs::read_to_string(out.join("results")).unwrap();
    assert!(results.contains("seen 0, *****"), "{results}");
    // Each of its bytes has become a `*`.
    let output = std::fs::read_to_string(out.join("files/output.txt")).unwrap();
    assert_eq!(output, format!("printed: {}\n", "*".repeat(SECRET.len())));
    bench.finish().await;
    let logged = logged.0.lock().unwrap();
    assert!(!String::from_utf8_lossy(&logged).contains("hunter2"));
}

#[tokio::test]
async fn a_secret_that_would_show_in_a_list_of_processes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Arc::new(LocalConnection::new("system", folder.path()));
    let executor = FmfExecutor::new(TestSuite::new([])).secret("no-variable", SECRET);
    let error = executor.start(connection, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((error.fault(), error.to_string().contains("hunter2")), (Fault::Usage, false));
}
