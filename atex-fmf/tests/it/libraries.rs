//! Discovery over several repositories: sections of other trees, and libraries that tests require.

use std::path::Path;

use atex_core::TestSuite;
use atex_fmf::{Cache, Context, Discover, ErrorKind, LibraryHost};

use crate::repository::{Repository, git};
use crate::sample::Sample;

/// A tree with tests, and a folder with bare repositories `one`, `two` and `other`.
struct Bench {
    sample: Sample,
    hosts: tempfile::TempDir,
}

const ONE: &[(&str, &str)] = &[
    (
        "lib/main.fmf",
        "require: [one-dep, library(two/x), library(nick-of/package)]\nrecommend: extra\n",
    ),
    ("lib/lib.sh", "# one"),
    ("flat.fmf", "summary: defined by a file alone\n"),
];

const TWO: &[(&str, &str)] = &[
    // Back to where it is required from.
    (
        "x/main.fmf",
        "require:\n  - two-dep\n  - library(one/lib)\nadjust:\n  - when: distro == rhel\n    require+: [rhel-dep]\n",
    ),
    ("sub/.fmf/version", "1\n"),
    ("sub/deep/main.fmf", "summary: deep\n"),
];

const OTHER: &[(&str, &str)] = &[
    (
        "main.fmf",
        "/far: {test: ./far.sh, require: {nick: near, name: /near}}\n/near: {require: near-dep}\n",
    ),
    ("near/lib.sh", "# near"),
    ("sub/.fmf/version", "1\n"),
    ("sub/t/main.fmf", "test: ./sub.sh\nadjust: {when: distro == rhel, enabled: false}\n"),
];

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let hosts = tempfile::tempdir().unwrap();
        for (name, files) in [("one", ONE), ("two", TWO), ("other", OTHER)] {
            let repository = Repository::new(files);
            if name == "other" {
                repository.git(&["checkout", "-q", "-b", "next"]);
                repository.commit(&[("main.fmf", "/next: {test: ./next.sh}\n")]);
                repository.git(&["checkout", "-q", "main"]);
            }
            git(hosts.path(), &["clone", "-q", "--bare", &repository.url(), name]);
        }
        let hosts_path = hosts.path().display().to_string();
        let files: Vec<(&str, String)> =
            files.iter().map(|(path, text)| (*path, text.replace("HOSTS", &hosts_path))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        Self { sample: Sample::new(&files), hosts }
    }

    fn discover(&self) -> Discover {
        let host = LibraryHost::new(format!("file://{}/", self.hosts.path().display()));
        Discover::new().cache(Cache::new(self.hosts.path().join("cache"))).library_host(host)
    }

    fn run(&self, discover: &Discover) -> atex_fmf::Result<TestSuite> {
        discover.run(&self.sample.open()?)
    }

    /// The parts of a suite that repositories change, without what is different in each run.
    fn show(&self, suite: &TestSuite) -> String {
        let test = |(name, test): (&atex_core::TestName, &atex_core::Test)| {
            let list = |key: &str| test.metadata.get(key).cloned().unwrap_or_default();
            format!("{name} in {:?}\n  {}\n  {}\n", test.dir, list("require"), list("recommend"))
        };
        let content = suite.content.iter().map(|content| {
            let from = content.from.display();
            let files: Vec<_> = walk(&content.from, Path::new(""));
            format!("{from} -> {:?}: {}\n", content.to, files.join(" "))
        });
        self.clean(
            &(suite.tests.iter().map(test).collect::<String>() + &content.collect::<String>()),
        )
    }

    fn clean(&self, text: &str) -> String {
        let hosts = self.hosts.path().to_string_lossy();
        let flat = format!("file://{hosts}/").replace('/', "_");
        let text = text.replace(&flat, "").replace(&*hosts, "HOSTS");
        let text = text.replace(&*self.sample.path().to_string_lossy(), "ROOT");
        // Commits have the time of this run in them.
        let is_commit =
            |part: &&str| part.len() == 40 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let parts = text.split_inclusive(['/', ' ']).map(|part| {
            let name = part.trim_end_matches(['/', ' ']);
            if is_commit(&name) { part.replace(name, "COMMIT") } else { part.to_owned() }
        });
        parts.collect()
    }
}

