//! Agreement with recorded answers: those of this project, and a larger corpus where there is one.

use std::path::{Path, PathBuf};

use crate::compare::{Part, compare};
use crate::tree::agrees;
use serde_json::json;

fn report(parts: &[Part]) -> String {
    let lines = parts.iter().map(|part| {
        let differences = part.differences.iter().take(3).map(|text| format!("  {text}\n"));
        format!("{part}\n{}", differences.collect::<String>())
    });
    lines.collect()
}

/// All of them need the features that some ask about.
#[cfg(feature = "schema")]
#[test]
fn own_cases_rules_and_filters_agree() {
    let parts = compare(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it"));
    insta::assert_snapshot!(report(&parts));
}

/// Tables and cases alone, or whole trees: everything that lies in `../shared/fmf` beside the repository.
#[test]
fn the_corpus_agrees_where_there_is_one() {
    let up = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let Some(folder) = up.map(|folder| folder.join("shared/fmf")).find(|folder| folder.is_dir())
    else {
        eprintln!("skipped: there is no folder 'shared/fmf' beside the repository");
        return;
    };
    let parts = compare(&folder);
    eprintln!("{}", report(&parts));
    for part in &parts {
        // Questions about operations that are not built yet are counted, but not held against the rest.
        let unbuilt = |text: &&String| text.contains("\"missing\":");
        let wrong: Vec<&String> = part.differences.iter().filter(|text| !unbuilt(text)).collect();
        assert_eq!(wrong, Vec::<&String>::new(), "{part}");
    }
}

#[test]
fn the_comparison_notices_a_changed_answer() {
    let node = json!({"nodes": [{"name": "/", "data": {"a": 1}}]});
    assert!(agrees(&node, &node));
    assert!(!agrees(&node, &json!({"nodes": [{"name": "/", "data": {"a": 1.0}}]})));
    assert!(!agrees(&node, &json!({"error": "FileError"})));
    let error = json!({"error": "FileError", "message": "ours"});
    assert!(agrees(&error, &json!({"error": "FileError", "fmf_error": true})));
    assert!(!agrees(&error, &json!({"error": "MergeError", "fmf_error": true})));
    assert!(agrees(&error, &json!({"error": "AttributeError", "fmf_error": false})));
    assert!(!agrees(&error, &node));
    let violations = json!({"result": false, "errors": ["a", "b"]});
    assert!(agrees(&violations, &json!({"result": false, "errors": ["b", "a"]})));
    assert!(!agrees(&violations, &json!({"result": false, "errors": ["b"]})));
    assert!(!agrees(&violations, &json!({"result": true, "errors": ["a", "b"]})));
}

#[test]
fn a_folder_with_a_wrong_answer_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let cases: PathBuf = folder.path().join("cases");
    std::fs::create_dir(&cases).unwrap();
    let rows = json!([
        {"context": {"a": "1"}, "rule": "a == 1", "expected": true},
        {"context": {"a": "1"}, "rule": "a == 1", "expected": false},
    ]);
    std::fs::write(cases.join("rules.json"), rows.to_string()).unwrap();
    insta::assert_snapshot!(report(&compare(folder.path())), @r#"
    rules 1/2
      {"context":{"a":"1"},"rule":"a == 1","expected":false}
      got true
    "#);
}

/// A corpus with one question of each kind; what in its answers is changed, and the part that must notice.
const CHANGES: [(&str, &str, &str, &str); 9] = [
    ("cases/cases.json", r#""data":{"a":1}"#, r#""data":{"a":1.0}"#, "cases"),
    ("cases/cases.json", r#""keys":["a"]"#, r#""keys":["b"]"#, "cases"),
    ("cases/cases.json", r#""error":"MergeError""#, r#""error":"FileError""#, "cases"),
    ("cases/rules.json", r#""expected":true"#, r#""expected":false"#, "rules"),
    ("cases/filters.json", r#""expected":false"#, r#""expected":"FilterError""#, "filters"),
    ("corpus/o+n/expect/x.json", r#""data":{"a":1"#, r#""data":{"a":3"#, "corpus o+n"),
    ("corpus/o+n/expect/x.json", r#""data":{"a":2"#, r#""data":{"a":1"#, "corpus o+n"),
    ("corpus/o+n/expect/x.json", r#"[["/","+"]]"#, r#"[["/","-"]]"#, "corpus o+n"),
    ("corpus/o+n/expect/x.json", r#""prunes":[["/"]]"#, r#""prunes":[[]]"#, "corpus o+n"),
];

#[test]
fn one_changed_answer_of_any_kind_is_a_difference() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let node = |data: serde_json::Value| {
        let keys: Vec<&String> = data.as_object().unwrap().keys().collect();
        json!({"name": "/", "keys": keys, "data": data, "sources": ["main.fmf"], "selected": true})
    };
    let files = |text: &str| json!({".fmf/version": "1\n", "main.fmf": text});
    let rule = json!([{"when": "d == 1", "a": 2}]);
    let (plain, adjusted) = (json!({"a": 1, "adjust": rule}), json!({"a": 2, "adjust": rule}));
    let sound = [
        (
            "cases/cases.json",
            json!([
                {"name": "data", "files": files("a: 1"), "expected": {"nodes": [node(json!({"a": 1}))]}},
                {"name": "error", "files": files("a: [1]\n/b: {a+: 1}"),
                 "expected": {"error": "MergeError", "fmf_error": true}},
            ]),
        ),
        ("cases/rules.json", json!([{"context": {"a": "1"}, "rule": "a == 1", "expected": true}])),
        ("cases/filters.json", json!([{"filter": "a: 1", "data": {"a": 2}, "expected": false}])),
        (
            "corpus/o+n/expect/x.json",
            json!({"root": ".", "runs": [
                {"name": "none", "spec": {}, "expected": {"nodes": [node(plain.clone())]}},
                {"name": "one", "spec": {"adjust": [{"context": {"d": "1"}}]},
                 "expected": {"decisions": [[["/", "+"]]], "changed": [node(adjusted)]}},
                {"name": "prunes", "spec": {"prunes": [{}]}, "expected": {"prunes": [["/"]]}},
            ]}),
        ),
    ];
    write("corpus/o+n/tree/.fmf/version", "1\n");
    write("corpus/o+n/tree/main.fmf", &plain.to_string());
    let numbers = || -> Vec<(String, usize)> {
        let parts = compare(folder.path()).into_iter();
        parts.map(|part| (part.name, part.differences.len())).collect()
    };
    for (path, json) in &sound {
        write(path, &json.to_string());
    }
    assert!(
        numbers().iter().all(|(_, differences)| *differences == 0),
        "{:?}",
        compare(folder.path())
    );
    for (path, from, to, part) in CHANGES {
        let (_, json) = sound.iter().find(|(own, _)| *own == path).unwrap();
        let text = json.to_string();
        assert!(text.contains(from), "{from} is not in {text}");
        write(path, &text.replacen(from, to, 1));
        let expected =
            numbers().into_iter().map(|(name, _)| (name.clone(), usize::from(name == part)));
        assert_eq!(numbers(), expected.collect::<Vec<_>>(), "{path}: {from} -> {to}");
        write(path, &text);
    }
}
