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
