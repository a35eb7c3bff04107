//! The results of all tests in one file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use atex_core::{Aggregator, Artifacts, Error, Outcome, Record, SafePath, Verdict};
use atex_report::{ResultsFile, ResultsFormat, ResultsPlan};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::run::name;

/// A folder with an aggregator, and artifacts to give to it.
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) lines: Arc<ResultsFile>,
    made: std::cell::Cell<usize>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::with(|lines| lines)
    }

    pub(crate) fn with(options: impl Fn(ResultsPlan) -> ResultsPlan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan =
            options(ResultsPlan::new(ResultsFormat::JsonLines).files(dir.path().join("files")));
        Self::of(dir, plan)
    }

    /// With another format.
    #[cfg(feature = "csv")]
    pub(crate) fn format(format: ResultsFormat) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = ResultsPlan::new(format).files(dir.path().join("files"));
        Self::of(dir, plan)
    }

    fn of(dir: TempDir, plan: ResultsPlan) -> Self {
        let lines = plan.create(dir.path().join("results.jsonl")).unwrap();
        Self { lines: Arc::new(lines), dir, made: 0.into() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn results(&self) -> String {
        fs::read_to_string(self.path("results.jsonl")).unwrap()
    }

    /// Artifacts with these results, and files by their path below `files`.
    pub(crate) fn record(
        &self,
        (platform, test): (&str, &str),
        results: &str,
        files: &[(&str, &str)],
    ) -> Record {
        self.made.set(self.made.get() + 1);
        let artifacts =
            Artifacts::at(self.path(&format!("artifacts/{}", self.made.get()))).unwrap();
        fs::write(artifacts.results_file(), results).unwrap();
        for (file, content) in files {
            let path = artifacts.files_dir().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let outcome = Outcome::new(Verdict::Passed, Duration::ZERO);
        Record { platform: platform.into(), test: name(test), artifacts, outcome, when: None }
    }

    /// Everything below the folder of files, with its content.
    pub(crate) fn tree(&self) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        collect(&self.path("files"), "", &mut tree);
        tree
    }
}

fn collect(dir: &Path, prefix: &str, tree: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), tree);
        } else {
            tree.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

pub(crate) fn jsonl(results: &[Value]) -> String {
    results.iter().map(|result| format!("{result}\n")).collect()
}

/// The expectation is what the Python ATEX 1.2 wrote for the same artifacts.
#[tokio::test]
async fn is_what_the_python_one_writes() {
    let place = Place::new();
    let note = "ž: \"q\" \u{7f}\u{1}\t\u{2028}😀";
    let records = [
        place.record(
            ("9.8@x86_64", "/some/test"),
            &jsonl(&[
                json!({"status": "pass", "name": "sub/one", "files": ["l", "d/x.log"], "note": note}),
                json!({"status": "fail", "files": ["output.txt"], "extra": {"a": 1}}),
            ]),
            &[("sub/one/l", "L"), ("sub/one/d/x.log", "X"), ("output.txt", "out")],
        ),
        place.record(("9.8@x86_64", "/empty/object"), "{}\n", &[]),
        place.record(("9.8@x86_64", "/no/results"), "", &[("a", "a")]),
        place.record(
            ("9.8@x86_64", "/odd"),
            &jsonl(&[
                json!({"status": null, "name": null, "note": null, "files": []}),
                json!({"status": 5, "name": ["x", {"b": 1.5}], "note": true}),
            ]),
            &[],
        ),
        place.record(
            ("10@aarch64", "/some/test"),
            &jsonl(&[json!({"status": "infra", "note": "a\\b/c", "files": ["output.txt"]})]),
            &[("output.txt", "other")],
        ),
        place.record(
            ("a/../b\u{1}", "/x/../../y"),
            &jsonl(&[json!({"status": "pass", "files": ["f"]})]),
            &[("f", "f")],
        ),
        place.record(
            ("p", "rel//name/"),
            // The last line without its end, too.
            jsonl(&[json!({"status": "skip", "files": ["f"]})]).trim_end(),
            &[("f", "f2")],
        ),
    ];
    for record in records {
        place.lines.ingest(record).await.unwrap();
    }
    let expected = r#"["9.8@x86_64", "pass", "/some/test", "sub/one", ["l", "d/x.log"], "\u017e: \"q\" \u007f\u0001\t\u2028\ud83d\ude00"]
["9.8@x86_64", "fail", "/some/test", null, ["output.txt"], null]
["9.8@x86_64", null, "/empty/object", null, [], null]
["9.8@x86_64", null, "/odd", null, [], null]
["9.8@x86_64", 5, "/odd", ["x", {"b": 1.5}], [], true]
["10@aarch64", "infra", "/some/test", null, ["output.txt"], "a\\b/c"]
["a/../b\u0001", "pass", "/x/../../y", null, ["f"], null]
["p", "skip", "rel//name/", null, ["f"], null]
"#;
    assert_eq!(place.results(), expected);
    let files = [
        ("10@aarch64/some/test/output.txt", "other"),
        ("9.8@x86_64/no/results/a", "a"),
        ("9.8@x86_64/some/test/output.txt", "out"),
        ("9.8@x86_64/some/test/sub/one/d/x.log", "X"),
        ("9.8@x86_64/some/test/sub/one/l", "L"),
        ("a/b_/x/y/f", "f"),
        ("p/rel/name/f", "f2"),
    ];
    let files = files.map(|(path, content)| (path.to_owned(), content.to_owned()));
    assert_eq!(place.tree(), BTreeMap::from(files));
}

#[tokio::test]
async fn artifacts_are_linked_and_left_alone() {
    let place = Place::new();
    let record = place.record(("p", "/t"), "{}\n", &[("f", "x")]);
    let source = record.artifacts.files_dir().join("f");
    place.lines.ingest(record.clone()).await.unwrap();
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&source), inode(&place.path("files/p/t/f")));
    assert!(record.artifacts.results_file().exists());
}

