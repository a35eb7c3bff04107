//! What users see when metadata are wrong: the place, the line, what was expected.

use atex_fmf::{Context, ErrorKind, Tree};

use crate::sample::Sample;

/// All errors of a table of trees, one after the other.
fn errors(trees: &[&[(&str, &str)]]) -> String {
    let mut out = String::new();
    for files in trees {
        let sample = Sample::new(files);
        let context = Context::new().with("distro", ["rhel-9"]);
        let result = sample.open().and_then(|mut tree| tree.adjust(&context));
        out += &result.err().map_or_else(|| "no error\n".to_owned(), |error| sample.show(&error));
        out += "\n";
    }
    out
}

#[test]
fn yaml_mistakes_point_to_line_and_column() {
    insta::assert_snapshot!(errors(&[
        &[("main.fmf", "a: 1\nb: [1, 2\n")],
        &[("d/x.fmf", "tag: [a]\n\ntest: ./x\ntag: [b]\n")],
        &[("main.fmf", "a: 1\n---\nb: 2\n")],
        &[("main.fmf", "a:\n\tb: 1\n")],
        &[("main.fmf", "tag:\n[a, b]\n")],
        &[("main.fmf", "summary: one: two\n")],
        &[("main.fmf", "a:\n  b: 1\n   c: 2\n")],
        &[("main.fmf", "a:\n  b: 1\n c: 2\n")],
        &[("main.fmf", "a: {b: [1, 2}\n")],
        &[("main.fmf", "a: @x\n")],
        &[("main.fmf", "a:\n -\tb\n")],
        &[("main.fmf", "ž: 'x'\nb: !custom 1\n")],
        &[("main.fmf", "date: 2020-02-30\n")],
        &[("main.fmf", "a: *unknown\n")],
        &[("main.fmf", "a: x\u{1}y\n")],
        &[("main.fmf", "a: <<\n")],
        &[("main.fmf", "a: {<<: x}\n")],
        &[("main.fmf", "m: {? [[1], 2] : b}\n")],
        &[("main.fmf", "a: &x [*x]\n")],
    ]));
}

#[test]
fn mistakes_in_nodes_and_merges_point_to_the_entry() {
    insta::assert_snapshot!(errors(&[
        &[("main.fmf", "/x:\n  1: a\n")],
        &[("main.fmf", "~: a\n")],
        &[("x.fmf", "- a\n")],
        &[("main.fmf", "/x: 5\n")],
        &[("main.fmf", "/x:\n  /:\n    inherits: false\n")],
        &[("main.fmf", "/x:\n  /:\n    inherit: no\n")],
        &[("main.fmf", "tag: [a]\n"), ("d/x.fmf", "summary: x\ntag+: b\n")],
        &[("main.fmf", "a: [{x: 1}, y]\n/x:\n  a+: {x+: 1}\n")],
        &[("main.fmf", "a: x\n/x:\n  a~: /b/c\n")],
        &[("main.fmf", "a: x\n/x:\n  a-: '('\n")],
    ]));
}

#[test]
fn mistakes_in_merges_tell_what_was_merged_before() {
    let base = ("main.fmf", "tag: [a]\nduration: 5m\n");
    insta::assert_snapshot!(errors(&[
        &[
            base,
            ("d/main.fmf", "tag+: [b]\n"),
            ("d/x.fmf", "tag-: [a]\ntag+: {x: 1}\ntag+<: [c]\n")
        ],
        &[base, ("d/main.fmf", "tag+: [b]\nadjust: [{when: distro == rhel, tag+: 5}]\n")],
        &[base, ("d/main.fmf", "/: {inherit: false}\ntag: 1\n/x: {tag+: [b]}\n")],
    ]));
}

#[test]
fn mistakes_in_adjust_rules_point_to_the_rule() {
    insta::assert_snapshot!(errors(&[
        &[("main.fmf", "adjust:\n")],
        &[("main.fmf", "adjust:\n  - when: distro is rhel\n    a: 1\n")],
        &[("main.fmf", "adjust:\n  - when: true\n    continue: no\n")],
        &[("main.fmf", "adjust:\n  - a: 1\n  - b\n")],
        &[("main.fmf", "a: 1\nadjust:\n  - when: distro == rhel\n    a+: [1]\n")],
        &[("main.fmf", "adjust:\n  - when: 5\n")],
    ]));
}

#[test]
fn without_a_tree_the_error_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let error = Tree::open(directory.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Root);
    let shown = format!("{error}\n{}", error.hint().unwrap());
    insta::assert_snapshot!(shown.replace(&*directory.path().to_string_lossy(), "HERE"), @r"
    unable to find the root of a metadata tree for 'HERE': neither it nor a directory above it has a '.fmf' directory
    the top directory of a tree has a directory '.fmf' with a file 'version' in it
    ");
}

#[test]
fn the_first_mistake_in_scan_order_is_reported_however_many_files_are_read_at_once() {
    let mut files: Vec<(String, String)> =
        (0..60).map(|n| (format!("d{n:02}/x.fmf"), "a: 1\n".to_owned())).collect();
    files[40].1 = "a: [\n".into();
    files[20].1 = "b: [\n".into();
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let sample = Sample::new(&files);
    for _ in 0..5 {
        let error = sample.open().unwrap_err();
        assert!(error.location().unwrap().path.ends_with("d20/x.fmf"), "{error}");
    }
}
