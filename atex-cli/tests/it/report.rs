//! `atex report`, and what waivers do to a run.

use std::fs;

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[
    (
        "main.fmf",
        r#"
/good:
    test: echo hello
/bad:
    test: echo "no answer after $$ ms"; exit 3
/bad2:
    test: echo "no answer after $$ ms"; exit 3
/changes:
    test: "[ -e $GOOD ]"
/known:
    test: |
        report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
        report '{"name": "ipv6", "status": "fail", "note": "no such network \u001b[31m\u202e"}'
        report '{"name": "ipv4", "status": "pass"}'
        exit 1
"#,
    ),
    (
        ".atex/waivers.yaml",
        "- test: /known
  subtest: ipv6
  reason: there is no IPv6 in the lab
  link: https://example.org/1
- test: /nowhere
  reason: long gone
- test: /bad2
  until: 2026-01-31
  reason: was to be repaired
",
    ),
];

impl Bench {
    /// Runs the tests into a folder beside the tree; the exit code.
    fn run_into(&self, out: &str, more: &str) -> Option<i32> {
        let arguments =
            format!("run --pool local,platform=x --progress none --out ../{out} {more}");
        let mut command = self.command(&arguments);
        let output = command.args(["-e", &format!("GOOD={}", self.path("good").display())]);
        output.output().unwrap().status.code()
    }
}

/// A tree of which two runs were made: one, and two, in which `/changes` fails.
fn two_runs() -> Bench {
    let bench = Bench::new(TREE);
    bench.write("good", "");
    assert_eq!(bench.run_into("one", ""), Some(1));
    fs::remove_file(bench.path("good")).unwrap();
    assert_eq!(bench.run_into("two", ""), Some(1));
    bench
}

/// A transcript without the names of runs, which are times.
fn shown(bench: &Bench, arguments: &str) -> String {
    let mut text = bench.atex(arguments);
    for run in ["one", "two"] {
        let info = fs::read_to_string(bench.path(run).join("run.json")).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        text = text.replace(info["run"].as_str().unwrap(), "RUN");
    }
    text
}

#[test]
fn runs_are_told_again_in_several_ways() {
    let bench = two_runs();
    let texts = [
        "report ../two --compare ../one ../two",
        "report ../two --compare ../one --markdown --link https://example.org/r?a=b",
        "report ../two --no-waivers --exit-code",
        "report ../two --status fail,error --platform ? -t known|good --subtests",
        "report ../two -t /known --subtests --json",
        "report ../two --status failed",
        "report ../two --platform [x",
    ]
    .map(|arguments| shown(&bench, arguments));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn the_json_says_all_of_it() {
    let bench = two_runs();
    let output = bench.command("report ../two --compare ../one --json").output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["format"], 1);
    assert_eq!(report["verdict"], "failed");
    assert_eq!(report["reason"], "4 of 5 tests failed (1 waived)");
    insta::assert_json_snapshot!([
        &report["waivers"],
        &report["causes"],
        &report["comparison"]["counts"],
        &report["comparison"]["changes"]
    ]);
    let waived: Vec<_> =
        report["tests"].as_array().unwrap().iter().map(|test| &test["waived"]).collect();
    assert_eq!(serde_json::to_string(&waived).unwrap(), "[null,null,null,null,1]");
}

#[test]
fn waivers_decide_on_the_exit_code() {
    let bench = Bench::new(TREE);
    assert_eq!(bench.run_into("a", "-t /known"), Some(0), "waived");
    assert_eq!(bench.run_into("b", "-t /known --no-waivers"), Some(1));
    assert_eq!(bench.run_into("c", "-t /bad2"), Some(1), "the waiver has expired");
    bench.write("mine.yaml", "- {test: /bad*, reason: known}\n");
    assert_eq!(bench.run_into("d", "-t /bad --waivers ../mine.yaml"), Some(0));
    let code = |arguments: &str| bench.command(arguments).output().unwrap().status.code();
    // A report has the waivers of its run, whatever is in the tree now, and others if they are named.
    fs::remove_file(bench.path("tree/.atex/waivers.yaml")).unwrap();
    let table = [
        ("report ../a --exit-code", 0),
        ("report ../a --exit-code --no-waivers", 1),
        ("report ../a", 0),
        ("report ../b --exit-code", 1),
        ("report ../c --exit-code --waivers ../mine.yaml", 0),
        ("report ../c --exit-code --waivers ../mine.yaml --json", 0),
        ("report ../c ../a --exit-code", 1),
    ];
    for (arguments, expected) in table {
        assert_eq!(code(arguments), Some(expected), "{arguments}");
    }
}

#[test]
fn what_is_wrong_is_said_before_anything_is_run() {
    let bench = Bench::new(TREE);
    bench.write("wrong.yaml", "- reason: because\n  tset: /known\n");
    let texts = [
        "run --pool local --out ../out --waivers ../wrong.yaml",
        "run --pool local --out ../out --waivers ../nowhere.yaml",
        "report",
        "report ../tree",
    ]
    .map(|arguments| bench.atex(arguments));
    insta::assert_snapshot!(texts.join("\n"));
    assert!(!bench.path("out").exists());
}

#[test]
fn the_newest_run_is_meant_if_none_is_named() {
    let bench = Bench::new(TREE);
    let run = |test: &str| {
        let arguments = format!("run --pool local --progress none -t {test}");
        bench.command(&arguments).output().unwrap().status.code()
    };
    assert_eq!((run("/bad$"), run("/good")), (Some(1), Some(0)));
    let text = bench.atex("report --exit-code");
    assert!(text.contains("PASSED: 1 test passed"), "{text}");
}
