//! References to nodes of other trees: what they resolve to, the cache, and what can go wrong with both.

use std::path::Path;
use std::time::Duration;

use atex_fmf::{Cache, Error, ErrorKind, Map, Reference, Resolved, Value};

use crate::repository::{Daemon, Repository, git};

struct Bench {
    folder: tempfile::TempDir,
    repository: Repository,
}

impl Bench {
    fn new() -> Self {
        let repository = Repository::new(&[
            ("main.fmf", "a: main\n/x: {b: 1}\n"),
            ("sub/.fmf/version", "1\n"),
            ("sub/main.fmf", "a: sub\n"),
            ("deep/er/keep", ""),
        ]);
        repository.git(&["tag", "v1"]);
        repository.git(&["checkout", "-q", "-b", "feature/slash"]);
        repository.commit(&[("main.fmf", "a: slash\n")]);
        repository.git(&["checkout", "-q", "main"]);
        Self { folder: tempfile::tempdir().unwrap(), repository }
    }

    fn cache(&self) -> Cache {
        Cache::new(self.folder.path().join("cache"))
    }

    fn reference(&self) -> Reference {
        Reference::new().url(self.repository.url())
    }

    fn clone_directory(&self) -> std::path::PathBuf {
        self.folder.path().join("cache").join(self.repository.url().replace('/', "_"))
    }

    /// Everything of this machine and this run is taken out of an error.
    fn show(&self, error: &Error) -> String {
        let text = format!("{:?}: {error}", error.kind());
        let text = text.replace(&self.repository.url().replace('/', "_"), "CLONE");
        let text = text.replace(&*self.repository.path().to_string_lossy(), "REPOSITORY");
        text.replace(&*self.folder.path().to_string_lossy(), "FOLDER")
    }
}

fn a(resolved: &Resolved) -> &str {
    resolved.tree.top().get("a").unwrap().as_str().unwrap()
}

#[test]
fn branches_tags_commits_and_paths() {
    let bench = Bench::new();
    let tagged = bench.repository.git(&["rev-parse", "v1"]);
    let newest = bench.repository.commit(&[("main.fmf", "a: newest\n/x: {b: 2}\n")]);
    let reference = bench.reference();
    let table = [
        (reference.clone(), "newest"),
        (reference.clone().name("/x"), "newest"),
        (reference.clone().revision("main"), "newest"),
        (reference.clone().revision("v1"), "main"),
        (reference.clone().revision("feature/slash"), "slash"),
        (reference.clone().revision(&tagged), "main"),
        (reference.clone().revision(&tagged[..10]), "main"),
        (reference.clone().revision("main~1"), "main"),
        (reference.clone().path("sub"), "sub"),
        (reference.clone().path("//sub/."), "sub"),
        (reference.clone().path("deep/er"), "newest"),
    ];
    // Each with a cache of its own, and all with one.
    let shared = bench.cache();
    for (index, (reference, expected)) in table.iter().enumerate() {
        let own = Cache::new(bench.folder.path().join(index.to_string()));
        for cache in [&own, &shared] {
            let resolved = reference.resolve(cache).unwrap();
            assert_eq!(a(&resolved), *expected, "{reference}");
            let commit = resolved.commit.as_deref().unwrap();
            assert_eq!(
                commit == newest,
                *expected != "main" && *expected != "slash",
                "{reference}"
            );
        }
    }
    assert_eq!(reference.name("/x").resolve(&shared).unwrap().node().get("b"), Some(&2.into()));
}

#[test]
fn the_default_branch_may_have_a_slash() {
    let bench = Bench::new();
    bench.repository.git(&["checkout", "-q", "feature/slash"]);
    let cache = bench.cache();
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "slash");
    // A clone by others may lack the note which branch that is.
    git(&bench.clone_directory(), &["remote", "set-head", "origin", "--delete"]);
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "slash");
}

#[test]
fn shallow_at_first_and_whole_when_needed() {
    let bench = Bench::new();
    bench.repository.commit(&[("main.fmf", "a: newest\n")]);
    let cache = bench.cache();
    let shallow = bench.clone_directory().join(".git/shallow");
    bench.reference().resolve(&cache).unwrap();
    assert!(shallow.is_file());
    assert_eq!(a(&bench.reference().revision("feature/slash").resolve(&cache).unwrap()), "slash");
    assert!(!shallow.exists());
}

