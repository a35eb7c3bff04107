//! [`Report`]: what one test reported, and how two reports of it are compared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What the Python ATEX says about the tests of a selection.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The tests it discovers, in its order.
    pub(super) names: Vec<String>,
    /// Those that ask for packages.
    pub(super) packages: Vec<String>,
    /// Those that ask for libraries.
    pub(super) libraries: Vec<String>,
    /// What they reported, by name; without those that were not run.
    pub(super) tests: BTreeMap<String, Report>,
}

/// What one test reported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// The lines of its file of results.
    pub(super) results: Vec<String>,
    /// Its files; every byte is the character of the same number.
    pub(super) files: BTreeMap<String, String>,
}

/// The file with what a test printed.
const OUTPUT: &str = "output.txt";

/// What stands for a path into a folder that is made anew for each run.
const WORK: &str = "<work>";

impl Report {
    /// The report of a test without what may differ: see `docs/reference.md`, which describes each step.
    pub(super) fn normal(&self, test: &str) -> Self {
        let mut normal = self.clone();
        for line in &mut normal.results {
            without_reason(line);
        }
        if let Some(output) = normal.files.get_mut(OUTPUT) {
            let lines = output.split_inclusive('\n');
            let lines =
                lines.map(|line| without_line_number(&without_folders(&without_temporary(line))));
            *output = match test.ends_with("/test_env") {
                true => environment(lines),
                false => lines.collect(),
            };
        }
        normal
    }

    /// How this report differs from another one of the same test, a line each; nothing if it does not.
    pub(super) fn differences(&self, other: &Self, test: &str) -> Vec<String> {
        let (one, other) = (self.normal(test), other.normal(test));
        let mut found = Vec::new();
        if one.results != other.results {
            found.push(format!("results  python: {}", one.results.join("\n                 ")));
            found.push(format!("         here:   {}", other.results.join("\n                 ")));
        }
        let paths: BTreeSet<&String> = one.files.keys().chain(other.files.keys()).collect();
        for path in paths {
            let (python, here) = (one.files.get(path), other.files.get(path));
            if python != here {
                found.push(format!("file {path}  python: {}", shown(python)));
                found.push(format!("file {path}  here:   {}", shown(here)));
            }
        }
        found
    }
}

fn shown(text: Option<&String>) -> String {
    text.map_or("none".to_owned(), |text| format!("{text:?}"))
}

/// Of a result `infra`, only that there is a note: the wording is everybody's own.
fn without_reason(line: &mut String) {
    if let Ok(mut result) = serde_json::from_str::<Value>(line)
        && result["status"] == "infra"
        && result["note"].is_string()
    {
        result["note"] = "<reason>".into();
        *line = result.to_string();
    }
}

/// Absolute paths through a folder named `atex-…` become [`WORK`].
fn without_folders(line: &str) -> String {
    let ends = |c: char| c.is_whitespace() || "=:'\"".contains(c);
    let pieces = line.split_inclusive(ends).map(|piece| {
        let path = piece.trim_end_matches(ends);
        match path.starts_with('/') && path.contains("/atex-") {
            true => format!("{WORK}{}", &piece[path.len()..]),
            false => piece.to_owned(),
        }
    });
    pieces.collect()
}

/// The ten letters at the end of a temporary folder's name (`/tmp/tmp.…`), which `mktemp` makes up, become ten dots.
fn without_temporary(line: &str) -> String {
    const START: &str = "/tmp/tmp.";
    let mut pieces = line.split(START);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_at_checked(10).unwrap_or((piece, ""));
        let is_name = name.len() == 10 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        out += START;
        out += if is_name { ".........." } else { name };
        out += rest;
    }
    out
}

/// The number in `FILE: line N: ` goes when it is a script in a folder of the run, before whose first line each
/// implementation puts some of its own.
fn without_line_number(line: &str) -> String {
    let start = format!("{WORK}: line ");
    let rest =
        line.strip_prefix(&start).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.map_or(line.to_owned(), |rest| format!("{start}<n>{rest}"))
}