fn walk(folder: &Path, below: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder.join(below)).unwrap().flatten().collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    names.retain(|entry| entry.file_name() != ".git");
    let files = names.iter().flat_map(|entry| {
        let path = below.join(entry.file_name());
        if entry.path().is_dir() { walk(folder, &path) } else { vec![path.display().to_string()] }
    });
    files.collect()
}

#[test]
fn sections_of_other_trees_are_laid_beside_the_own() {
    let plan = "
/all:
  discover:
    - {name: here}
    - {name: there, url: 'file://HOSTS/other'}
    - {name: next, url: 'file://HOSTS/other', ref: next}
    - {name: part, url: 'file://HOSTS/other', path: /sub, test: t}
/single: {discover: {how: fmf, url: 'file://HOSTS/other', ref: null}}
";
    let bench = Bench::new(&[("plans.fmf", plan), ("own.fmf", "test: ./own.sh\n")]);
    let all = bench.run(&bench.discover().plan("/plans/all")).unwrap();
    let single = bench.run(&bench.discover().plan("/plans/single").libraries(false)).unwrap();
    let rhel = Context::new().with("distro", ["rhel"]);
    let rhel = bench.run(&bench.discover().plan("/plans/all").context(rhel)).unwrap();
    assert!(!rhel.tests.keys().any(|name| name.as_str() == "/part/t"));
    insta::assert_snapshot!(bench.show(&all) + "\n" + &bench.show(&single));
}

#[test]
fn sections_count_when_their_rules_allow() {
    let plan = "
discover:
  - {name: always}
  - {name: old, when: 'distro < rhel-9'}
  - {name: several, when: ['distro == fedora', 'arch == x86_64']}
";
    let bench = Bench::new(&[("plan.fmf", plan), ("t.fmf", "test: x\n")]);
    let names = |context: Context| {
        let suite = bench.run(&bench.discover().plan("/plan").context(context)).unwrap();
        suite.tests.keys().map(|name| name.as_str().to_owned()).collect::<Vec<_>>().join(" ")
    };
    let context = |distro: &str| Context::new().with("distro", [distro]);
    assert_eq!(names(Context::new()), "/always/t /old/t /several/t");
    assert_eq!(names(context("rhel-8")), "/always/t /old/t /several/t");
    assert_eq!(names(context("rhel-9").with("arch", ["s390x"])), "/always/t");
    assert_eq!(names(context("rhel-9").with("arch", ["x86_64"])), "/always/t /several/t");
}

#[test]
fn libraries_are_laid_and_bring_their_requirements() {
    let tests = "
/short: {test: s, require: [first, library(one/lib), library(no/such), 'library(one/flat)', last]}
/again: {test: s, require: [library(one/lib), library(two/x)]}
/by-url:
  test: s
  require:
    - {type: library, url: 'file://HOSTS/one', name: /lib, nick: other-nick}
    - {url: 'file://HOSTS/two', path: /sub, name: /deep}
  recommend: [some]
/own: {test: s, require: {nick: mine, name: /libs-here/a}}
/in-place: {test: s, require: {nick: kept, name: /libs/kept/b}}
/by-path: {test: s, require: {type: library, path: HOSTS/tree, name: /}}
/file: {test: s, require: [{type: file, pattern: /x}, package]}
";
    let bench = Bench::new(&[
        ("main.fmf", tests),
        ("libs-here/a/main.fmf", "require: [a-dep, {nick: mine, name: /libs-here/a}]\n"),
        ("libs/kept/libs/kept/b/main.fmf", "summary: where it belongs\n"),
        ("libs/kept/b/main.fmf", "recommend: b-dep\n"),
    ]);
    git(bench.hosts.path(), &["clone", "-q", "one", "tree"]);
    let suite = bench.run(&bench.discover()).unwrap();
    insta::assert_snapshot!(bench.show(&suite));
}