#[test]
fn news_come_when_the_time_is_over() {
    let bench = Bench::new();
    let cache = bench.cache();
    let reference = bench.reference();
    let old = reference.resolve(&cache).unwrap();
    bench.repository.commit(&[("main.fmf", "a: newest\n")]);
    assert_eq!(a(&reference.resolve(&cache).unwrap()), "main");
    let impatient = cache.clone().expiration(Duration::ZERO);
    assert_eq!(a(&reference.resolve(&impatient).unwrap()), "newest");
    // What was read before is still there, as it was.
    let file = old.tree.root().unwrap().join("main.fmf");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "a: main\n/x: {b: 1}\n");
    bench.repository.commit(&[("main.fmf", "a: latest\n")]);
    assert_eq!(a(&reference.resolve(&cache).unwrap()), "newest");
    cache.invalidate().unwrap();
    assert_eq!(a(&reference.resolve(&cache).unwrap()), "latest");
    cache.clear().unwrap();
    assert!(!cache.directory().exists());
    cache.clear().unwrap();
    cache.invalidate().unwrap();
}

#[test]
fn a_fetch_that_fails_counts_as_none() {
    let bench = Bench::new();
    let cache = bench.cache();
    bench.reference().resolve(&cache).unwrap();
    let away = bench.folder.path().join("away");
    std::fs::rename(bench.repository.path().join(".git"), &away).unwrap();
    let impatient = cache.clone().expiration(Duration::ZERO);
    cache.invalidate().unwrap();
    bench.reference().resolve(&impatient).unwrap_err();
    // Its beginning must not count as a fetch, or nobody would ask again for a while.
    assert_eq!(bench.reference().resolve(&cache).unwrap_err().kind(), ErrorKind::Fetch);
    std::fs::rename(&away, bench.repository.path().join(".git")).unwrap();
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "main");
}

#[test]
fn what_cannot_be_resolved_says_why() {
    let bench = Bench::new();
    bench.repository.git(&["checkout", "-q", "--orphan", "bare"]);
    bench.repository.git(&["rm", "-rfq", "."]);
    bench.repository.commit(&[("some/file", "")]);
    std::os::unix::fs::symlink("/", bench.repository.path().join("out")).unwrap();
    bench.repository.commit(&[]);
    bench.repository.git(&["checkout", "-q", "main"]);
    // A tree around the cache is not that of the repository.
    std::fs::create_dir(bench.folder.path().join(".fmf")).unwrap();
    std::fs::write(bench.folder.path().join(".fmf/version"), "1\n").unwrap();
    let reference = bench.reference();
    let gone = Reference::new().url(format!("file://{}/gone", bench.repository.path().display()));
    let cases = [
        reference.clone().name("/nope").revision("v1"),
        reference.clone().revision("nope"),
        reference.clone().revision("main.fmf"),
        reference.clone().revision("--orphan=x"),
        reference.clone().revision(""),
        reference.clone().path("nope"),
        reference.clone().path("../../../../"),
        reference.clone().path("sub/../../.."),
        reference.clone().revision("bare"),
        reference.clone().revision("bare").path("some"),
        reference.clone().revision("bare").path("out"),
        gone,
        Reference::new().url("--upload-pack=touch x"),
        Reference::new().url("ext::sh -c true"),
        Reference::new().url(""),
        Reference::new().url("a\nb"),
        Reference::new().path("sub"),
        Reference::new().path(""),
    ];
    let show = |reference: &Reference| {
        let error = reference.resolve(&bench.cache()).unwrap_err();
        let given = reference.to_string().replace(&bench.repository.url(), "URL");
        let given = given.replace(&*bench.repository.path().to_string_lossy(), "REPOSITORY");
        format!("{given}\n  {}\n", bench.show(&error))
    };
    insta::assert_snapshot!(cases.iter().map(show).collect::<String>());
}

