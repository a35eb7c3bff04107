//! What becomes of runs afterwards: listed, removed, exported and imported.

use std::fs;
use std::path::Path;

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
/good:
    test: echo hello
/bad:
    test: |
        report() { printf 'result %d\n%s%s' "${#1}" "$1" "$2" >&$ATEX_TEST_CONTROL; }
        report '{"name": "one", "status": "pass", "files": [{"name": "log", "length": 3}]}' abc
        exit 1
"#,
)];

#[test]
fn results_go_where_they_are_wanted() {
    let bench = Bench::new(TREE);
    let out = bench.path("files");
    let typed = format!(
        "run --pool local,platform=x --progress none --out ../out --results junit --results jsonl.gz:../r.gz,files={},pack=xz --results sqlite",
        out.display()
    );
    let run = bench.command(&typed).output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", bench.transcript("run", &run));
    for file in [
        "out/results.xml",
        "out/results.sqlite",
        "r.gz",
        "files/x/bad/one/log.xz",
        "out/files/x/bad/one/log",
    ] {
        assert!(bench.path(file).is_file(), "{file}");
    }
    // All say the same, and so does what is made of it again.
    let lines = sorted(&bench.path("out/results.jsonl"));
    assert_eq!(lines.len(), 3);
    for (number, file) in
        ["out/results.xml", "out/results.sqlite", "out/results.jsonl"].into_iter().enumerate()
    {
        let import = format!("import ../{file} --out ../again-{number}");
        let import = bench.command(&import).output().unwrap();
        assert_eq!(import.status.code(), Some(0), "{}", bench.transcript("import", &import));
        assert_eq!(sorted(&bench.path(&format!("again-{number}/results.jsonl"))), lines, "{file}");
    }
}

fn sorted(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn mistakes_are_found_before_anything_runs() {
    let bench = Bench::new(TREE);
    let typed = "run --pool local --out ../out --results jsonl.lz4";
    let run = bench.command(typed).output().unwrap();
    insta::assert_snapshot!(bench.transcript(typed, &run));
    assert!(!bench.path("out").exists());
}

#[test]
fn runs_are_exported_and_imported() {
    let bench = Bench::new(TREE);
    let run =
        bench.command("run --pool local,platform=x --progress none --out ../out").output().unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", bench.transcript("run", &run));
    for format in ["jsonl", "yaml", "junit", "csv", "sqlite", "yaml.zst"] {
        let export =
            format!("export ../out --format {format} --out ../{format} --files ../{format}.files");
        let export = bench.command(&export).output().unwrap();
        assert_eq!(export.status.code(), Some(0), "{}", bench.transcript("export", &export));
        let import = format!("import ../{format} --files ../{format}.files --out ../{format}.run");
        let import = bench.command(&import).output().unwrap();
        assert_eq!(import.status.code(), Some(0), "{}", bench.transcript("import", &import));
        let again = bench.path(&format!("{format}.run"));
        assert_eq!(
            sorted(&again.join("results.jsonl")),
            sorted(&bench.path("out/results.jsonl")),
            "{format}"
        );
        assert_eq!(fs::read_to_string(again.join("files/x/bad/one/log")).unwrap(), "abc");
    }
    let typed = "export ../out --format jsonl.gz:../packed.gz,pack=xz --files ../packed.files";
    let export = bench.command(typed).output().unwrap();
    assert_eq!(export.status.code(), Some(0), "{}", bench.transcript(typed, &export));
    assert!(bench.path("packed.files/x/bad/one/log.xz").is_file());
    let mut mistakes = String::new();
    for typed in [
        "export ../out --format csv",
        "export ../out --format reportportal:nightly --out ../portal",
        "export ../out --format reportportal:nightly,url=http://127.0.0.1:1,project=p",
    ] {
        let mut command = bench.command(typed);
        let export = command.env_remove("ATEX_REPORTPORTAL_TOKEN").output().unwrap();
        mistakes += &bench.transcript(typed, &export);
    }
    insta::assert_snapshot!("exports_that_cannot_be", mistakes);
    // What is there stays there.
    let again = bench.command("export ../out --format csv --out ../csv").output().unwrap();
    assert_eq!(again.status.code(), Some(3), "{}", bench.transcript("export", &again));
    let foreign = bench.command("import main.fmf --out ../foreign").output().unwrap();
    insta::assert_snapshot!(bench.transcript("import main.fmf --out ../foreign", &foreign));
    assert!(!bench.path("foreign").exists());
}

#[test]
fn old_runs_are_removed_unless_they_hold_something() {
    let bench = Bench::new(TREE);
    for name in ["one", "two", "three"] {
        let run = format!("run --pool local -t /good --progress none --out ../runs/{name}");
        let run = bench.command(&run).output().unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", bench.transcript("run", &run));
        let file = bench.path(&format!("runs/{name}/run.json"));
        let text = fs::read_to_string(&file).unwrap();
        let mut info: serde_json::Value = serde_json::from_str(&text).unwrap();
        let day = ["one", "two", "three"].iter().position(|other| *other == name).unwrap() + 1;
        info["started"] = format!("2026-01-0{day}T00:00:00Z").into();
        fs::write(&file, info.to_string()).unwrap();
    }
    fs::create_dir(bench.path("runs/other")).unwrap();
    // The oldest has something to give back, as if it had been killed: its record ends when a lease was noted.
    let journal = bench.path("runs/one/journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let leased = text.find("\"leased\"").unwrap();
    let end = text[leased..].find('\n').unwrap() + leased + 1;
    fs::write(&journal, &text[..end]).unwrap();

    let list = bench.command("runs ../runs --format json").output().unwrap();
    let runs: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let seen: Vec<String> = runs
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            let name =
                Path::new(run["dir"].as_str().unwrap()).file_name().unwrap().to_string_lossy();
            format!(
                "{name} {} {} {} leases: {}",
                run["verdict"], run["passed"], run["tests"], run["holds_leases"]
            )
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"));
    let list = bench.command("runs ../runs").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&list.stdout).lines().count(), 4);

    let typed = "prune ../runs --keep 1 --dry-run";
    insta::assert_snapshot!(bench.transcript(typed, &bench.command(typed).output().unwrap()));
    assert!(bench.path("runs/two").exists());
    let prune = bench.command("prune ../runs --older-than 1d --keep 1").output().unwrap();
    assert_eq!(prune.status.code(), Some(0), "{}", bench.transcript("prune", &prune));
    let mut left: Vec<_> = fs::read_dir(bench.path("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with(".fmf"))
        .collect();
    left.sort();
    assert_eq!(left, ["one", "other"]);
    let nothing = bench.command("prune ../runs").output().unwrap();
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_token_is_never_an_argument() {
    let bench = Bench::new(TREE);
    let typed = "run --pool local --out ../out --results reportportal:nightly,url=http://127.0.0.1:1,project=p,token=secret";
    let run = bench.command(typed).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(text.contains("ATEX_REPORTPORTAL_TOKEN"), "{text}");
    let typed = "run --pool local --out ../out --results reportportal:nightly,project=p";
    let run = bench.command(typed).env("ATEX_REPORTPORTAL_TOKEN", "very-secret").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(text.contains("needs ATEX_REPORTPORTAL_URL in the environment"), "{text}");
    assert!(!text.contains("very-secret"), "{text}");
    assert!(!bench.path("out").exists());
}
