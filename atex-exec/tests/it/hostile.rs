//! Tests that do what they should not: whatever it is, the run ends, with the right one to blame, and nothing else is harmed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use atex_core::{CancellationToken, Test, Verdict};

use crate::fmf::{Bench, run, run_test};

/// A file system of its own on a folder, for as long as it lives; only root can have one.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn tmpfs(path: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let options = format!("size={size}");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(path).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
fn skipped(test: &str) {
    eprintln!("skipped: {test}: only root can mount");
}

#[tokio::test]
async fn it_kills_its_supervisor() {
    let went = run("kill -KILL $PPID; sleep 1000").await;
    assert!(went.starts_with("error: local-1: the supervisor of the test was killed"), "{went}");
}

/// Then nobody could end it later: it ends at once.
#[tokio::test]
async fn it_removes_the_folder_of_its_supervisor() {
    let pids = tempfile::tempdir().unwrap();
    let pid = pids.path().join("pid");
    let script = format!(
        r#"echo $$ >{}; rm -rf "${{TMT_TEST_METADATA%/*/*}}"; exec sleep 1000"#,
        pid.display()
    );
    let mut bench = Bench::new(Test::new(script)).await;
    let error = bench.run(&CancellationToken::new()).await.unwrap_err().to_string();
    assert_eq!(error, "local-1: the work folder is gone");
    let process = Path::new("/proc").join(fs::read_to_string(pid).unwrap().trim());
    let gone = async {
        while process.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
}

#[tokio::test]
async fn it_goes_on_talking_when_it_is_stopped() {
    let script = r#"
trap 'for i in {1..2000}; do echo "noop more and more"; done >&$ATEX_TEST_CONTROL; touch ended; exit' HUP
echo wrong >&$ATEX_TEST_CONTROL
while :; do sleep 0.05; done"#;
    let mut bench = Bench::new(Test::new(script)).await;
    let outcome = bench.run(&CancellationToken::new()).await.unwrap();
    assert_eq!(outcome.note.as_deref(), Some("unknown control word: wrong"));
    // It was over, in its own way, when the run ended.
    let trees: Vec<_> = find(bench.folder.path(), "ended");
    assert_eq!(trees.len(), 1);
    bench.finish().await;
}

/// The files of this name below a folder.
fn find(folder: &Path, name: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(find(&path, name));
        } else if entry.file_name() == name {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn its_limit_is_longer_than_any_clock() {
    let mut test = Test::new("echo duration 99999999999999999d >&$ATEX_TEST_CONTROL");
    test.duration = Some(Duration::MAX);
    assert!(run_test(test).await.starts_with("passed"));
}

#[tokio::test]
async fn it_wants_variables_that_bash_keeps_to_itself() {
    let mut test = Test::new("env | grep -E '^(RANDOM|UID|SECONDS|a-b)=' | sort");
    let variables = [("RANDOM", "5"), ("UID", "77"), ("SECONDS", "x"), ("a-b", "c")];
    test.environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let went = run_test(test).await;
    assert!(went.contains("a-b=c\n"), "{went}");
}

#[tokio::test]
async fn its_variable_is_as_long_as_any_can_be_or_longer() {
    let with = |length: usize| {
        let mut test = Test::new("echo ${#LONG}");
        test.environment = [("LONG".to_owned(), "x".repeat(length))].into();
        test
    };
    let most = (128 << 10) - "LONG=".len() - 1;
    let went = run_test(with(most)).await;
    assert!(went.starts_with("passed") && went.contains(&format!("\n{most}\n")), "{went}");
    let went = run_test(with(most + 1)).await;
    let why = "cannot run /t: its variable LONG has 131067 bytes, and no program can be given more than 131066";
    assert!(went.contains(&format!("error: {why}")), "{went}");
    assert!(went.contains(&format!(r#"{{"status": "infra", "note": "{why}"}}"#)), "{went}");
}

#[tokio::test]
async fn what_it_mounted_is_not_removed_with_its_folder() {
    let precious = tempfile::tempdir().unwrap();
    fs::write(precious.path().join("file"), "dear").unwrap();
    let probe = precious.path().join("probe");
    if Mounted::tmpfs(&probe, "64k").is_none() {
        return skipped("what a test mounted");
    }
    let script = format!("mkdir 'a mount'; mount --bind {} 'a mount'", precious.path().display());
    let mut bench = Bench::new(Test::new(script)).await;
    assert_eq!(bench.run(&CancellationToken::new()).await.unwrap().verdict, Verdict::Passed);
    bench.finish().await;
    assert_eq!(fs::read_to_string(precious.path().join("file")).unwrap(), "dear");
}

#[tokio::test]
async fn it_fills_the_disk_of_its_remote() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small");
    let Some(_small) = Mounted::tmpfs(&small, "256k") else { return skipped("a full remote") };
    let test = Test::new("head -c 2M /dev/zero");
    let base = small.to_str().unwrap().to_owned();
    let mut bench = Bench::with(test, |executor| executor.work_base(base)).await;
    let error = bench.run(&CancellationToken::new()).await.unwrap_err().to_string();
    assert_eq!(error, "local-1: what the test said could not be kept there (is its disk full?)");
    bench.finish().await;
}

/// On this machine, it may find where its artifacts are.
#[tokio::test]
async fn it_plants_links_where_its_files_go() {
    let precious = tempfile::tempdir().unwrap();
    let file = precious.path().join("file");
    fs::write(&file, "dear").unwrap();
    for planted in [
        "ln -s PRECIOUS/file OUT/files/x",
        "ln -s PRECIOUS OUT/files/sub",
        "ln -s PRECIOUS/file OUT/files/out",
    ] {
        let script = r#"
report() { printf 'result %d\n%s' "${#1}" "$1" >&$ATEX_TEST_CONTROL; }
out=$(echo "$TMT_TREE"/../../../../out) && mkdir -p "$out/files" && PLANT
report '{"name": "sub", "files": [{"name": "file", "length": 4}]}'; printf evil >&$ATEX_TEST_CONTROL
report '{"files": [{"name": "x", "length": 4}]}'; printf evil >&$ATEX_TEST_CONTROL
report '{"testout": "out"}'"#;
        let planted = planted.replace("PRECIOUS", &precious.path().display().to_string());
        let script = script.replace("PLANT", &planted.replace("OUT", "$out"));
        let went = run(&script).await;
        assert!(went.starts_with("infra, exit code None, malformed result: file"), "{went}");
        assert!(went.contains("leads through a symbolic link"), "{went}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "dear");
        assert_eq!(fs::read_dir(precious.path()).unwrap().count(), 1);
    }
}