/// Tests with their files, in the order in which they come; and what is listed then, as `TEST: FILES`.
#[tokio::test]
async fn files_give_way_to_each_other() {
    type Tests = &'static [(&'static str, &'static [&'static str])];
    let cases: [(Tests, &str); 7] = [
        (&[("/a", &["x"]), ("/a/b", &["x"])], "/a: x\n/a/b: x"),
        (&[("/a/b", &["x"]), ("/a", &["x"])], "/a/b: x\n/a: x"),
        (&[("/a", &["b/x.log"]), ("/a/b", &["x.log"])], "/a: b/x.log\n/a/b: x (1).log"),
        (&[("/a/b", &["x"]), ("/a", &["b/x", "x"])], "/a/b: x\n/a: b/x (1) x"),
        (&[("/a", &["b"]), ("/a/b/c", &["x"])], "/a: b\n/a/b (1)/c: x"),
        (&[("/a/b", &["x"]), ("/a", &["b"])], "/a/b: x\n/a: b (1)"),
        (&[("/a", &["x"]), ("a/", &["x/y", "z"])], "/a: x\na (1): x/y z"),
    ];
    for (tests, expected) in cases {
        let place = Place::new();
        for (test, files) in tests {
            ingest_files(&place, test, files).await;
        }
        let mut listed = Vec::new();
        for line in place.results().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let files: Vec<&str> =
                line[4].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
            listed.push(format!("{}: {}", line[2].as_str().unwrap(), files.join(" ")));
        }
        assert_eq!(listed.join("\n"), expected);
        check_contents(&place, tests.iter().map(|(test, files)| (*test, files.to_vec())));
    }
}

/// Ingests a test with these files, whose contents say whose they are.
async fn ingest_files(place: &Place, test: &str, files: &[&str]) {
    let contents: Vec<String> = files.iter().map(|file| format!("{test}|{file}")).collect();
    let files: Vec<(&str, &str)> =
        files.iter().copied().zip(contents.iter().map(String::as_str)).collect();
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    let record = place.record(("p", test), &jsonl(&[json!({"files": names})]), &files);
    place.lines.ingest(record).await.unwrap();
}