/// Of a listing of the environment, the variables that metadata or protocol set, sorted.
fn environment(lines: impl Iterator<Item = String>) -> String {
    let ours = ["ATEX_TEST_", "TMT_", "VAR_"];
    // Folders that the Python ATEX does not make.
    let more = ["TMT_PLAN_DATA=", "TMT_TEST_DATA="];
    let begins = |line: &str, with: &[&str]| with.iter().any(|prefix| line.starts_with(prefix));
    let mut lines: Vec<String> =
        lines.filter(|line| begins(line, &ours) && !begins(line, &more)).collect();
    lines.sort();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(result: &str, path: &str, text: &str) -> Report {
        Report { results: vec![result.into()], files: BTreeMap::from([(path.into(), text.into())]) }
    }

    #[test]
    fn what_may_differ_is_no_difference() {
        let same = [
            (
                "/t",
                r#"{"status": "infra", "note": "x"}"#,
                "",
                r#"{"status": "infra", "note": "y"}"#,
                "",
            ),
            (
                "/t",
                "{}",
                "see /var/tmp/atex-ab/tests/x now\n",
                "{}",
                "see /tmp/atex-1/tmp/atex-2/tree/x now\n",
            ),
            (
                "/t",
                "{}",
                "/var/tmp/atex-ab/test.sh: line 11: no\n",
                "{}",
                "/tmp/atex-1/run-1/t.sh: line 1: no\n",
            ),
            ("/s/test_env", "{}", "A=1\nTMT_A=1\nVAR_B=2\n", "{}", "VAR_B=2\nZ=3\nTMT_A=1\n"),
        ];
        for (test, one_result, one, other_result, other) in same {
            let one = report(one_result, OUTPUT, one);
            let other = report(other_result, OUTPUT, other);
            assert_eq!(one.differences(&other, test), Vec::<String>::new());
        }
    }

    #[test]
    fn anything_else_is_a_difference() {
        let different = [
            (r#"{"status": "infra", "note": "x"}"#, OUTPUT, "", r#"{"status": "infra"}"#, ""),
            (r#"{"status": "infra"}"#, OUTPUT, "", r#"{"status": "fail"}"#, ""),
            (
                r#"{"status": "fail", "note": "x"}"#,
                OUTPUT,
                "",
                r#"{"status": "fail", "note": "y"}"#,
                "",
            ),
            (r#"{"a": 1, "b": 2}"#, OUTPUT, "", r#"{"b": 2, "a": 1}"#, ""),
            ("{}", OUTPUT, "a\n", "{}", "a"),
            ("{}", OUTPUT, "/var/tmp/atex-ab/x\n", "{}", "/var/tmp/x\n"),
            ("{}", OUTPUT, "x.sh: line 11: no\n", "{}", "x.sh: line 1: no\n"),
            ("{}", OUTPUT, "VAR_B=1\n", "{}", ""),
            ("{}", "log", "/var/tmp/atex-ab/x\n", "{}", "/var/tmp/atex-cd/x\n"),
        ];
        for (one_result, path, one, other_result, other) in different {
            let found =
                report(one_result, path, one).differences(&report(other_result, path, other), "/t");
            assert_eq!(found.len(), 2, "{one_result} {one:?}: {found:?}");
        }
        let found = Report::default().differences(&report("{}", "x", "a\n"), "/t");
        insta::assert_snapshot!(found.join("\n"), @r#"
        results  python: 
                 here:   {}
        file x  python: none
        file x  here:   "a\n"
        "#);
    }

    #[test]
    fn only_the_variables_that_somebody_set_are_compared() {
        let env = |value: &str| report("{}", OUTPUT, &format!("HOME={value}\nVAR_A=x y\n"));
        assert_eq!(env("a").differences(&env("b"), "/test_env"), Vec::<String>::new());
        assert_eq!(env("a").differences(&env("b"), "/test_other").len(), 2);
        let other = report("{}", OUTPUT, "VAR_A=x\n");
        assert_eq!(env("a").differences(&other, "/test_env").len(), 2);
    }
}
