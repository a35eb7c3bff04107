//! From the store into every format and back.

use std::fs;
use std::path::{Path, PathBuf};

use atex_core::Aggregator;
use atex_report::{
    Import, Imported, PackFormat, ResultsFormat, ResultsPlan, RunInfo, RunStore, StoreError,
};
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn info() -> RunInfo {
    RunInfo::new("r", "test", "2026-01-02T03:04:05Z".parse().unwrap())
}

pub(crate) fn import(file: &Path, out: &Path) -> Result<Imported, StoreError> {
    let mut import = Import::into_folder(out, &info())?;
    import.read(file)?;
    runtime().block_on(import.finish())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// Writes all tests of a run in this format, with their files beside it.
fn export(store: &RunStore, plan: ResultsPlan, file: &Path) {
    let files = file.with_file_name("files");
    let results = plan.files(files).create(file).unwrap();
    runtime().block_on(async {
        let finished = store.finished().unwrap();
        assert_eq!(finished.gone, 0);
        for test in finished.tests {
            results.ingest_with(test.record, test.earlier).await.unwrap();
        }
        results.finish().await.unwrap();
    });
}

/// All results of a run, sorted: formats may bring a test's own result to another place among them.
fn results(store: &RunStore) -> Vec<Value> {
    let text = fs::read_to_string(store.results_path()).unwrap();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(Value::to_string);
    lines
}

/// The files of a run, with their content.
fn files(store: &RunStore) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![store.files_dir()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(store.files_dir()).unwrap().to_owned();
                files.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

fn all() -> Vec<(&'static str, ResultsPlan)> {
    let mut all = vec![
        ("results.jsonl", ResultsPlan::new(ResultsFormat::JsonLines)),
        ("results.yaml", ResultsPlan::new(ResultsFormat::Yaml)),
        ("results.xml", ResultsPlan::new(ResultsFormat::Junit)),
        ("results.csv", ResultsPlan::new(ResultsFormat::Csv)),
        ("results.sqlite", ResultsPlan::new(ResultsFormat::Sqlite)),
        // The name says nothing.
        ("zipped.xml", ResultsPlan::new(ResultsFormat::Junit).packed(PackFormat::Gzip)),
        ("zipped.csv", ResultsPlan::new(ResultsFormat::Csv).packed(PackFormat::Zstd)),
    ];
    for format in PackFormat::ALL {
        all.push(("zipped", ResultsPlan::new(ResultsFormat::JsonLines).packed(format)));
    }
    all
}

/// Any text: what people write, and what breaks formats.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z /.-]{1,12}",
        "(\\PC|[\\x00-\\x1f\\x7f\\x80-\\x9f\u{fffe}\u{ffff}\u{2028}\"'<>&:#=+@%,\\[\\]{}|\\\\-]){1,20}",
        proptest::sample::select(vec![
            "null",
            "~",
            "yes",
            "5",
            "0x1f",
            "1e5",
            "1_000",
            "12:30:45",
            "2026-01-02",
            "=1+1",
            "'",
            "''",
            "- x",
            "? x",
            " lead",
            "trail ",
            "a: b",
            "a #b",
            "!tag",
            "*a",
            "&a",
            "%x",
            "@x",
            "`x",
            "\r\n",
            "]]>",
            "<!--",
            "\u{feff}x",
            "True",
            "-",
        ])
        .prop_map(str::to_owned),
    ]
}

prop_compose! {
    fn result()(
        name in texts(),
        status in proptest::option::weighted(0.9, prop_oneof![
            4 => proptest::sample::select(vec!["pass", "fail", "error", "infra", "skip", "warn", "info", ""]).prop_map(str::to_owned),
            1 => texts(),
        ]),
        note in proptest::option::of(prop_oneof![9 => texts(), 1 => Just(String::new())]),
        files in proptest::collection::vec(texts(), 0..3),
    ) -> (String, Value, Value, Value) {
        (name, json!(status), json!(note), json!(files))
    }
}