/// Follows every listed file as a reader does, and finds what the test left there.
fn check_contents<'a>(place: &Place, tests: impl Iterator<Item = (&'a str, Vec<&'a str>)>) {
    let results = place.results();
    let mut count = 0;
    for (line, (test, files)) in results.lines().zip(tests) {
        let line: Value = serde_json::from_str(line).unwrap();
        let folder = SafePath::new(line[2].as_str().unwrap()).unwrap();
        let listed = line[4].as_array().unwrap();
        assert_eq!(listed.len(), files.len());
        for (listed, file) in listed.iter().zip(&files) {
            let path = folder.below(&place.path("files/p")).join(listed.as_str().unwrap());
            assert_eq!(fs::read_to_string(path).unwrap(), format!("{test}|{file}"));
            count += 1;
        }
    }
    assert_eq!(place.tree().len(), count, "nothing lies there that nobody lists");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever tests leave, and in whatever order they end: every file is found where its result says.
    #[test]
    fn no_file_is_lost_or_mixed(
        tests in proptest::collection::btree_map("(/[ab]){1,3}", proptest::collection::btree_set("[ab](/[ab]){0,2}", 0..4), 1..6),
        turn in 0..6_usize,
    ) {
        let mut tests: Vec<(String, Vec<String>)> = tests
            .into_iter()
            .map(|(test, files)| {
                // One test cannot have a file where it has a folder.
                let all: Vec<String> = files.into_iter().collect();
                let fits = |file: &&String| !all.iter().any(|other| other.starts_with(&format!("{file}/")));
                (test, all.iter().filter(fits).cloned().collect())
            })
            .collect();
        let turn = turn % tests.len();
        tests.rotate_left(turn);
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for (test, files) in &tests {
                ingest_files(&place, test, &files.iter().map(String::as_str).collect::<Vec<_>>()).await;
            }
        });
        check_contents(&place, tests.iter().map(|(test, files)| (test.as_str(), files.iter().map(String::as_str).collect())));
    }
}

#[tokio::test]
async fn a_test_comes_once_unless_duplicates_are_allowed() {
    let place = Place::new();
    let record = |platform| place.record((platform, "/t"), "{}\n", &[("f", "x")]);
    place.lines.ingest(record("p")).await.unwrap();
    let error = place.lines.ingest(record("p")).await.unwrap_err();
    assert!(error.to_string().starts_with("/t of p is in "), "{error}");
    place.lines.ingest(record("q")).await.unwrap();

    let place = Place::with(ResultsPlan::allow_duplicates);
    for _ in 0..3 {
        let record = place.record(("p", "/t"), "{\"files\": [\"f\"]}\n", &[("f", "x")]);
        place.lines.ingest(record).await.unwrap();
    }
    let names = ["/t", "/t (1)", "/t (2)"];
    let expected = names.map(|name| format!("[\"p\", null, \"{name}\", null, [\"f\"], null]\n"));
    assert_eq!(place.results(), expected.concat());
    assert_eq!(place.tree().into_keys().collect::<Vec<_>>(), ["p/t (1)/f", "p/t (2)/f", "p/t/f"]);
}

#[tokio::test]
async fn all_or_nothing_of_a_test_goes_in() {
    let place = Place::new();
    place.lines.ingest(place.record(("p", "/first"), "{}\n", &[])).await.unwrap();
    let before = place.results();
    // More than what is kept in memory, too.
    for good in [2, 50_000] {
        let results = format!("{}[]\n", "{\"note\": \"a note of some length\"}\n".repeat(good));
        let record = place.record(("p", "/bad"), &results, &[("f", "x")]);
        let error = place.lines.ingest(record).await.unwrap_err();
        assert!(
            error.to_string().contains(&format!("results:{}: not a result", good + 1)),
            "{error}"
        );
        assert_eq!(place.results(), before);
        assert_eq!(place.tree(), BTreeMap::new());
    }
    let mut record = place.record(("p", "/bad"), "", &[]);
    fs::remove_file(record.artifacts.results_file()).unwrap();
    let error = place.lines.ingest(record.clone()).await.unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    // Once it is well it can go in, however often it was refused.
    record = place.record(("p", "/bad"), "{}\n", &[]);
    place.lines.ingest(record).await.unwrap();
}

#[tokio::test]
async fn many_results_are_written_in_order() {
    let place = Place::new();
    let results: String = (0..50_000).map(|n| format!("{{\"note\": \"number {n}\"}}\n")).collect();
    place.lines.ingest(place.record(("p", "/many"), &results, &[])).await.unwrap();
    place.lines.ingest(place.record(("p", "/next"), "{}\n", &[])).await.unwrap();
    let written = place.results();
    let mut lines = written.lines();
    for n in 0..50_000 {
        let expected = format!("[\"p\", null, \"/many\", null, [], \"number {n}\"]");
        assert_eq!(lines.next(), Some(expected.as_str()));
    }
    assert_eq!(lines.count(), 1);
}

