//! Discovery: which tests a plan asks for, and what is known about each.

use atex_core::{Test, TestName, TestSuite};
use atex_fmf::{Context, Discover, Result};

use crate::sample::Sample;

const TESTS: &str = "
tag: [fast]
/one: {test: ./one.sh}
/two: {test: ./two.sh, tag+: [slow]}
/disabled: {test: x, enabled: false}
/zero: {test: x, enabled: 0}
/manual: {test: x, manual: true}
/by-machine: {test: x, manual: false}
/story: {test: x, story: As a user}
/inner: {test: m, /leaf: {summary: x}, /off: {enabled: false}}
/both: {test: m, /: {select: true}, /leaf: {summary: x}}
/hidden: {test: m, /: {select: false}}
/only-rhel:
  test: r
  enabled: false
  adjust: {when: distro == rhel, enabled: true}
/no-test: {summary: nothing}
";

const PLANS: &str = "
/simple: {discover: {how: fmf, test: /one}}
/no-how: {discover: {filter: ['tag: fast', 'tag: -slow'], exclude: both}}
/several:
  discover:
    - {name: x, how: fmf, test: [/one, /two], exclude: two$}
    - {name: y, how: fmf, filter: 'tag: fast', test: two}
    - {name: z, how: shell}
  environment: [{A: 1, B: x}, {A: true}]
/named: {discover: {name: only, test: one}}
/unnamed: {discover: [{how: fmf}, {how: fmf}]}
/same: {discover: [{name: a}, {name: a}]}
/slash: {discover: {name: a/b}}
/dots: {discover: [{name: ..}, {name: b}]}
/shell: {discover: {how: shell}}
/execute: {execute: {how: tmt}}
/text: {discover: nonsense}
/number: {discover: {test: 1}}
/remote: {discover: {url: 'https://example.org/x', ref: 1.10}}
/when: {discover: {when: 'distro ='}}
/group: {discover: {how: fmf}, /x: {summary: x}, /y: {summary: y}}
";

fn sample() -> Sample {
    Sample::new(&[("tests/main.fmf", TESTS), ("plans.fmf", PLANS)])
}

fn names(discover: &Discover) -> Result<Vec<String>> {
    let suite = discover.run(&sample().open()?)?;
    Ok(suite.tests.keys().map(|name| name.as_str().replace("/tests", "")).collect())
}

#[test]
fn tests_are_leaves_with_a_script_that_are_enabled_and_automatic() {
    let all = ["/both", "/both/leaf", "/by-machine", "/inner/leaf", "/one", "/two"];
    assert_eq!(names(&Discover::new()).unwrap(), all);
    let rhel = Discover::new().context(Context::new().with("distro", ["rhel-9"])).name("rhel");
    assert_eq!(names(&rhel).unwrap(), ["/only-rhel"]);
}

#[test]
fn plans_and_callers_are_combined() {
    let plan = |name: &str| Discover::new().plan(format!("/plans/{name}"));
    let table: [(Discover, &[&str]); 9] = [
        (plan("simple"), &["/one"]),
        (plan("no-how"), &["/by-machine", "/inner/leaf", "/one"]),
        (plan("several"), &["/x/one", "/y/two"]),
        (plan("named"), &["/only/one"]),
        // Names of the caller add to those of the plan; everything else restricts further.
        (plan("simple").name("two"), &["/one", "/two"]),
        (plan("several").name("one"), &["/x/one", "/y/one", "/y/two"]),
        (plan("several").filter("tag: slow"), &["/y/two"]),
        (plan("several").exclude("/tests"), &[]),
        (Discover::new().condition("'slow' in tag").exclude("nope"), &["/two"]),
    ];
    for (discover, expected) in table {
        assert_eq!(names(&discover).unwrap(), expected, "{discover:?}");
    }
}

#[test]
fn named_sections_are_laid_beside_each_other() {
    let sample = sample();
    let suite = Discover::new().plan("/plans/several").run(&sample.open().unwrap()).unwrap();
    let to: Vec<&str> = suite.content.iter().map(|content| content.to.as_str()).collect();
    assert_eq!(to, ["x", "y"]);
    assert!(suite.content.iter().all(|content| content.from == sample.path()));
    assert_eq!(suite.tests["/x/tests/one"].dir, "x/tests");
    let environment: Vec<_> = suite.environment.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(environment, ["A=True", "B=x"]);
}

