//! A host whose login shell prints before everything it runs: nothing of that is in the results.

use std::fs;
use std::sync::Arc;

use atex_core::{Artifacts, CancellationToken, Connection, Executor, Test, TestName, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::testkit::Sshd;

const NOISE: &str = "echo welcome; printf 'result 3\\nxyz\\n\\377\\0no newline' >&2; printf '>'";

const TEST: &str = r#"
echo out; echo err >&2
printf 'result 33\n{"name": "sub", "status": "pass"}' >&$ATEX_TEST_CONTROL
exit 3"#;

const RESULTS: &str = r#"{"name": "sub", "status": "pass"}
{"status": "fail", "files": ["output.txt"]}
"#;

#[tokio::test]
async fn what_a_login_shell_prints_is_in_no_result() {
    let test = "what_a_login_shell_prints_is_in_no_result";
    let Some(sshd) = Sshd::for_test_with_startup(test, NOISE) else { return };
    let folder = tempfile::tempdir().unwrap();
    let connection: Arc<dyn Connection> = Arc::new(sshd.ssh().connect().await.unwrap());
    let name = TestName::new("/t").unwrap();
    let executor = FmfExecutor::new(TestSuite::new([(name.clone(), Test::new(TEST))]))
        .work_base(folder.path().to_str().unwrap());
    let cancel = CancellationToken::new();
    let mut session = executor.start(Arc::clone(&connection), &cancel).await.unwrap();
    for run in 0..2 {
        let artifacts = Artifacts::at(folder.path().join(format!("out{run}"))).unwrap();
        let outcome = session.run(&name, &artifacts, &cancel).await.unwrap();
        assert_eq!(outcome.exit_code, Some(3));
        let output = fs::read_to_string(artifacts.files_dir().join("output.txt")).unwrap();
        assert_eq!(output, "out\nerr\n");
        let results = fs::read_to_string(artifacts.results_file()).unwrap();
        assert_eq!(results, RESULTS);
    }
    session.stop().await.unwrap();
}