#[tokio::test]
async fn nothing_is_followed_out_of_the_artifacts() {
    let place = Place::new();
    fs::create_dir(place.path("outside")).unwrap();
    fs::write(place.path("outside/secret"), "secret").unwrap();
    let record = place.record(("p", "/t"), "{\"files\": [\"l\", \"ok\"]}\n", &[("ok", "ok")]);
    let files = record.artifacts.files_dir();
    symlink(place.path("outside/secret"), files.join("l")).unwrap();
    symlink(place.path("outside"), files.join("d")).unwrap();
    make_pipe(&files.join("pipe"));
    place.lines.ingest(record).await.unwrap();
    assert_eq!(place.tree(), BTreeMap::from([("p/t/ok".to_owned(), "ok".to_owned())]));

    let whole = place.record(("p", "/whole"), "{}\n", &[]);
    symlink(place.path("outside"), whole.artifacts.files_dir()).unwrap();
    place.lines.ingest(whole).await.unwrap();
    assert_eq!(place.tree().len(), 1);

    fs::write(place.path("outside/results"), "{}\n").unwrap();
    let linked = place.record(("p", "/linked"), "", &[]);
    let results = linked.artifacts.results_file();
    fs::remove_file(&results).unwrap();
    symlink(place.path("outside/results"), &results).unwrap();
    place.lines.ingest(linked.clone()).await.unwrap_err();
    fs::remove_file(&results).unwrap();
    make_pipe(&results);
    // Does not wait for somebody to write into it.
    place.lines.ingest(linked).await.unwrap_err();
}

fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, mknodat};
    mknodat(CWD, path, FileType::Fifo, 0o600.into(), 0).unwrap();
}

fn create(results: &Path, files: &Path) -> atex_core::Result<ResultsFile> {
    ResultsPlan::new(ResultsFormat::JsonLines).files(files).create(results)
}

#[test]
fn what_exists_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (results, files) = (dir.path().join("results.jsonl"), dir.path().join("files"));
    fs::create_dir(&files).unwrap();
    create(&results, &files).unwrap_err();
    assert!(!results.exists(), "half of it is not left");
    fs::remove_dir(&files).unwrap();
    fs::write(&results, "kept").unwrap();
    create(&results, &files).unwrap_err();
    assert_eq!(fs::read_to_string(&results).unwrap(), "kept");
    assert!(!files.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tests_at_once_do_not_mix() {
    let place = Place::new();
    let mut tasks = Vec::new();
    for test in 0..40 {
        let results: String = (0..50).map(|n| format!("{{\"status\": \"{n}\"}}\n")).collect();
        let record =
            place.record(("p", &format!("/{test}")), &results, &[("f", "x"), ("d/g", "y")]);
        let lines = place.lines.clone();
        tasks.push(tokio::spawn(async move { lines.ingest(record).await }));
    }
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let results = place.results();
    let lines: Vec<&str> = results.lines().collect();
    assert_eq!(lines.len(), 40 * 50);
    for test in lines.chunks(50) {
        let of = |line: &str| line.split(", ").nth(2).unwrap().to_owned();
        assert!(
            test.iter().all(|line| of(line) == of(test[0])),
            "the lines of a test are together"
        );
    }
    assert_eq!(place.tree().len(), 80);
}

#[tokio::test]
async fn after_the_end_nothing_goes_in() {
    let place = Place::new();
    place.lines.finish().await.unwrap();
    place.lines.finish().await.unwrap();
    let error = place.lines.ingest(place.record(("p", "/t"), "{}\n", &[("f", "x")])).await;
    assert!(error.unwrap_err().to_string().ends_with("results.jsonl: it was finished"));
    assert_eq!((place.results(), place.tree()), (String::new(), BTreeMap::new()));
}

#[tokio::test]
async fn who_stops_waiting_leaves_all_or_nothing() {
    let place = Place::new();
    for test in 0..20 {
        let results = "{\"files\": [\"f\"]}\n".repeat(10);
        let record = place.record(("p", &format!("/{test}")), &results, &[("f", "x")]);
        let mut waiting = place.lines.ingest(record);
        // Mostly not done yet.
        drop(poll_once(&mut waiting).await);
        drop(waiting);
    }
    // Waits for those that are still at it.
    place.lines.finish().await.unwrap();
    let lines = place.results().lines().count();
    assert_eq!(lines, place.tree().len() * 10);
}

/// Polls once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        Poll::Ready(match Pin::new(&mut *future).poll(context) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
