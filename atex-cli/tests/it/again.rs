//! What is made of earlier runs: running again what failed, running until something fails, what is known of tests, and plans.

use std::fs;

use serde_json::Value;

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
/good:
    test: echo good
/bad:
    test: "[ -e $FIXED ]"
/flaky:
    test: "[ -e $MARK ] || { touch $MARK; exit 1; }"
/third:
    test: echo x >>$COUNT; [ $(wc -l <$COUNT) -lt 3 ]
"#,
)];

fn bench() -> (Bench, String) {
    let bench = Bench::new(TREE);
    let path = |name: &str| bench.path(name).display().to_string();
    let variables =
        format!("-e MARK={} -e FIXED={} -e COUNT={}", path("mark"), path("fixed"), path("count"));
    (bench, variables)
}

#[test]
fn what_failed_is_run_again_and_what_passed_then_is_flaky() {
    let (bench, variables) = bench();
    let first = format!(
        "run --pool local,platform=x --progress none --out ../one -t good|bad|flaky {variables}"
    );
    let text = bench.atex(&first);
    assert!(text.contains("FAILED: 2 of 3 tests failed"), "{text}");
    // As it was asked then, from anywhere.
    fs::write(bench.path("fixed"), "").unwrap();
    let mut again = bench.command("run --failed-from one --out two --progress none");
    let output = again.current_dir(bench.path("")).output().unwrap();
    let text = bench.transcript("run --failed-from one", &output);
    assert!(text.contains("tests     2: 2 passed") && !text.contains("/good"), "{text}");
    let text = bench.atex("run --failed-from ../two --progress none");
    assert!(
        text.contains("there is nothing to run again") && text.ends_with("code Some(2)\n"),
        "{text}"
    );
    // Within a run: all attempts stay, and the test is called flaky.
    fs::remove_file(bench.path("mark")).unwrap();
    let rerun = format!(
        "run --pool local,platform=x --reruns 2 --progress none --out ../three -t flaky {variables}"
    );
    let text = bench.atex(&rerun);
    assert!(text.contains("flaky") && text.ends_with("exit code Some(0)\n"), "{text}");
    for attempt in [1, 2] {
        assert!(bench.path(&format!("three/artifacts/x/flaky/attempt-{attempt}/results")).exists());
    }
    assert_eq!(bench.results(&bench.path("three")).len(), 1, "only the last attempt counts");
}

#[test]
fn tests_are_repeated_until_they_fail() {
    let (bench, variables) = bench();
    for (how, out, attempts, code) in [
        ("--repeat 2 -t good", "two", 2, 0),
        ("--repeat 9 -t third", "three", 3, 1),
        ("--until-fail -t third", "again", 1, 1),
    ] {
        let text = bench.atex(&format!(
            "run --pool local,platform=x --progress none --out ../{out} {how} {variables}"
        ));
        assert!(text.ends_with(&format!("exit code Some({code})\n")), "{how}: {text}");
        let journal = fs::read_to_string(bench.path(&format!("{out}/journal.jsonl"))).unwrap();
        assert_eq!(journal.matches("\"test_started\"").count(), attempts, "{how}");
        assert_eq!(bench.results(&bench.path(out)).len(), 1, "{how}");
    }
}

const TIMES: &[(&str, &str)] = &[(
    "main.fmf",
    "duration: 5m\n/a:\n    test: sleep 1.6\n/b:\n    test: sleep 0.8\n/c:\n    test: sleep 0.8\n/d:\n    test: sleep 0.4\n\
     /never:\n    test: echo\n    extra-needs: distro == nothing-1\n",
)];

fn wall_ms(bench: &Bench, out: &str) -> u64 {
    let journal = fs::read_to_string(bench.path(&format!("{out}/journal.jsonl"))).unwrap();
    let last: Value = serde_json::from_str(journal.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "run_finished");
    last["at_ms"].as_u64().unwrap()
}

#[test]
fn a_plan_is_what_the_run_then_does() {
    let bench = Bench::new(TIMES);
    let pool = "--pool local,max=2,platform=x --history ../history.jsonl";
    let unknown = bench.atex(&format!("plan {pool}"));
    insta::assert_snapshot!(bench.normal(&unknown));
    assert!(!bench.path("history.jsonl").exists() && !bench.path("tree/atex-runs").exists());
    bench.assert_clean();
    let run = bench.atex(&format!("run {pool} --progress none --out ../out"));
    assert!(run.ends_with("exit code Some(3)\n"), "{run}");
    let output = bench.command(&format!("plan {pool}")).output().unwrap();
    let planned = String::from_utf8(output.stdout).unwrap();
    let line = planned.lines().find(|line| line.starts_with("with these pools: ")).unwrap();
    let said = line["with these pools: ".len()..].split(',').next().unwrap();
    let said = said.trim_end_matches('s').parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
    let took = f64::from(u32::try_from(wall_ms(&bench, "out")).unwrap()) / 1000.0;
    // The history is of this very run; but how long a busy machine leaves systems alone between tests is in none. How near a plan
    // comes is measured by `cargo xtask demo`.
    assert!(said >= 1.6 && said <= 2.0 * took, "planned {said} s, took {took} s:\n{planned}");
    assert!(planned.contains("4 of them ran before"), "{planned}");
}

#[test]
fn histories_are_imported() {
    let bench = Bench::new(TIMES);
    bench.atex("run --pool local,max=4,platform=x --progress none --out ../out");
    let lines = "[\"y\", \"fail\", \"/b\", null, [], null]\n[\"y\", \"pass\", \"/b\", \"part\", [], null]\n";
    bench.write("results.jsonl", lines);
    for (path, says) in
        [("../out", "4 lines"), ("../out", "nothing new"), ("../results.jsonl", "1 lines")]
    {
        let text = bench.atex(&format!("history import {path}"));
        assert!(text.contains(says) && text.ends_with("exit code Some(0)\n"), "{text}");
    }
    let shown = bench.command("history show").output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let lines: Vec<Vec<&str>> =
        shown.lines().map(|line| line.split_whitespace().skip(1).collect()).collect();
    let expected = [
        ["passed", "/a", "x"],
        ["passed", "/b", "x"],
        ["failed", "/b", "y"],
        ["passed", "/c", "x"],
        ["passed", "/d", "x"],
    ];
    assert_eq!(lines, expected);
    let wrong = bench.atex("history import ../tree/main.fmf");
    assert!(wrong.contains("cannot import") && wrong.ends_with("exit code Some(2)\n"), "{wrong}");
}