#[test]
fn maps_of_metadata_are_references() {
    let parse = |text: &str| {
        let value = Value::from_yaml(text).unwrap();
        let reference = Reference::from_map(value.as_map().unwrap_or(&Map::new()));
        reference.map_or_else(|error| error.to_string(), |reference| reference.to_string())
    };
    let lines = [
        "{}",
        "{url: u, ref: r, path: p, name: n, other: 1}",
        "{ref: null}",
        "{ref: 1.10}",
        "{url: null}",
        "{name: [a]}",
    ];
    let shown = lines.map(|line| format!("{line}: {}\n", parse(line))).concat();
    insta::assert_snapshot!(shown, @"
    {}: {}
    {url: u, ref: r, path: p, name: n, other: 1}: {url: u, ref: r, path: p, name: n}
    {ref: null}: {}
    {ref: 1.10}: 'ref' of a reference must be a string, got 'float'
    {url: null}: 'url' of a reference must be a string, got 'NoneType'
    {name: [a]}: 'name' of a reference must be a string, got 'list'
    ");
}

#[test]
fn two_urls_of_one_name_do_not_share_a_clone() {
    let bench = Bench::new();
    let base = bench.folder.path();
    for (path, a) in [("r_x", "flat"), ("r/x", "nested")] {
        let other = Repository::new(&[("main.fmf", &format!("a: {a}\n"))]);
        std::fs::create_dir_all(base.join(path)).unwrap();
        git(base, &["clone", "-q", "--bare", &other.url(), path]);
    }
    let resolve = |path: &str| {
        let url = format!("file://{}/{path}", base.display());
        let resolved = Reference::new().url(url).resolve(&bench.cache()).unwrap();
        a(&resolved).to_owned()
    };
    for _ in 0..2 {
        assert_eq!(["r_x", "r/x"].map(resolve), ["flat", "nested"]);
    }
}

#[test]
fn names_that_are_no_folders_do_not_leave_the_cache() {
    let bench = Bench::new();
    for url in [".", "..", &"x".repeat(300)] {
        let error = Reference::new().url(url).resolve(&bench.cache()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Fetch, "{url}");
    }
    let beside: Vec<_> = std::fs::read_dir(bench.folder.path()).unwrap().flatten().collect();
    assert_eq!(beside.len(), 1, "{beside:?}");
}

#[test]
fn the_server_of_git_is_asked_once() {
    let bench = Bench::new();
    let served = bench.folder.path().join("served");
    std::fs::create_dir(&served).unwrap();
    git(&served, &["clone", "-q", "--bare", &bench.repository.url(), "tests.git"]);
    let cache = bench.cache();
    let daemon = Daemon::new(&served);
    let reference = Reference::new().url(daemon.url("tests.git"));
    assert_eq!(a(&reference.clone().revision("feature/slash").resolve(&cache).unwrap()), "slash");
    assert!(cache.exists(&daemon.url("tests.git")).unwrap());
    assert!(!cache.exists(&daemon.url("nothing.git")).unwrap());
    let (known, unknown) = (daemon.url("tests.git"), daemon.url("other.git"));
    drop(daemon);
    // Nobody answers any more: what is known and fresh is there, the rest is an error.
    assert_eq!(a(&reference.resolve(&cache).unwrap()), "main");
    assert!(cache.exists(&known).unwrap());
    assert_eq!(cache.exists(&unknown).unwrap_err().kind(), ErrorKind::Fetch);
    let error = Reference::new().url(unknown).resolve(&cache).unwrap_err();
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let bench = Bench::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("git://{}/x", silent.local_addr().unwrap());
    let cache = bench.cache().git_limit(Duration::from_millis(100));
    let error = Reference::new().url(url).resolve(&cache).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fetch);
    assert!(error.to_string().ends_with("did not end within 0.1 seconds"), "{error}");
}

#[test]
fn many_at_once_share_one_cache() {
    let bench = Bench::new();
    let cache = bench.cache();
    let revisions = [None, Some("v1"), Some("feature/slash"), Some("main")];
    std::thread::scope(|scope| {
        let resolve = |revision: Option<&'static str>| {
            let mut reference = bench.reference();
            if let Some(revision) = revision {
                reference = reference.revision(revision);
            }
            let cache = &cache;
            scope.spawn(move || a(&reference.resolve(cache).unwrap()).to_owned())
        };
        let threads: Vec<_> = revisions.iter().cycle().take(8).map(|r| resolve(*r)).collect();
        let found: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(found, ["main", "main", "slash", "main"].repeat(2));
    });
}

