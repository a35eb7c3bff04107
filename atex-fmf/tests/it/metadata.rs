//! Typed metadata: what keys of tests and plans mean, and errors that point to the key.

use atex_fmf::{Discover, PlanMetadata, TestMetadata, Tree};

use crate::sample::Sample;

fn tree(text: &str) -> (Sample, Tree) {
    let sample = Sample::new(&[("main.fmf", text)]);
    let tree = sample.open().unwrap();
    (sample, tree)
}

#[test]
fn everything_about_a_test() {
    let (_sample, tree) = tree(
        "\
summary: Check it
description: At length
contact: [Me <me@example.org>]
component: shop
id: 5
test: ./run.sh
path: /tests
framework: beakerlib
require:
  - git
  - library(shop/cart)
  - {url: 'https://example.org/lib', ref: 2, name: /x, nick: y}
  - {type: file, pattern: [/data, 'x.*']}
recommend: jq
environment: {A: 1, B: yes}
duration: 1h 30m
enabled: false
manual: true
tty: true
tag: [a, 1]
tier: 2
order: 10
result: xfail
restart-on-exit-code: 79
restart-max-count: 5
restart-with-reboot: true
extra-nitrate: TC#1
",
    );
    let test = TestMetadata::of(tree.top()).unwrap();
    insta::assert_debug_snapshot!(test);
}

#[test]
fn nothing_about_a_test_gives_the_defaults() {
    let (_sample, tree) = tree("test: make\ntag:\n");
    let test = TestMetadata::of(tree.top()).unwrap();
    assert!(test.enabled && !test.tty && !test.manual);
    assert_eq!((test.order, test.restart.max_count, test.duration), (50, 1, None));
    assert!(test.tag.is_empty() && test.extra.is_empty());
}

#[test]
fn the_first_wrong_key_is_an_error_all_are_read() {
    let (sample, tree) = tree("test: ./a.sh\ntty: 1\nduration: [5]\n");
    let error = TestMetadata::of(tree.top()).unwrap_err();
    insta::assert_snapshot!(sample.relative(&error.to_string()));
    let (test, errors) = TestMetadata::read(tree.top());
    assert_eq!((test.test.as_str(), errors.len()), ("./a.sh", 2));
}

#[test]
fn everything_about_a_plan() {
    let (_sample, tree) = tree(
        "\
summary: Check all
discover: [{name: a, how: fmf, filter: 'tag: x'}, {name: b, how: shell}]
prepare:
  - {how: install, package: [git, make], exclude: vim, order: 20}
  - {name: last, how: shell, script: [a, b], when: distro == rhel, where: [client]}
execute: {how: tmt}
finish: {how: shell, script: rm x}
environment: {A: 1}
environment-file: [env, more.yaml]
context: {distro: rhel-9, trigger: [commit, code]}
gate: [merge]
",
    );
    let plan = PlanMetadata::of(tree.top()).unwrap();
    insta::assert_debug_snapshot!(plan);
}

fn environment(files: &[(&str, &str)]) -> Result<String, String> {
    let sample = Sample::new(files);
    let suite = Discover::new().plan("/p").run(&sample.open().unwrap());
    let suite = suite.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        sample.relative(&format!("{error}{}", cause.unwrap_or_default()))
    })?;
    Ok(suite.environment.iter().map(|(key, value)| format!("{key}={value} ")).collect())
}

#[test]
fn variables_of_files_come_before_those_of_the_plan() {
    let plan =
        "discover: {how: fmf}\nenvironment-file: [d/env, more.yml]\nenvironment: {C: plan}\n";
    let files = [
        ("p.fmf", plan),
        ("d/env", "A=1 B='x y' # comment\nC=file\n"),
        ("more.yml", "A: 2\nD: true\n"),
    ];
    assert_eq!(environment(&files).unwrap(), "A=2 B=x y C=plan D=True ");
}

#[test]
fn files_of_variables_that_cannot_be_used_are_refused() {
    let cases = [
        ("nope", ""),
        ("../outside", ""),
        ("x/../../outside", ""),
        ("link", ""),
        ("https://example.org/env", ""),
        ("bad", "A=1\nB\n"),
        ("bad.yaml", "[1]"),
        ("list.yaml", "A: [1]"),
        ("dir", ""),
    ];
    let said = cases.map(|(name, text)| {
        let plan = format!("discover: {{how: fmf}}\nenvironment-file: {name}\n");
        let sample = Sample::new(&[
            ("p.fmf", &plan),
            ("dir/x", ""),
            (if text.is_empty() { "y" } else { name }, text),
        ]);
        std::os::unix::fs::symlink("/etc/hostname", sample.path().join("link")).unwrap();
        let error = Discover::new().plan("/p").run(&sample.open().unwrap()).unwrap_err();
        sample.relative(&error.to_string())
    });
    insta::assert_snapshot!(said.join("\n"));
}
