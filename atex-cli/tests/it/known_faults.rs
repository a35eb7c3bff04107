//! What went wrong elsewhere and has no better place; and that the pages on faults and on behaviours name tests that there are.

use std::fs;
use std::path::Path;

use crate::bench::Bench;

#[test]
fn the_pages_name_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (page, least) in [("docs/known-faults.md", 80), ("docs/behaviours.md", 40)] {
        let text = fs::read_to_string(root.join(page)).unwrap();
        let named = text.split('`').filter_map(|text| text.split_once(".rs::"));
        let cases = text.split('`').filter_map(|text| text.split_once(".rs#"));
        let mut count = 0;
        for (file, case) in cases {
            let code = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            let whole = format!("\"{case}\"");
            assert!(
                code.contains(&whole) || code.contains(case) && case.contains('"'),
                "{page}: there is no case {case:?} in {file}.rs"
            );
            count += 1;
        }
        assert!(
            !text.contains("case \"") && !text.contains("cases "),
            "{page}: cases by `FILE.rs#TITLE`"
        );
        for (file, test) in named {
            let code = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            assert!(code.contains(&format!("fn {test}(")), "{page}: there is no {file}.rs::{test}");
            count += 1;
        }
        assert!(count > least, "{page}: {count}");
    }
}

/// Every behaviour of an orchestrator is a row, and has a test.
#[test]
fn no_behaviour_of_orchestrators_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/known-faults.md")).unwrap();
    let numbers = (1..=14).map(|number| format!("OR-{number:02}"));
    for what in numbers.chain(["SimpleOrchestrator".to_owned()]) {
        let row = page.lines().find(|line| line.starts_with(&format!("| {what}")));
        assert!(row.is_some_and(|row| row.contains(".rs::")), "{what} has no test");
    }
}

#[test]
fn tests_with_very_long_names_are_run() {
    let long = "x".repeat(300);
    let tree = format!(
        "/{long}a:\n    test: echo a\n/{long}b:\n    test: exit 1\n/short:\n    test: echo c\n"
    );
    let bench = Bench::new(&[("main.fmf", &tree)]);
    let text = bench.atex("run --pool local,max=2,platform=x --progress none --out ../out");
    assert!(text.contains("FAILED: 1 of 3 tests failed"), "{text}");
    assert_eq!(bench.results(&bench.path("out")).len(), 3);
    bench.assert_clean();
}

#[test]
fn a_command_that_is_not_there_fails_its_test() {
    let bench = Bench::new(&[]);
    bench.write("commands", "/there true\n/not no-such-command --at-all\n");
    let text = bench
        .atex("run --commands ../commands --pool local,platform=x --progress none --out ../out");
    assert!(text.contains("FAILED: 1 of 2 tests failed"), "{text}");
    let said = fs::read_to_string(bench.path("out/files/x/not/output.txt")).unwrap();
    assert!(said.contains("no-such-command"), "{said}");
}