/// What a killed process may leave: halves of clones, of fetches and of files.
#[test]
fn leftovers_of_the_killed_do_no_harm() {
    let bench = Bench::new();
    let cache = bench.cache();
    let clone = bench.clone_directory();
    let beside = |suffix: &str| Path::new(&format!("{}.{suffix}", clone.display())).to_owned();
    let write = |path: &Path| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "half").unwrap();
    };
    // Before anything is complete: by us, and by a tool that clones in place.
    write(&beside("partial/.git/config"));
    write(&beside("trees/partial/main.fmf"));
    write(&beside("trees/partial.index.lock"));
    write(&beside("read.lock"));
    git(bench.folder.path(), &["init", "-q", &clone.to_string_lossy()]);
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "main");
    // In the middle of a fetch.
    bench.repository.commit(&[("main.fmf", "a: newest\n")]);
    write(&clone.join(".git/shallow.lock"));
    write(&clone.join(".git/refs/remotes/origin/main.lock"));
    cache.invalidate().unwrap();
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "newest");
    // A clone whose objects are gone is made again.
    std::fs::remove_dir_all(clone.join(".git/objects")).unwrap();
    bench.repository.commit(&[("main.fmf", "a: latest\n")]);
    cache.invalidate().unwrap();
    assert_eq!(a(&bench.reference().resolve(&cache).unwrap()), "latest");
}

#[test]
fn a_checkout_has_the_files_alone() {
    let bench = Bench::new();
    let cache = bench.cache();
    let checkout = cache.fetch(&bench.repository.url(), None).unwrap();
    assert_eq!(cache.fetch(&bench.repository.url(), None).unwrap(), checkout);
    assert!(!checkout.path.join(".git").exists());
    assert!(checkout.path.join("deep/er/keep").is_file());
}

#[test]
fn a_cache_that_others_hold_is_waited_for_within_limits() {
    let bench = Bench::new();
    let (patient, long) = (bench.cache(), Duration::from_secs(60));
    bench.reference().resolve(&patient).unwrap();
    let lock = |suffix: &str| {
        let path = format!("{}.{suffix}", bench.clone_directory().display());
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.lock().unwrap();
        file
    };
    let held = lock("fetch.lock");
    let hurried = patient.clone().patience(long, Duration::from_millis(20));
    let first = bench.reference().resolve(&hurried).unwrap_err();
    drop(held);
    let held = lock("read.lock");
    let hurried = patient.clone().patience(Duration::from_millis(30), long);
    let second = bench.reference().resolve(&hurried).unwrap_err();
    drop(held);
    bench.reference().resolve(&patient).unwrap();
    for (error, seconds) in [(first, "within 0.02 seconds"), (second, "within 0.03 seconds")] {
        assert_eq!(error.kind(), ErrorKind::General);
        assert!(error.to_string().contains(seconds), "{error}");
    }
}

#[test]
fn a_cache_that_cannot_be_made_is_named() {
    let bench = Bench::new();
    let file = bench.folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = bench.reference().resolve(&Cache::new(file.join("cache"))).unwrap_err();
    assert_eq!(
        bench.show(&error),
        "General: cannot create the cache directory 'FOLDER/file/cache'"
    );
}

#[test]
fn the_environment_names_the_cache() {
    type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>);
    let table: [Row<'_>; 5] = [
        (&[("FMF_CACHE_DIRECTORY", "/f"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/f")),
        (&[("XDG_CACHE_HOME", "/x"), ("HOME", "/h")], Some("/x/fmf")),
        (&[("HOME", "/h")], Some("/h/.cache/fmf")),
        (&[("FMF_CACHE_DIRECTORY", ""), ("HOME", "/h")], Some("/h/.cache/fmf")),
        (&[], None),
    ];
    for (variables, expected) in table {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).into())
        };
        let cache = Cache::from_lookup(lookup);
        assert_eq!(cache.as_ref().map(Cache::directory), expected.map(Path::new));
    }
}
