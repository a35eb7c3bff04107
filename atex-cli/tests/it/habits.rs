//! The sample suite of `docs/guide/writing-tests.md`: the same results on this machine, over ssh, and in a container.
//!
//! Beakerlib is installed on none of these: the stand-in of the tests of `atex-exec` is laid beside the suite.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use atex_core::{Artifacts, CancellationToken, Connection, Executor};
use atex_exec::FmfExecutor;
use atex_fmf::{Context, Discover, Tree};
use atex_provision::LocalConnection;
use atex_provision::testkit::{Podman, Sshd};

use crate::bench::Bench;

/// Runs all tests of the plan in one session; what they and the scripts of the plan leave.
async fn run(connection: Arc<dyn Connection>, base: Option<&Path>) -> String {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stand_in = folder.path().join("beakerlib");
    fs::create_dir(&stand_in).unwrap();
    let script = sources.join("atex-exec/tests/it/behaviours/beakerlib.sh");
    fs::copy(script, stand_in.join("beakerlib.sh")).unwrap();
    let tree = Tree::open(sources.join("samples/habits")).unwrap();
    let context = Context::new().with("distro", ["fedora-42"]);
    let suite = Discover::new().plan("/plans/all").context(context).run(&tree).unwrap();
    let suite = Arc::new(suite.with_content(&stand_in, "beakerlib"));
    let executor = FmfExecutor::new(Arc::clone(&suite)).env("BEAKERLIB", "../beakerlib");
    let executor = executor.session_logs(folder.path().join("out/sessions"));
    let executor = base.and_then(Path::to_str).into_iter().fold(executor, FmfExecutor::work_base);
    let cancel = CancellationToken::new();
    let mut session = executor.start(connection, &cancel).await.unwrap();
    let mut text = String::new();
    for test in suite.tests.keys() {
        let out = folder.path().join("out").join(&test.as_str()[1..]);
        let outcome = session.run(test, &Artifacts::at(&out).unwrap(), &cancel).await.unwrap();
        let note = outcome.note.unwrap_or_default();
        text.push_str(&format!("=== {test}: {} {note}\n{}", outcome.verdict, listing(&out, &out)));
    }
    session.stop().await.unwrap();
    let logs = folder.path().join("out/sessions");
    let remote = fs::read_dir(&logs).unwrap().next().unwrap().unwrap().path();
    text + "=== around the tests\n" + &listing(&remote, &remote)
}

/// The files below a folder with what is in them, in the order of their names.
fn listing(folder: &Path, root: &Path) -> String {
    let mut paths: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let show = |path: &std::path::PathBuf| match path.is_dir() {
        true => listing(path, root),
        false => {
            let text = fs::read_to_string(path).unwrap().replace('\r', "\\r");
            format!("--- {}\n{text}", path.strip_prefix(root).unwrap().display())
        }
    };
    paths.iter().map(show).collect()
}

#[tokio::test]
async fn on_this_machine() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("tmp")).unwrap();
    let connection = Arc::new(LocalConnection::new("local", root.path()));
    insta::assert_snapshot!("habits", run(connection, None).await);
}

#[tokio::test]
async fn over_ssh() {
    let Some(sshd) = Sshd::for_test("the suite of habits over ssh") else { return };
    let base = tempfile::tempdir().unwrap();
    let connection = Arc::new(sshd.ssh().connect().await.unwrap());
    insta::assert_snapshot!("habits", run(connection, Some(base.path())).await);
}

#[tokio::test]
async fn in_a_container() {
    let Some(podman) = Podman::for_test("the suite of habits in a container") else { return };
    let connection = Arc::new(podman.container().connect().await.unwrap());
    insta::assert_snapshot!("habits", run(connection, None).await);
}

/// What the guide shows is what is run.
#[test]
fn the_guide_shows_pieces_of_the_suite() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let suite = listing(&sources.join("samples/habits"), sources);
    let guide = fs::read_to_string(sources.join("docs/guide/writing-tests.md")).unwrap();
    let blocks = guide.split("```").skip(1).step_by(2);
    let examples =
        blocks.filter_map(|block| block.split_once('\n').filter(|(kind, _)| *kind != "text"));
    let examples: Vec<&str> = examples.map(|(_, text)| text).collect();
    assert!(examples.len() > 10, "{}", examples.len());
    for example in examples {
        assert!(suite.contains(example), "this is nowhere in the suite:\n{example}");
    }
}

/// Typed as the guide says, anywhere: no more than what the guide names fails.
#[test]
fn the_command_of_the_guide_does_what_it_says() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = fs::read_to_string(sources.join("docs/guide/writing-tests.md")).unwrap();
    let command = guide.lines().find_map(|line| line.strip_prefix("atex run --root samples/"));
    let root = sources.join("samples");
    let bench = Bench::new(&[]);
    let text = bench.atex(&format!("run --root {}/{}", root.display(), command.unwrap()));
    let failed = text.lines().filter(|line| line.contains("  failed  /tests/"));
    let others = failed.filter(|line| !line.contains("/beakerlib ") && !line.contains("/parts "));
    assert_eq!(others.collect::<Vec<_>>(), [""; 0], "{text}");
    assert!(text.contains("passed  /tests/environment"), "{text}");
    assert!(!text.contains("not run"), "{text}");
}