prop_compose! {
    /// Lines of some tests, the test's own result as the last one.
    fn lines()(
        tests in proptest::collection::btree_map(
            (proptest::sample::select(vec!["p", "9.8@x86_64", "true"]), "/[a-z]{1,3}( [0-9])?"),
            (result(), proptest::collection::vec(result(), 0..4)),
            1..4,
        ),
    ) -> String {
        let mut text = String::new();
        for ((platform, test), (own, subtests)) in tests {
            let subtests = subtests.into_iter().map(|(name, status, note, files)| (json!(name), status, note, files));
            let own = (Value::Null, own.1, own.2, own.3);
            for (name, status, note, files) in subtests.chain([own]) {
                let line = json!([platform, status, test, name, files, note]);
                text.push_str(&format!("{line}\n"));
            }
        }
        text
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full") { 512 } else { 24 }))]
    #[test]
    fn every_format_brings_the_same_results_back(lines in lines()) {
        let dir = tempfile::tempdir().unwrap();
        let source = dir.path().join("source.jsonl");
        fs::write(&source, &lines).unwrap();
        let first = import(&source, &dir.path().join("first")).unwrap();
        let expected = results(&first.store);
        for (number, (name, plan)) in all().into_iter().enumerate() {
            let folder = dir.path().join(format!("out-{number}"));
            fs::create_dir(&folder).unwrap();
            export(&first.store, plan, &folder.join(name));
            let again = import(&folder.join(name), &folder.join("again")).unwrap();
            prop_assert!(again.notes.iter().all(|note| note.contains("are not there")), "{:?}", again.notes);
            let got = results(&again.store);
            // YAML has no place for a result of the test itself that says nothing.
            let says = |line: &&Value| !name.ends_with(".yaml") || line[3] != Value::Null || line[1] != Value::Null || line[5] != Value::Null || line[4] != json!([]);
            let expected: Vec<Value> = expected.iter().filter(says).cloned().collect();
            prop_assert!(got == expected, "{name}\n{}\nexpected {}", json!(got), json!(expected));
        }
    }
}

/// What happened to tests survives where the format has a place for it, and files do everywhere.
#[test]
fn files_and_verdicts_come_along() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("results.jsonl");
    let lines = concat!(
        "[\"p\", \"pass\", \"/a\", \"sub\", [\"log.txt\", \"d/x\"], null]\n",
        "[\"p\", \"fail\", \"/a\", null, [\"output.txt\", \"gone\"], \"why\"]\n",
        "[\"q\", \"skip\", \"/a\", null, [], null]\n",
        "[\"q\", \"infra\", \"/b\", null, [], \"lost\"]\n",
    );
    fs::write(&source, lines).unwrap();
    for (path, text) in [("p/a/sub/log.txt", "1"), ("p/a/sub/d/x", "2"), ("p/a/output.txt", "3")] {
        let path = dir.path().join("files").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let first = import(&source, &dir.path().join("first")).unwrap();
    assert_eq!(first.notes, ["1 files that results name are not there"]);
    assert_eq!((first.tests, first.results), (3, 4));
    let shown = |store: &RunStore| {
        let (report, torn) = store.report().unwrap();
        assert_eq!(torn, None);
        let tests = report.tests().map(|test| {
            format!("{} {:?} {:?} {:?}", test.name, test.platform, test.verdict, test.note)
        });
        tests.collect::<Vec<_>>()
    };
    insta::assert_snapshot!(shown(&first.store).join("\n"), @r#"
    /a Some("p") Some(Failed) Some("why")
    /a Some("q") Some(Skipped) None
    /b Some("q") Some(Infra) Some("lost")
    "#);
    assert_eq!(files(&first.store).len(), 3);
    for (number, (name, plan)) in all().into_iter().enumerate() {
        let folder = dir.path().join(format!("out-{number}"));
        fs::create_dir(&folder).unwrap();
        export(&first.store, plan, &folder.join(name));
        // JUnit files have none beside them, as far as anybody knows.
        let mut import =
            Import::into_folder(folder.join("again"), &info()).unwrap().files(folder.join("files"));
        import.read(&folder.join(name)).unwrap();
        let again = runtime().block_on(import.finish()).unwrap();
        assert_eq!(shown(&again.store), shown(&first.store), "{name}");
        assert_eq!(files(&again.store), files(&first.store), "{name}");
    }
}

/// Results can be exported while the run goes on, as often as one likes, and what exists is never overwritten.
#[test]
fn what_is_there_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    for (_, plan) in all() {
        let path = dir.path().join("there");
        fs::write(&path, "kept").unwrap();
        assert!(plan.create(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "kept");
    }
}

/// A name that the aggregator gives has to be known to it.
#[test]
fn outputs_have_names() {
    let dir = tempfile::tempdir().unwrap();
    let names = all().into_iter().enumerate().map(|(number, (_, plan))| {
        plan.create(dir.path().join(number.to_string())).unwrap().name()
    });
    assert!(names.into_iter().all(|name| name.contains(" into ")));
}
