//! Several platforms in one run, and what metadata say to the scheduler.

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
test: echo "$WHERE"
environment: {WHERE: nowhere}
adjust:
  - when: distro == one
    environment+: {WHERE: first}
  - when: distro == two
    environment+: {WHERE: second}
/any:
    summary: Runs on whatever is free
/second:
    test: '[ "$WHERE" = second ]'
    extra-needs: distro == two
/mainframe:
    extra-needs: arch == s390x
/first:
    test: '[ "$WHERE" = first ]'
    adjust+:
      - when: distro == two
        enabled: false
/net:
    extra-together: net
    test: |
        [[ $ATEX_PEERS = "client=localhost server=localhost" && $ATEX_ROLE = "${TMT_TEST_NAME##*/}" ]]
    /server:
        summary: Is talked to
    /client:
        summary: Talks
"#,
)];

/// Verdict, test and platform of every result of a test itself.
fn said(bench: &Bench, out: &str) -> String {
    let mut lines: Vec<String> = bench
        .results(&bench.path(out))
        .iter()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            let word = |at: usize| line[at].as_str().unwrap_or_default().to_owned();
            format!("{} {} on {}", word(1), word(2), word(0))
        })
        .collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn each_test_runs_where_it_can() {
    let bench = Bench::new(TREE);
    let pools =
        "--pool local,max=2,distro=one,platform=one --pool local,max=2,distro=two,platform=two";
    let arguments = format!("run {pools} --out ../any --progress none");
    let run = bench.command(&arguments).output().unwrap();
    let report = String::from_utf8(run.stdout).unwrap();
    assert!(report.contains("no pool has what it needs: arch == s390x"), "{report}");
    assert!(report.contains("6: 5 passed, 1 not run"), "{report}");
    let results = said(&bench, "any");
    assert!(results.contains("/first on one") && results.contains("/second on two"), "{results}");
    bench.assert_clean();
}

#[test]
fn each_test_runs_once_on_every_platform() {
    let bench = Bench::new(TREE);
    let pools =
        "--pool local,max=2,distro=one,platform=one --pool local,max=2,distro=two,platform=two";
    let arguments = format!("run --every-platform {pools} --out ../every --progress none");
    let run = bench.command(&arguments).output().unwrap();
    let report = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(3), "{report}");
    insta::assert_snapshot!(said(&bench, "every"), @r#"
    pass /any on one
    pass /any on two
    pass /first on one
    pass /net/client on one
    pass /net/client on two
    pass /net/server on one
    pass /net/server on two
    pass /second on two
    "#);
    bench.assert_clean();
}
