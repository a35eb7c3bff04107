//! Lint: what it finds, with its place, and what it leaves alone.

use atex_fmf::{Check, Context, Finding, Lint};

use crate::sample::Sample;

/// What lint says about these files, with the place, the line and the hint.
fn lint_with(files: &[(&str, &str)], lint: &Lint) -> String {
    let sample = Sample::new(files);
    let found = match sample.open() {
        Ok(tree) => lint.run(&tree),
        Err(error) => vec![Finding::from(&error)],
    };
    let show = |finding: &Finding| {
        let node = finding.node.as_deref().unwrap_or("-");
        let snippet = finding.snippet().unwrap_or_default();
        let hint = finding.hint.as_ref().map(|hint| format!("  hint: {hint}\n"));
        format!("{finding} [{node}]\n{snippet}\n{}", hint.unwrap_or_default())
    };
    sample.relative(&found.iter().map(show).collect::<String>())
}

fn lint(files: &[(&str, &str)]) -> String {
    lint_with(files, &Lint::new().skip(Check::MissingScript))
}

#[test]
fn unknown_keys_and_what_was_meant() {
    insta::assert_snapshot!(lint(&[(
        "main.fmf",
        "\
/test:
    test: ./a.sh
    tags: [x]
    Summary: Upper case
    extra-anything: 1
    mine: 1
    continue: false
    adjust:
      - when: distro == rhel
        enabeld: false
        tag+: [rhel]
/plan:
    discover: {how: fmf}
    enviroment: {A: 1}
/story:
    story: As a user
    exmaple: x
/group:
    nothing: known
"
    )]));
}

#[test]
fn keys_that_are_written_often_are_a_convention_of_the_tree() {
    let files = "/a: {test: x, mine: 1}\n/b: {test: x, mine: 1}\n/c: {test: x, mine: 1}\n";
    assert_eq!(lint(&[("main.fmf", files)]), "");
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(lint(&[(
        "main.fmf",
        "\
/test:
    test: ./a.sh
    summary: [no, list]
    tty: yes
    duration: soon
    order: first
    framework: pytest
    require: {type: file}
    environment: [A]
    result: maybe
    restart-on-exit-code: [1, x]
/plan:
    discover: {how: fmf, filter: {tag: x}, test: [/test]}
    prepare: [{how: shell, script: {a: 1}, order: x}, {when: distro is rhel}]
    environment: text
    context: [distro]
/other:
    execute: [text]
"
    )]));
}

#[test]
fn rules_that_are_never_applied() {
    insta::assert_snapshot!(lint(&[(
        "main.fmf",
        "\
test: ./a.sh
adjust:
  - when: distro == rhel and distro == fedora
    enabled: false
  - when: distro < rhel
    enabled: false
  - when: false
    enabled: false
  - when: arch is not defined and arch == x86_64
    enabled: false
  - when: distro == rhel-9
    because: it changes nothing
  - enabled: false
    continue: false
  - when: distro == fedora
    enabled: true
/a:
    adjust+:
      - when: distro == fedora-41
        tag: x
/b:
    adjust: []
"
    )]));
}

#[test]
fn rules_that_say_something_else() {
    let rules = [
        "distro == rhel AND arch == x86_64",
        "distro == rhel || distro == fedora",
        "distro == 'rhel'",
        "distro == rhel # note",
        "distro == (rhel)",
        "distro =~ rhel",
        "distro => rhel-9",
        "distro <> rhel-9",
        "distro == rhel,",
        "distro == rhel 9",
        "arch != x86_64, aarch64",
        "trueish",
        "ditro == rhel-9",
        "(distro == rhel)",
    ];
    let rules: String = rules
        .iter()
        .map(|rule| format!("- when: \"{}\"\n  enabled: false\n", rule.replace('"', "\\\"")))
        .collect();
    let rules = format!("- when: |\n    distro == rhel\n    arch == x86_64\n  tag: x\n{rules}");
    let rules = rules.lines().map(|line| format!("  {line}\n")).collect::<String>();
    insta::assert_snapshot!(lint(&[("main.fmf", &format!("/t:\n test: x\n adjust:\n{rules}"))]));
}

