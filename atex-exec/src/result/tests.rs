//! Reports, parsed and merged.

use serde_json::Value;

use super::*;

/// Reports in, and what is written of them out, one line each; what is still open at the end is closed then.
fn written(reports: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut open = OpenResults::new(folder.path());
    let mut lines = Vec::new();
    let show = |report: Report| {
        let testout = report.testout.map_or(String::new(), |name| format!(" + testout {name}"));
        format!("{}{testout}", Value::Object(report.fields))
    };
    for report in reports {
        let parsed = Report::parse(report.as_bytes()).map_err(SinkError::from);
        match parsed.and_then(|report| open.add(report)) {
            Ok(report) => lines.extend(report.map(show)),
            Err(error) => lines.push(format!("error: {error}")),
        }
    }
    lines.extend(open.close().map(|report| format!("at the end: {}", show(report.unwrap()))));
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
        // `null` is a name, and none that deletes itself.
        &[
            r#"{"partial": true, "name": null, "x": 1}"#,
            r#"{"partial": true, "name": null, "y": 2}"#,
            r#"{"partial": true, "name": null, "z": 3}"#,
            r#"{"partial": true, "own": true}"#,
        ],
    ];
    let all: Vec<String> = cases
        .iter()
        .map(|case| format!("{}\n    {}", case.join("\n"), written(case).replace('\n', "\n    ")))
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// A partial result with a name and some list.
fn partial(name: usize, list: &Value) -> Report {
    let json = serde_json::json!({"name": name.to_string(), "partial": true, "list": list});
    Report::parse(json.to_string().as_bytes()).unwrap()
}

#[test]
fn what_is_merged_has_a_limit_and_what_was_replaced_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let mut open = OpenResults::new(folder.path());
    let long = Value::from(vec![0; 5000]);
    for _ in 0..20 {
        open.add(partial(1, &long)).unwrap();
        open.add(partial(1, &"".into())).unwrap();
    }
    // The same when it is on disk meanwhile.
    for elsewhere in [false, true] {
        let grow = |open: &mut OpenResults| {
            if elsewhere {
                open.add(partial(2, &long))?;
            }
            open.add(partial(1, &long))
        };
        let error = (0..4).find_map(|_| grow(&mut open).err()).unwrap().to_string();
        assert!(error.contains("the partial results of one name take"), "{error}");
    }
}

/// More than there is memory for, opened, changed and closed in every order: all is as it is with a plain map.
#[test]
fn results_on_disk_are_as_those_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut open = OpenResults::new(folder.path());
    let mut model = indexmap::IndexMap::<usize, Vec<usize>>::new();
    let mut number = 1_usize;
    for step in 0..6000 {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = (number >> 33) % 2000;
        if step % 1500 == 700 {
            // Another controller goes on, after this one did something more.
            open.flush().unwrap();
            let state = serde_json::to_string(&open.state()).unwrap();
            open.checkpointed();
            for name in 0..2000 {
                let mut more = partial(name, &vec![1; 200].into());
                more.partial = name % 3 != 0;
                open.add(more).unwrap();
            }
            let state = serde_json::from_str(&state).unwrap();
            drop(open);
            open = OpenResults::resume(folder.path(), state).unwrap();
        }
        let mut report = partial(name, &vec![step; 3].into());
        report.partial = number >> 62 != 0;
        let is_partial = report.partial;
        let found = open.add(report).unwrap();
        let list = model.entry(name).or_default();
        list.extend([step; 3]);
        if !is_partial {
            let found = found.unwrap().fields["list"].clone();
            assert_eq!(found, Value::from(model.shift_remove(&name).unwrap()), "step {step}");
        }
    }
    let left: Vec<Value> =
        open.close().map(|report| report.unwrap().fields["list"].clone()).collect();
    assert!(left.len() > 800, "{}", left.len());
    assert_eq!(left, model.into_values().map(Value::from).collect::<Vec<_>>());
    let files = std::fs::read_dir(folder.path()).unwrap();
    assert!(files.count() <= 2);
    OpenResults::sweep(folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
