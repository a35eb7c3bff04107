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