#[test]
fn what_a_plan_does_around_its_tests_is_read_in_order() {
    let sample = Sample::new(&[(
        "main.fmf",
        "/a: {test: a, path: /some//./dir}
/b: {test: b, path: ../up}
/p:
  discover: {how: fmf, test: /a}
  prepare:
    - {name: late, order: 60, how: shell, script: [one, two]}
    - {how: install, package: [gcc, make], exclude: x}
    - {script: three, when: distro == rhel}
    - {script: four, when: distro == fedora}
    - {how: ansible, playbook: x.yml}
  finish: {script: five}
/q: {discover: {how: fmf}, prepare: words}
",
    )]);
    let tree = sample.open().unwrap();
    let rhel = Discover::new().context(Context::new().with("distro", ["rhel-9"]));
    let suite = rhel.clone().plan("/p").run(&tree).unwrap();
    assert_eq!(suite.tests["/a"].dir, "some/dir");
    insta::assert_json_snapshot!((&suite.prepare, &suite.finish));
    // Where it cannot be decided whether a phase is meant, it is not.
    let names = |suite: &TestSuite| -> Vec<String> {
        suite.prepare.iter().map(|phase| phase.name.clone()).collect()
    };
    assert_eq!(names(&suite), ["prepare-2", "prepare-3", "prepare-5", "late"]);
    let anywhere = Discover::new().plan("/p").run(&tree).unwrap();
    assert_eq!(names(&anywhere), ["prepare-2", "prepare-5", "late"]);
    let error = rhel.clone().plan("/q").run(&tree).unwrap_err().to_string();
    assert!(error.contains("'prepare' of /q must be a map, or a list of these"), "{error}");
    let error = rhel.name("/b").run(&tree).unwrap_err().to_string();
    assert!(error.contains("'path' of /b leads out of the tree: '../up'"), "{error}");
}

#[test]
fn keys_get_their_types() {
    let sample = Sample::new(&[(
        "main.fmf",
        "/a:
  test: ./a.sh
  duration: 2h
  tag: single
  tty: true
  require: bash
  environment: {T: true, N: 1, F: 1.0, S: x, Z: ~}
/b: {test: b, duration: 90, tag: [x, 1], require: [a, {type: file, pattern: /x}]}
/c: {test: c}
",
    )]);
    let suite = Discover::new().run(&sample.open().unwrap()).unwrap();
    let show = |(name, test): (&TestName, &Test)| {
        format!(
            "{name}: {:?} in {:?}, {:?}, tags {:?}, tty {}\n  environment {:?}\n  metadata {}\n",
            test.script,
            test.dir,
            test.duration,
            test.tags,
            test.tty,
            test.environment,
            serde_json::Value::Object(test.metadata.clone())
        )
    };
    insta::assert_snapshot!(suite.tests.iter().map(show).collect::<String>());
}

#[test]
fn plans_that_cannot_be_followed_say_why() {
    let mut out = String::new();
    for plan in [
        "/nope",
        "/plans/simpel",
        "/simple",
        "/plans",
        "/plans/group",
        "/tests/one",
        "/plans/unnamed",
        "/plans/same",
        "/plans/slash",
        "/plans/dots",
        "/plans/shell",
        "/plans/execute",
        "/plans/text",
        "/plans/number",
        "/plans/remote",
        "/plans/when",
    ] {
        let sample = sample();
        let error = Discover::new().plan(plan).run(&sample.open().unwrap()).unwrap_err();
        out += &format!("{plan}\n{}\n", sample.show(&error));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn wrong_keys_point_to_file_and_line() {
    let mut out = String::new();
    for keys in [
        "test:",
        "test: '  '",
        "test: [a]",
        "{test: x, duration: 5x}",
        "{test: x, duration: 1.5h}",
        "{test: x, duration: -5}",
        "{test: x, duration: 99999999999999999999d}",
        "{test: x, environment: [a]}",
        "test: x\n  environment:\n    GOOD: 1\n    BAD: [1]",
        "{test: x, environment: {'A=B': 1}}",
        "{test: x, tag: {a: b}}",
        "{test: x, tty: 'yes'}",
        "{test: x, require: [1]}",
    ] {
        let sample = Sample::new(&[("d/t.fmf", &format!("/x:\n  {keys}\n"))]);
        let error = Discover::new().run(&sample.open().unwrap()).unwrap_err();
        out += &format!("{}\n", sample.show(&error));
    }
    insta::assert_snapshot!(out);
}

#[test]
fn libraries_can_be_left_alone() {
    let sample = Sample::new(&[("main.fmf", "test: x\nrequire: library(foo/bar)\n")]);
    let suite = Discover::new().libraries(false).run(&sample.open().unwrap()).unwrap();
    assert_eq!(suite.tests["/"].metadata["require"], "library(foo/bar)");
}

#[test]
fn a_test_without_any_source_runs_where_its_script_was_written() {
    let sample = Sample::new(&[("d/main.fmf", "a: 1\n/x:\n  /: {inherit: false}\n  test: x\n")]);
    let suite = Discover::new().run(&sample.open().unwrap()).unwrap();
    assert_eq!(suite.tests["/d/x"].dir, "d");
}

#[test]
fn a_wrong_pattern_or_condition_is_reported_even_if_nothing_would_be_looked_at() {
    for discover in
        [Discover::new().name("("), Discover::new().exclude("("), Discover::new().condition("1 +")]
    {
        assert!(names(&discover.filter("tag: nothing")).is_err());
    }
}
