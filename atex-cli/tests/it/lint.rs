//! `atex fmf lint`.

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[
    ("a.fmf", "test: ./a.sh\ntags: [x]\nadjust:\n  - when: distro == 'rhel'\n    enabled: false\n"),
    ("b.fmf", "test: echo b\nduration: soon\n"),
    ("p.fmf", "discover: {how: fmf, filter: 'tag: nope'}\n"),
];

#[test]
fn findings_are_shown_with_their_place() {
    let bench = Bench::new(TREE);
    let commands = ["fmf lint", "fmf lint --skip missing-script --skip unknown-key --format json"];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn nothing_found_broken_files_and_wrong_use() {
    let fine: &[(&str, &str)] = &[("a.fmf", "test: echo a\nsummary: Say a\n")];
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("fmf lint", fine),
        ("fmf lint --format json", fine),
        ("fmf lint -c distro=rhel-9", fine),
        ("fmf lint", &[("a.fmf", "test: [\n")]),
        ("fmf lint --root nowhere", fine),
        ("fmf lint --skip nothing", fine),
    ];
    let all: Vec<String> =
        cases.iter().map(|(command, files)| Bench::new(files).atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}
