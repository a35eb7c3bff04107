//! Nodes as JSON.

use crate::sample::Sample;
use atex_fmf::{Climb, Context};

#[test]
fn nodes_are_shown_with_data_and_relative_sources() {
    let sample = Sample::new(&[
        ("main.fmf", "tag: [a]\nsince: 2020-01-01\nwhen: 2020-01-01 10:00:00 +2\n"),
        ("d/main.fmf", "map: {1: one, ~: none, x: [1.0, .inf, 99999999999999999999]}\n"),
        ("d/x.fmf", "tag+: [b]\nadjust: {when: arch == x86_64, tag+: [c]}\n"),
    ]);
    let mut tree = sample.open().unwrap();
    tree.adjust(&Context::new().with("arch", ["x86_64"])).unwrap();
    let nodes: Vec<_> =
        tree.climb(Climb { whole: true, sort: true }).map(|node| node.to_json()).collect();
    insta::assert_json_snapshot!(nodes);
}

#[test]
fn nodes_are_shown_as_text() {
    let sample = Sample::new(&[(
        "main.fmf",
        "z: 1\ntext: |\n  two\n  lines\n\ntag: [a, b, c]\none: [x]\nnone: []\nmixed: [a, 1]\nmap: {k: v, a: [1, 2]}\nnul: ~\n\
         fl: 1.50\nbool: true\ndate: 2020-01-01\nempty: ''\nst: !!set {b, a}\nkeys: {1: a, ~: b, c: d}\n\
         nested: {b: {c: {d: [1, aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbb, {x: 1}]}}, a: ~}\n\
         long: [1, \"word word word word word word word word word word word word word word word word word word word \\n and so\"]\n",
    )]);
    let tree = sample.open().unwrap();
    insta::assert_snapshot!(tree.top().show());
}

#[test]
fn templates_are_filled_with_expressions() {
    let sample = Sample::new(&[("main.fmf", "tag: [a, b]\nn: 7\n")]);
    let tree = sample.open().unwrap();
    let top = tree.top();
    let rows: &[(&str, &[&str])] = &[
        ("{} {}\\n", &["name", "data['tag']"]),
        ("{1}{0}{{}}", &["name", "len(data)"]),
        ("{:>5}|{:<3}|{:^5}|{:*>4}|", &["name", "1", "'x'", "2"]),
        ("{!r} {:.2f} {:05d}", &["name", "1.234", "-7"]),
        ("{}", &["data.get('none')"]),
        ("no values", &[]),
        ("{}", &[]),
        ("{0}{}", &["1", "2"]),
        ("{", &["1"]),
        ("}", &["1"]),
        ("{x}", &["1"]),
        ("{:99999999}", &["1"]),
        ("{}", &["data['nope']"]),
        ("{}", &["nope"]),
    ];
    let lines = rows.iter().map(|(template, values)| {
        let text = top.format(template, values).unwrap_or_else(|error| format!("error: {error}"));
        format!("{template} {values:?} -> {text}")
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
