//! `atex discover`, `atex fmf show` and `atex fmf init`.

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[
    (
        "main.fmf",
        "contact: me\ntag: [all]\nadjust:\n  - when: distro == rhel-9\n    tag+: [nine]\n",
    ),
    (
        "net/main.fmf",
        "test: ./run.sh\nduration: 2m\n/ping:\n    tag+: [fast]\n/dns:\n    environment: {SERVER: 10, ON: yes}\n    enabled: true\n",
    ),
    ("net/old.fmf", "test: ./old.sh\nenabled: false\n"),
    ("disk.fmf", "test: |\n    echo one\n    echo two\nsummary: Disks\n"),
    (
        "plans.fmf",
        "/:\n    inherit: false\n/net:\n    discover:\n        how: fmf\n        test: /net\n    environment:\n        LEVEL: 1\n/all:\n    discover:\n        how: fmf\n",
    ),
];

#[test]
fn tests_are_listed() {
    let bench = Bench::new(TREE);
    let commands = [
        "discover",
        "discover --plan /net",
        "discover --plan /all --exclude dns",
        "discover -t ping -t disk",
        "discover --filter tag:fast",
        "discover --filter tag:nine -c distro=rhel-9.6",
        "discover --condition duration=='2m'",
        "discover -t nothing",
        "discover --root net -t disk",
    ];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn everything_about_tests_as_json() {
    let bench = Bench::new(TREE);
    insta::assert_snapshot!(bench.atex("discover --plan /plans/net --format json"));
}

#[test]
fn the_tree_is_shown() {
    let bench = Bench::new(TREE);
    let commands = ["fmf show", "fmf show --whole --format yaml -c distro=rhel-9"];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn values_that_json_does_not_have_are_shown_as_yaml() {
    let bench = Bench::new(&[(
        "main.fmf",
        "on: 2020-01-01\nat: 2020-01-01 10:00:00 +2\nmap: {1: one, ~: none}\ntext: '1'\nmore: \"a\\nb\\n\"\n",
    )]);
    insta::assert_snapshot!(bench.atex("fmf show --format yaml"));
}

#[test]
fn trees_are_begun() {
    let bench = Bench::new(&[]);
    bench.write("tree/taken/.fmf", "a file\n");
    let commands = [
        "fmf init new/deep other",
        "fmf show --root new/deep --whole",
        "fmf init new/deep",
        "fmf init",
        "fmf init taken",
        "fmf init taken/.fmf/below",
    ];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
    let version = bench.path("tree/new/deep/.fmf/version");
    assert_eq!(std::fs::read_to_string(version).unwrap(), "1\n");
}

#[test]
fn mistakes_are_named_with_their_place() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("discover --plan /plans/ntt", TREE),
        ("discover --plan /disk", TREE),
        ("discover --root nowhere", TREE),
        ("discover -t (", TREE),
        ("discover --filter nokey:x", TREE),
        ("discover -c distro", TREE),
        ("discover", &[("a.fmf", "test: ./x\ntag: [\n")]),
        ("discover", &[("a.fmf", "test:\n")]),
        ("discover", &[("a.fmf", "test: ./x\nduration: soon\n")]),
        ("discover", &[("a.fmf", "test: ./x\nenvironment: [1]\n")]),
        ("discover", &[("main.fmf", "tag: x\n"), ("a.fmf", "test: ./x\ntag+: [y]\n")]),
    ];
    let all: Vec<String> =
        cases.iter().map(|(command, files)| Bench::new(files).atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn without_a_tree_it_says_where_it_looked() {
    let bench = Bench::new(&[]);
    let output = bench.command("discover").current_dir(bench.path("home")).output().unwrap();
    insta::assert_snapshot!(bench.transcript("discover", &output));
}

#[test]
fn libraries_are_looked_for_below_a_url() {
    let bench = Bench::new(&[("t.fmf", "test: x\nrequire: library(a/b)\n")]);
    // A folder without repositories: what looks like a library is a package, then.
    let host = format!("file://{}", bench.path("home").display());
    let found = bench.atex(&format!("discover --library-host {host} --format json"));
    assert!(found.contains("\"library(a/b)\"\n"), "{found}");
    assert!(bench.path("home/.cache/fmf").is_dir());
    let text = bench.atex("discover --no-libraries --format json");
    assert!(text.contains("\"require\": \"library(a/b)\""), "{text}");
}

#[test]
fn help_and_completions() {
    let bench = Bench::new(&[]);
    insta::assert_snapshot!(["--help", "run --help"].map(|command| bench.atex(command)).join("\n"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            bench.atex(&format!("completions {shell}")).contains("--inventory")
                || bench.atex(&format!("completions {shell}")).contains("pool"),
            "{shell}"
        );
    }
}
