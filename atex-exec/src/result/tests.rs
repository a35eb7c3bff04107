//! Reports, parsed and merged.

use serde_json::Value;

use super::*;

/// Reports in, and what is written of them out, one line each; what is still open at the end is closed then.
fn written(reports: &[&str]) -> String {
    let mut open = OpenResults::default();
    let mut lines = Vec::new();
    let show = |report: Report| {
        let testout = report.testout.map_or(String::new(), |name| format!(" + testout {name}"));
        format!("{}{testout}", Value::Object(report.fields))
    };
    for report in reports {
        match Report::parse(report.as_bytes()).and_then(|report| open.add(report)) {
            Ok(report) => lines.extend(report.map(show)),
            Err(error) => lines.push(format!("error: {error}")),
        }
    }
    lines.extend(open.close().map(|report| format!("at the end: {}", show(report))));
    lines.join("\n")
}

#[test]
fn what_is_written_of_a_result() {
    let cases: &[&str] = &[
        r#"{}"#,
        r#"{"status": "pass", "x": {"any": [1, 2.50, null]}, "note": "n"}"#,
        r#"{"name": null, "status": 5}"#,
        "\u{feff}{\"status\": \"pass\"}",
        r#"{"partial": false, "status": "pass"}"#,
        r#"{"testout": "out/../x", "status": "pass"}"#,
        r#"{"files": [], "status": "pass"}"#,
        r#"{"files": [{"name": "b", "length": 1}, {"name": "a/../../c", "length": 0}, {"name": "b", "length": 2}]}"#,
        // What is refused.
        "[]",
        "1",
        "null",
        "{",
        "{} {}",
        r#"{"a": NaN}"#,
        "\u{1}",
        r#"{"testout": ""}"#,
        r#"{"testout": null}"#,
        r#"{"testout": ".."}"#,
        r#"{"files": "x"}"#,
        r#"{"files": [{"length": 1}]}"#,
        r#"{"files": [{"name": "", "length": 1}]}"#,
        r#"{"files": [{"name": "x"}]}"#,
        r#"{"files": [{"name": "x", "length": null}]}"#,
        r#"{"files": [{"name": "x", "length": -5}]}"#,
        r#"{"files": [{"name": "x", "length": "3"}]}"#,
        r#"{"files": ["x"]}"#,
    ];
    let all: Vec<String> =
        cases.iter().map(|case| format!("{case}\n    {}", written(&[case]))).collect();
    insta::assert_snapshot!(all.join("\n"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(written(&[&format!("{{\"a\": {deep}}}")]).contains("recursion limit"));
}

#[test]
fn partial_results_are_merged_until_they_are_closed() {
    let cases: &[&[&str]] = &[
        &[
            r#"{"partial": true, "name": "a", "status": "fail"}"#,
            r#"{"name": "b"}"#,
            r#"{"name": "a", "note": "n"}"#,
        ],
        &[
            r#"{"partial": true, "status": "fail", "note": "n"}"#,
            r#"{"partial": true, "note": null, "x": null}"#,
        ],
        &[
            r#"{"partial": true, "l": [1], "o": {"a": 1, "b": [1]}, "n": 1}"#,
            r#"{"l": [2], "o": {"a": null, "b": [2]}, "n": 2.5}"#,
        ],
        &[
            r#"{"partial": true, "v": [1]}"#,
            r#"{"partial": true, "v": "text"}"#,
            r#"{"v": {"a": 1}}"#,
        ],
        &[
            r#"{"partial": 1, "name": "z"}"#,
            r#"{"partial": "yes", "name": "a"}"#,
            r#"{"partial": [0]}"#,
        ],
        &[
            r#"{"partial": true, "files": [{"name": "b", "length": 0}]}"#,
            r#"{"files": [{"name": "a", "length": 0}, {"name": "b", "length": 0}]}"#,
        ],
        &[r#"{"partial": true, "testout": "one"}"#, r#"{"testout": "two"}"#],
        // After it was closed, the name starts anew.
        &[
            r#"{"partial": true, "name": "a", "x": 1}"#,
            r#"{"name": "a"}"#,
            r#"{"partial": true, "name": "a", "y": 2}"#,
        ],
    ];
    let all: Vec<String> = cases
        .iter()
        .map(|case| format!("{}\n    {}", case.join("\n"), written(case).replace('\n', "\n    ")))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_is_open_has_a_limit() {
    let big = format!(r#"{{"name": "a", "partial": true, "x": ["{}"]}}"#, "y".repeat(1 << 20));
    let open = big.as_str();
    let closed = r#"{"name": "a"}"#;
    assert!(!written(&[open; 15]).contains("error"));
    assert!(written(&[open; 17]).contains("more than 16 MiB of partial results are open"));
    let reports = [[open; 15].as_slice(), &[closed], &[open; 15]].concat();
    assert!(!written(&reports).contains("error"));
}
