//! Secrets: they reach the test, and nobody else.

use std::path::Path;
use std::sync::Arc;

use atex_core::{CancellationToken, Executor, Fault, Test, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;

use crate::fmf::Bench;
use crate::logged::Logged;

const SECRET: &str = "hunter2\u{17e}-and-more";

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
    let (logged, _guard) = Logged::begin();
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
    assert!(!logged.text().contains("hunter2"));
}

#[tokio::test]
async fn a_secret_that_would_show_in_a_list_of_processes_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Arc::new(LocalConnection::new("system", folder.path()));
    let executor = FmfExecutor::new(TestSuite::new([])).secret("no-variable", SECRET);
    let error = executor.start(connection, &CancellationToken::new()).await.unwrap_err();
    assert_eq!((error.fault(), error.to_string().contains("hunter2")), (Fault::Usage, false));
}
