//! `atex run` on this machine, on good days.

use std::fs;

use crate::bench::Bench;

/// Tests of every verdict; `/flaky` fails when it runs for the first time.
const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
/good:
    test: echo hello
/bad:
    test: echo no; exit 3
/skip:
    test: |
        json='{"status": "skip", "note": "not here"}'
        printf 'result %d\n%s' "${#json}" "$json" >&$ATEX_TEST_CONTROL
/flaky:
    test: "[ -e $MARK ] || { touch $MARK; exit 1; }"
/subtests:
    test: |
        report() { printf 'result %d\n%s%s' "${#1}" "$1" "$2" >&$ATEX_TEST_CONTROL; }
        report '{"name": "one", "status": "pass", "files": [{"name": "log", "length": 3}]}' abc
        report '{"name": "../../two", "status": "fail", "note": "broken"}'
/destructive:
    tag: destructive
    test: "true"
"#,
)];

#[test]
fn a_run_says_what_came_of_it() {
    let bench = Bench::new(TREE);
    let mark = bench.path("mark").display().to_string();
    let arguments = "run --pool local,platform=x --reruns 1 --out ../out --progress plain -e";
    let output = bench.command(arguments).arg(format!("MARK={mark}")).output().unwrap();
    insta::assert_snapshot!(bench.transcript(&format!("{arguments} MARK=…"), &output));
    insta::assert_snapshot!(bench.results(&bench.path("out")).join("\n"));
    let file = bench.path("out/files/x/subtests/one/log");
    assert_eq!(fs::read_to_string(file).unwrap(), "abc");
    bench.assert_clean();
}

#[test]
fn libraries_are_there_when_a_test_runs() {
    let tests = "/t: {test: . libs/mine/lib/lib.sh, require: {nick: mine, name: /lib}}\n/lib: {summary: x}\n";
    let bench = Bench::new(&[("main.fmf", tests), ("lib/lib.sh", "exit 0\n")]);
    let run = bench.command("run --pool local --progress none").output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", bench.transcript("run", &run));
}

#[test]
fn exit_codes_tell_what_happened() {
    let bench = Bench::new(TREE);
    for (test, code) in [("/good", 0), ("/skip", 0), ("/bad", 1), ("/good|/bad", 1)] {
        let status = bench
            .command(&format!("run --pool local --progress none -t {test}"))
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(code), "{test}");
    }
    // Without `--out`, each went into a new folder.
    assert_eq!(runs(&bench).len(), 4);
}

/// The runs that are kept where they are by default.
fn runs(bench: &Bench) -> Vec<String> {
    let entries = fs::read_dir(bench.path("tree/atex-runs")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name != ".fmf").collect()
}

#[test]
fn kept_runs_are_neither_uploaded_nor_taken_for_tests() {
    let bench = Bench::new(&[("main.fmf", "/here:\n    test: find .\n")]);
    bench.write("tree/atex-runs/before/artifacts/stray.fmf", "test: wrong\n");
    // The second time with a folder of its own in the tree; `--root` need not say where the tree lies in the shortest way.
    for out in ["", "--root ../tree/. --out kept"] {
        let arguments = format!("run --pool local --progress none {out}");
        let output = bench.command(&arguments).args(["-t", "^/here$"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", bench.transcript(&arguments, &output));
    }
    assert_eq!(
        bench.atex("discover"),
        "$ atex discover\n/here\n--- stderr\n--- exit code Some(0)\n"
    );
    let newest = runs(&bench).into_iter().find(|name| name != "before").unwrap();
    for (dir, own) in
        [(format!("tree/atex-runs/{newest}"), "atex-runs"), ("tree/kept".into(), "kept")]
    {
        let results = bench.results(&bench.path(&dir)).join("\n");
        let seen = find_file(&bench.path(&format!("{dir}/files")), "output.txt");
        let seen = fs::read_to_string(seen.unwrap_or_else(|| panic!("{results}"))).unwrap();
        assert!(seen.contains("main.fmf") && !seen.contains(own), "{seen}");
    }
}

fn find_file(below: &std::path::Path, name: &str) -> Option<std::path::PathBuf> {
    fs::read_dir(below).unwrap().map(|entry| entry.unwrap().path()).find_map(|path| {
        if path.is_dir() { find_file(&path, name) } else { path.ends_with(name).then_some(path) }
    })
}

#[test]
fn runs_that_begin_at_once_are_kept_apart() {
    let bench = Bench::new(TREE);
    let runs_at_once: Vec<_> =
        (0..6).map(|_| bench.spawn("run --pool local --progress none -t /good")).collect();
    for run in runs_at_once {
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", bench.transcript("run", &output));
    }
    assert_eq!(runs(&bench).len(), 6);
}

#[test]
fn piped_output_has_no_colours_and_json_is_only_json() {
    let bench = Bench::new(TREE);
    let output =
        bench.command("run --pool local --progress json -t /good --out ../out").output().unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.first().unwrap()["event"], "run_started");
    assert_eq!(lines.last().unwrap()["event"], "run_finished");
    assert!(!output.stderr.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stderr));
    // Nothing can be drawn in a file, whatever was asked for.
    let output = bench.command("run --pool local --progress bar -t /bad").output().unwrap();
    let lines = String::from_utf8_lossy(&output.stderr);
    assert!(!lines.contains('\u{1b}') && lines.contains("1/1  failed  /bad"), "{lines}");
    let output =
        bench.command("--color always run --pool local --progress none -t /good").output().unwrap();
    assert!(output.stdout.contains(&0x1b), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn several_pools_share_the_tests() {
    let bench = Bench::new(&[(
        "main.fmf",
        // Each of two tests waits for the other, so they pass only when both run at once.
        "/a:\n    test: touch $D/a; until [ -e $D/b ]; do sleep 0.01; done\n/b:\n    test: touch $D/b; until [ -e $D/a ]; do sleep 0.01; done\n",
    )]);
    let meet = bench.path("tmp-meet");
    fs::create_dir(&meet).unwrap();
    let arguments = "run --pool local,platform=one --pool local,platform=two,name=other --out ../out --progress none -e";
    let output = bench.command(arguments).arg(format!("D={}", meet.display())).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", bench.transcript(arguments, &output));
    let platforms: Vec<bool> =
        bench.results(&bench.path("out")).iter().map(|line| line.starts_with("[\"one\"")).collect();
    assert_eq!(platforms.iter().filter(|one| **one).count(), 1, "{platforms:?}");
}