#[test]
fn rules_that_are_fine() {
    let rules = [
        "distro == rhel-9 and arch != s390x or trigger is defined",
        "distro ~ ^(rhel|centos) [0-9]",
        "distro ~< rhel-9.6",
        "distro == rhel, centos",
        "component ~ a|b",
        "true",
        "how == full",
        "distro = fedora",
    ];
    let rules: String =
        rules.iter().map(|rule| format!("  - {{when: '{rule}', tag: x}}\n")).collect();
    assert_eq!(lint(&[("main.fmf", &format!("test: x\nadjust:\n{rules}"))]), "");
}

const PLANS: &str = "
/fine: {discover: {how: fmf, test: /a, filter: 'tag: fast'}}
/enabled: {discover: {how: fmf, filter: 'enabled: true & name: /tests/a & tier: 1'}}
/adjusted: {discover: {how: fmf, filter: 'tag: slow'}}
/remote: {discover: {how: fmf, url: 'https://example.org/x', filter: 'tag: nope'}}
/variable: {discover: {how: fmf, filter: 'tag: $TAG'}}
/filter: {discover: {how: fmf, filter: ['tier: 7', 'enabled: true']}}
/name: {discover: [{how: fmf, name: x, test: [/a, /nope]}, {how: shell}]}
/together: {discover: {how: fmf, test: /b, filter: 'tier: 1'}}
/excluded: {discover: {how: fmf, exclude: /}}
";

#[test]
fn plans_that_select_nothing() {
    let tests =
        "/a: {test: x, tag: [fast], tier: 1}\n/b: {test: x, tag: [], adjust: {tag: [slow]}}\n";
    insta::assert_snapshot!(lint(&[("tests.fmf", tests), ("plans.fmf", PLANS)]));
}

#[test]
fn duplicate_summaries() {
    let files = [
        ("a.fmf", "test: x\nsummary: Check things\n"),
        ("b.fmf", "test: x\nsummary: \"Check things \"\n"),
        ("c.fmf", "test: x\nsummary: Other\n/one: {tag: 1}\n/two: {tag: 2}\n"),
    ];
    insta::assert_snapshot!(lint(&files));
}

#[test]
fn scripts_that_are_not_there() {
    let files = [
        ("main.fmf", "/virtual: {test: ./there.sh}\n/path: {test: ./there.sh, path: /d}\n"),
        ("d/main.fmf", "test: ./there.sh\n/one: {}\n/two: {test+: ' --two'}\n"),
        ("d/there.sh", "exit 0\n"),
        (
            "e.fmf",
            "/shell: {test: bash d/there.sh}\n/no: {test: bash nope.sh}\n/make: {test: make}\n/m: {test: ./n, manual: true}\n",
        ),
    ];
    insta::assert_snapshot!(lint_with(&files, &Lint::new()));
}

#[test]
fn a_context_changes_what_is_looked_at() {
    let files = [(
        "main.fmf",
        "test: x\nadjust:\n  - {when: distro == rhel, duration: never}\n  - {when: kind == x, tag: y}\n",
    )];
    assert_eq!(lint(&files), "");
    let rhel = Lint::new().context(Context::new().with("distro", ["rhel-9"]));
    insta::assert_snapshot!(lint_with(&files, &rhel));
}

#[test]
fn what_cannot_be_read_is_found() {
    let trees = [
        "a: [\n",
        "test: x\nadjust: text\n",
        "test: x\nadjust: {when: distro is rhel}\n",
        "tag: x\ntag+: [y]\n",
    ];
    let all: Vec<String> = trees.iter().map(|text| lint(&[("main.fmf", text)])).collect();
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn findings_are_data_for_programs() {
    let sample = Sample::new(&[("main.fmf", "test: x\ntty: maybe\n")]);
    let found = Lint::new().run(&sample.open().unwrap());
    let json = serde_json::to_string_pretty(&found[0].to_json()).unwrap();
    insta::assert_snapshot!(sample.relative(&json));
    assert!(Check::ALL.into_iter().all(|check| Check::from_name(check.name()) == Some(check)));
}