#[test]
fn libraries_lie_in_the_folder_of_their_section() {
    let plan = "discover: [{name: a}, {name: b}]\n";
    let bench = Bench::new(&[
        ("plan.fmf", plan),
        ("t.fmf", "test: x\nrequire: [library(one/lib), {nick: own, name: /lib}]\n"),
        ("lib/main.fmf", "summary: x\n"),
    ]);
    let suite = bench.run(&bench.discover().plan("/plan")).unwrap();
    let to: Vec<&str> = suite.content.iter().map(|content| content.to.as_str()).collect();
    let below = |name: &str| {
        ["", "/libs/one/lib", "/libs/two/x", "/libs/own/lib"].map(|to| format!("{name}{to}"))
    };
    assert_eq!(to, [below("a"), below("b")].concat());
}

#[test]
fn a_probe_decides_whether_there_is_a_library() {
    let bench = Bench::new(&[("t.fmf", "test: x\nrequire: library(one/lib)\n")]);
    let host = LibraryHost::new(format!("file://{}", bench.hosts.path().display()));
    let none = host.clone().probe(|url, name| {
        assert!(url.ends_with("/one") && name == "/lib", "{url} {name}");
        Ok(false)
    });
    let suite = bench.run(&bench.discover().library_host(none)).unwrap();
    assert_eq!(suite.tests["/t"].metadata["require"], serde_json::json!(["library(one/lib)"]));
    let broken = host.probe(|_, _| Err(std::io::Error::other("no network")));
    let error = bench.run(&bench.discover().library_host(broken)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fetch);
}

#[test]
fn libraries_that_cannot_be_had_say_why() {
    let mut out = String::new();
    for require in [
        "{name: /lib}",
        "{nick: n}",
        "{nick: n, name: /nope}",
        "{nick: '../..', name: /lib}",
        "{nick: /etc, name: /lib}",
        "library(../x)",
        "{nick: [n], name: /lib}",
        "{url: 'file://HOSTS/nope', name: /lib}",
        "{url: 'file://HOSTS/one', name: /nope}",
        "{url: 'file://HOSTS/one', name: /flat}",
        "{url: 'file://HOSTS/one', ref: -x, name: /lib}",
        "{path: relative, name: /lib}",
        "{path: HOSTS/empty, name: /lib}",
        "[1]",
    ] {
        let files = format!("require:\n  {require}\n/t: {{test: x}}\n/lib: {{summary: x}}\n");
        let bench = Bench::new(&[("main.fmf", &files)]);
        std::fs::create_dir(bench.hosts.path().join("empty")).unwrap();
        let error = bench.run(&bench.discover().name("/t$")).unwrap_err();
        out += &bench.clean(&format!("{}\n", bench.sample.show(&error)));
    }
    let sample = Sample::new(&[("t.fmf", "test: x\nrecommend: {nick: n, name: /t}\n")]);
    out += &sample.show(&Discover::new().run(&sample.open().unwrap()).unwrap_err());
    let sample = Sample::new(&[("t.fmf", "test: x\nrequire: library(x/y)\n")]);
    out += &sample.show(&Discover::new().run(&sample.open().unwrap()).unwrap_err());
    insta::assert_snapshot!(out);
}

#[test]
fn chains_and_doublings_of_libraries_end() {
    let chain = |count: usize, require: &dyn Fn(usize) -> String| {
        let libraries = (0..count).map(|n| format!("/l{n}: {{require: {}}}\n", require(n)));
        let tests = format!(
            "/t: {{test: x, require: {{nick: n, name: /l0}}}}\n{}",
            libraries.collect::<String>()
        );
        let sample = Sample::new(&[("main.fmf", &tests)]);
        Discover::new().run(&sample.open().unwrap()).map(drop)
    };
    let next = |n: usize| format!("[{{nick: n, name: /l{}}}]", (n + 1) % 120);
    assert_eq!(chain(120, &next).unwrap_err().kind(), ErrorKind::Limit);
    assert!(chain(90, &|n| next(n).replace("/l90", "/l0")).is_ok());
    let twice =
        |n: usize| format!("[p, {{nick: n, name: /l{0}}}, {{nick: n, name: /l{0}}}]", (n + 1) % 60);
    assert_eq!(chain(60, &twice).unwrap_err().kind(), ErrorKind::Limit);
}
