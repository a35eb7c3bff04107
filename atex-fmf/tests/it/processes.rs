//! One cache, several processes; some of them killed in the middle.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use atex_fmf::{Cache, Reference};

use crate::repository::{Repository, git};
use crate::web::Web;

const URL: &str = "ATEX_FMF_TEST_URL";
const CACHE: &str = "ATEX_FMF_TEST_CACHE";

/// A repository on the web, and a cache.
struct Bench {
    folder: tempfile::TempDir,
    repository: Repository,
    web: Web,
}

impl Bench {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(&[("main.fmf", "a: main\n")]);
        git(folder.path(), &["clone", "-q", "--bare", &repository.url(), "served/tests.git"]);
        let web = Web::new(&folder.path().join("served"))?;
        Some(Self { folder, repository, web })
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// Another process, which runs the test below.
    fn process(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "processes::this_is_the_other_process"]);
        command.env(URL, self.web.url("tests.git")).env(CACHE, self.cache());
        command.env("no_proxy", "*").env("GIT_CONFIG_GLOBAL", "/dev/null");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// What is in the cache, apart from locks.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let name = self.web.url("tests.git").replace('/', "_");
        let mut names: Vec<String> = names.map(|entry| entry.replace(&name, "CLONE")).collect();
        names.retain(|name| !name.ends_with(".lock"));
        names.sort();
        names
    }
}

fn succeed(process: Child) {
    let output = process.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

/// Does nothing but in the processes that the other tests start.
#[test]
fn this_is_the_other_process() {
    let (Ok(url), Some(cache)) = (std::env::var(URL), std::env::var_os(CACHE)) else { return };
    let resolved = Reference::new().url(&url).resolve(&Cache::new(Path::new(&cache))).unwrap();
    assert_eq!(resolved.tree.top().get("a"), Some(&"main".into()));
}

#[test]
fn two_processes_fetch_once() {
    let Some(bench) = Bench::new() else { return };
    let held = bench.web.hold();
    let first = bench.process();
    held.wait();
    // The first is in the middle of its clone, whenever the second looks.
    let second = bench.process();
    drop(held);
    succeed(first);
    succeed(second);
    assert_eq!(bench.web.packs(), 1, "the second used what the first had fetched");
    assert_eq!(bench.left(), ["CLONE", "CLONE.trees"]);
}

#[test]
fn a_process_that_is_killed_in_its_clone_leaves_nothing_in_the_way() {
    let Some(bench) = Bench::new() else { return };
    let held = bench.web.hold();
    let mut first = bench.process();
    held.wait();
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(!bench.left().contains(&"CLONE".to_owned()), "{:?}", bench.left());
    // Git itself goes on, until it has all or nobody answers; the next one waits for it, and clones anew.
    let second = bench.process();
    drop(held);
    succeed(second);
    assert_eq!(bench.left(), ["CLONE", "CLONE.trees"]);
    let newest = bench.repository.git(&["rev-parse", "HEAD"]);
    let clone = bench.cache().join(bench.web.url("tests.git").replace('/', "_"));
    assert_eq!(git(&clone, &["rev-parse", "origin/main"]), newest);
    git(&clone, &["fsck", "--strict"]);
}
