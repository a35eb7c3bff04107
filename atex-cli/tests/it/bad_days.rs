//! Wrong use, interrupts, a full disk: a clear message, nothing lost, nothing left behind.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output};

use crate::bench::{Bench, kill_marked};

const QUICK: &[(&str, &str)] = &[("main.fmf", "/a:\n    test: echo a\n/b:\n    test: echo b\n")];

#[test]
fn wrong_use_is_explained() {
    let bench = Bench::new(QUICK);
    bench.write("full/file", "");
    bench.write("hosts", "lab1 distro=x\nlab2 what\n");
    let commands = [
        "run",
        "run --pool",
        "run --pool lokal",
        "run --pool local:x",
        "run --pool local,max=0",
        "run --pool local,max",
        "run --pool local,size=3",
        "run --pool ssh",
        "run --pool ssh:",
        "run --pool ssh,inventory=../hosts",
        "run --pool ssh,inventory=../nowhere",
        "run --pool local -t nothing",
        "run --pool local --out ../full",
        "run --pool local,base=nowhere",
        "run --pool local --progress loud",
    ];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
    bench.assert_clean();
}

#[test]
fn an_unreachable_host_is_named() {
    let bench = Bench::new(QUICK);
    // Nobody listens on a port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let arguments = format!(
        "run --pool ssh:root@127.0.0.1:{port},ssh_config=/dev/null --out ../out --progress none"
    );
    let output = bench.command(&arguments).output().unwrap();
    let transcript = bench.transcript("run", &output).replace(&port.to_string(), "PORT");
    assert_eq!(output.status.code(), Some(3), "{transcript}");
    assert!(
        transcript.contains("Connection refused") && transcript.contains("127.0.0.1:PORT"),
        "{transcript}"
    );
    assert!(transcript.contains("2 not run"), "{transcript}");
}

/// Interrupts a run at every one of its events: whatever was going on, all is given back, and every test has a conclusion.
#[test]
fn an_interrupt_at_any_moment_leaves_nothing() {
    for moment in 1.. {
        let bench = Bench::new(QUICK);
        let mut child = bench.spawn("run --pool local,max=2 --out ../out --progress json");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let seen: Vec<String> = lines.by_ref().take(moment).collect();
        // It may be over by now, and the signal come too late.
        Command::new("kill").args(["-INT", &child.id().to_string()]).output().unwrap();
        let seen: Vec<String> = seen.into_iter().chain(lines).collect();
        let output = child.wait_with_output().unwrap();
        let transcript = bench.transcript("run", &output);
        assert!(matches!(output.status.code(), Some(0 | 130)), "moment {moment}: {transcript}");
        let count = |event: &str| seen.iter().filter(|line| line.contains(event)).count();
        assert_eq!(count("test_concluded"), 2, "moment {moment}: {seen:#?}");
        assert!(seen.last().unwrap().contains("run_finished"), "moment {moment}: {seen:#?}");
        bench.assert_clean();
        if output.status.code() == Some(0) {
            assert!(moment > 5, "it was over after {moment} events: {seen:#?}");
            break;
        }
    }
}

/// Starts a run whose first test finishes and whose second waits for ever, and reads its progress until the second runs.
fn interrupted(bench: &Bench) -> Child {
    let mut child = bench.spawn("run --pool local --out ../out --progress json");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains("test_started") && line.contains("/wait")).unwrap();
    // Keep reading, so that the program never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

const WAITING: &[(&str, &str)] = &[(
    "main.fmf",
    "/done:\n    duration: 2m\n    test: echo done\n/wait:\n    duration: 1m\n    test: echo begun; exec sleep 1000\n/late:\n    duration: 10\n    test: echo late\n",
)];

#[test]
fn an_interrupt_stops_and_keeps_what_there_is() {
    for name in ["-INT", "-TERM", "-HUP"] {
        let bench = Bench::new(WAITING);
        let child = interrupted(&bench);
        signal(&child, name);
        let output: Output = child.wait_with_output().unwrap();
        let transcript = bench.transcript("run", &output);
        assert_eq!(output.status.code(), Some(130), "{name}: {transcript}");
        let results = bench.results(&bench.path("out")).join("\n");
        assert!(results.contains(r#""pass", "/done""#), "{name}: {results}");
        assert!(
            results.contains(r#""infra", "/wait""#) && results.contains("cancelled"),
            "{name}: {results}"
        );
        assert!(!results.contains("/late"), "{name}: {results}");
        bench.assert_clean();
    }
}

#[test]
fn a_second_interrupt_leaves_at_once_and_says_what_is_left() {
    // A test that ignores being told to stop keeps the first interrupt busy.
    let bench = Bench::new(&[(
        "main.fmf",
        "/wait:\n    test: trap '' TERM; while :; do sleep 0.1; done\n",
    )]);
    let mut child = interrupted(&bench);
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    signal(&child, "-INT");
    lines.find(|line| line.starts_with("stopping")).unwrap();
    signal(&child, "-INT");
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest = bench.normal(&rest.join("\n"));
    assert!(rest.contains("left behind: local local-1 {\"root\":\"FOLDER/tmp/atex-"), "{rest}");
    assert!(rest.contains("what was collected is in"), "{rest}");
    // What it named is there, and nothing else: we clean up after it.
    let left: Vec<_> =
        fs::read_dir(bench.path("tmp")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let mark = format!("ATEX_LOCAL_ROOT={}", left[0].display());
    kill_marked(&mark);
}

/// A disk of one megabyte, for as long as it lives.
struct SmallDisk<'a>(&'a std::path::Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a std::path::Path) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(self.0).status().ok();
    }
}

#[test]
fn a_full_disk_is_said_and_what_was_collected_stays() {
    let bench = Bench::new(&[(
        "main.fmf",
        "/first:\n    duration: 2m\n    test: echo first\n/flood:\n    duration: 1m\n    test: head -c 5M /dev/zero\n/last:\n    duration: 10\n    test: echo last\n",
    )]);
    let disk = bench.path("disk");
    let Some(_disk) = SmallDisk::mount(&disk) else {
        return bench.skipped("a full disk", "a small file system can be mounted by root only");
    };
    let output =
        bench.command("run --pool local --out ../disk/out --progress plain").output().unwrap();
    let transcript =
        bench.transcript("run --pool local --out ../disk/out --progress plain", &output);
    assert_eq!(output.status.code(), Some(3), "{transcript}");
    assert!(transcript.contains("No space left on device"), "{transcript}");
    let results = bench.results(&disk.join("out")).join("\n");
    assert!(results.contains(r#""pass", "/first""#), "{results}\n{transcript}");
    bench.assert_clean();
}

#[test]
fn too_few_open_files_are_allowed() {
    let bench = Bench::new(QUICK);
    let run = |limit: &str, out: &str| {
        let mut shell = Command::new("sh");
        let program = env!("CARGO_BIN_EXE_atex");
        let script = format!(
            "ulimit {limit} && exec {program} run --pool local,max=8 --out ../{out} --progress none"
        );
        shell.arg("-c").arg(script).current_dir(bench.path("tree"));
        bench.transcript("run", &shell.env("TMPDIR", bench.path("tmp")).output().unwrap())
    };
    // What may be raised is raised.
    let raised = run("-Sn 70", "raised");
    assert!(raised.contains("PASSED: 2 tests passed"), "{raised}");
    insta::assert_snapshot!(run("-n 70", "refused"));
    assert!(!bench.path("refused").exists(), "nothing was begun");
    bench.assert_clean();
}
