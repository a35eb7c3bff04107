//! `atex run` in containers of podman, and `atex reap` of what a killed run left.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};

use atex_provision::testkit::{Podman, PodmanWords, TestImage};

use crate::bench::Bench;

/// A bench on whose PATH `podman` is what it has to be here, and the pool of its containers.
struct Containers {
    bench: Bench,
    words: PodmanWords,
}

impl Containers {
    fn new(test: &str, files: &[(&str, &str)]) -> Option<Self> {
        let words = Podman::many_for_test(test, TestImage::Plain)?;
        let bench = Bench::new(files);
        let quoted: Vec<String> = words.tool.iter().map(|word| format!("'{word}'")).collect();
        put(&bench, &quoted.join(" "));
        Some(Self { bench, words })
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = self.bench.command(arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.bench.path("bin").display()));
        command
    }

    fn run(&self, max: usize, arguments: &str) -> Command {
        let mut command = self.run_with(max, "");
        command.args(arguments.split_whitespace());
        command
    }

    /// With more of the pool.
    fn run_with(&self, max: usize, more: &str) -> Command {
        let options: String =
            self.words.options.iter().map(|option| format!(",option={option}")).collect();
        let pool = format!("podman:{},max={max},platform=x{options}{more}", self.words.image);
        self.command(&format!("run --pool {pool} --out ../out"))
    }

    /// The names of containers that are there and that the journal of the run names.
    fn left(&self) -> Vec<String> {
        let journal = fs::read_to_string(self.bench.path("out/journal.jsonl")).unwrap();
        let mut podman = Command::new(self.bench.path("bin/podman"));
        let output = podman.args(["ps", "--all", "--format={{.Names}}"]).output().unwrap();
        assert!(output.status.success());
        let names = String::from_utf8(output.stdout).unwrap();
        names.lines().filter(|name| journal.contains(name)).map(str::to_owned).collect()
    }

    /// Reaps, and checks that nothing is left.
    fn reap(&self) -> String {
        let output = self.command("reap ../out").output().unwrap();
        let transcript = self.bench.transcript("reap ../out", &output);
        assert_eq!(output.status.code(), Some(0), "{transcript}");
        assert_eq!(self.left(), [""; 0], "{transcript}");
        transcript
    }
}

/// Makes a `podman` in the `bin` of a bench that calls the real one with these words, the first of which is `podman`.
pub(crate) fn put(bench: &Bench, words: &str) {
    let real = format!("'{}'", which("podman"));
    assert!(words.starts_with("'podman'"), "{words}");
    let words = words.replacen("'podman'", &real, 1);
    bench.write("bin/podman", &format!("#!/bin/sh\nexec {words} \"$@\"\n"));
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(bench.path("bin/podman"), executable).unwrap();
}

fn which(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    found.find(|path| path.is_file()).unwrap().display().to_string()
}

/// Reads the events of a run until one has this in it; the rest is read in the background.
fn until(child: &mut Child, event: &str) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut seen = Vec::new();
    for line in lines.by_ref() {
        seen.push(line);
        if seen.last().is_some_and(|line| line.contains(event)) {
            break;
        }
    }
    assert!(seen.last().is_some_and(|line| line.contains(event)), "no {event}: {seen:#?}");
    std::thread::spawn(move || lines.for_each(drop));
    seen
}

/// With `ATEX_TEST_LOAD=full`, 50 containers; else as many as are quickly made.
#[test]
fn each_test_has_a_container_of_its_own_and_none_is_left() {
    let full = std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full");
    let count = if full { 50 } else { 8 };
    // Each waits until all of them run, so that as many containers are there at once.
    let tests: String =
        (0..count).map(|number| format!("/t{number:02}:\n    test: ./meet\n")).collect();
    let Some(it) = Containers::new("each_test_has_a_container", &[("main.fmf", &tests)]) else {
        return;
    };
    let hall = it.bench.path("hall");
    fs::create_dir_all(&hall).unwrap();
    let meet = format!(
        "#!/bin/bash\ntouch \"/hall/$HOSTNAME\"\nuntil [ $(ls /hall | wc -l) = {count} ]; do sleep 0.1; done\n"
    );
    it.bench.write("tree/meet", &meet);
    fs::set_permissions(it.bench.path("tree/meet"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut run = it.run_with(count, &format!(",option=--volume={}:/hall", hall.display()));
    let output = run.args(["--progress", "none"]).output().unwrap();
    let transcript = it.bench.transcript("run", &output);
    assert_eq!(output.status.code(), Some(0), "{transcript}");
    assert!(transcript.contains(&format!("{count} tests passed")), "{transcript}");
    assert_eq!(it.left(), [""; 0]);
    it.bench.assert_clean();
}

#[test]
fn what_a_killed_run_left_is_reaped() {
    let wait = "/a:\n    test: exec sleep 1000\n/b:\n    test: exec sleep 1000\n";
    let Some(it) = Containers::new("what_a_killed_run_left", &[("main.fmf", wait)]) else { return };
    let mut child = it.run(2, "--progress json").spawn().unwrap();
    let seen = until(&mut child, "test_started");
    // While the run goes on, nothing is taken from it.
    let refused = it.command("reap ../out").output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", it.bench.transcript("reap", &refused));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_ne!(it.left(), [""; 0], "{seen:#?}");
    let reaped = it.reap();
    assert!(reaped.contains("given back: podman atex-"), "{reaped}");
    // It may be repeated.
    let again = it.reap();
    assert!(again.contains("nothing to give back: podman atex-"), "{again}");
}

/// The test that ran is attached to in its container, which another one used before; nothing is left in the end.
#[test]
fn a_killed_run_goes_on_in_its_containers() {
    let tests = "/early:\n    duration: 2m\n    test: echo early >/was-here\n\
        /late:\n    duration: 1m\n    test: |\n        cat /was-here; echo x >>/meet/begun\n        until [ -e /meet/go ]; do sleep 0.05; done\n        echo done\n\
        /last:\n    duration: 10s\n    test: cat /was-here\n";
    let Some(it) = Containers::new("a_killed_run_goes_on", &[("main.fmf", tests)]) else { return };
    let meet = it.bench.path("meet");
    fs::create_dir_all(&meet).unwrap();
    let mut run = it.run_with(1, &format!(",option=--volume={}:/meet", meet.display()));
    let mut child = run.args(["--progress", "json"]).spawn().unwrap();
    until(&mut child, "\"test_started\"");
    let began = std::time::Instant::now();
    while !meet.join("begun").exists() {
        assert!(began.elapsed().as_secs() < 60, "the second test never began");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(it.left().len(), 1);
    fs::write(meet.join("go"), "").unwrap();
    let output = it.command("run --resume ../out --progress none").output().unwrap();
    let transcript = it.bench.transcript("run --resume ../out", &output);
    assert_eq!(output.status.code(), Some(0), "{transcript}");
    assert_eq!(fs::read_to_string(meet.join("begun")).unwrap(), "x\n", "{transcript}");
    for (test, said) in [("late", "early\ndone\n"), ("last", "early\n")] {
        let file = it.bench.path(&format!("out/files/x/{test}/output.txt"));
        assert_eq!(fs::read_to_string(file).unwrap(), said, "{transcript}");
    }
    assert_eq!(it.left(), [""; 0], "{transcript}");
    it.bench.assert_clean();
}

/// After a destructive test, its container is as the image is, and is used again.
#[test]
fn containers_are_rolled_back_after_destructive_tests() {
    let look = "if [ -e /broken ]; then echo broken; exit 1; fi; echo x >/broken";
    let tests = format!(
        "/a:\n    tag: destructive\n    test: {look}\n/b:\n    test: {look}; exit 3\n/c:\n    test: {look}\n"
    );
    let Some(it) = Containers::new("containers_are_rolled_back", &[("main.fmf", &tests)]) else {
        return;
    };
    let arguments = "--progress none --roll-back --destructive-exit-code 3 --order folder";
    let output = it.run(1, arguments).output().unwrap();
    let transcript = it.bench.transcript("run", &output);
    assert_eq!(output.status.code(), Some(1), "{transcript}");
    let journal = fs::read_to_string(it.bench.path("out/journal.jsonl")).unwrap();
    let count = |event: &str| journal.matches(&format!("\"event\":\"{event}\"")).count();
    let counts = ["leased", "remote_rolled_back", "remote_lost"].map(count);
    assert_eq!(counts, [1, 2, 0], "{transcript}\n{journal}");
    for test in ["a", "b", "c"] {
        let file = it.bench.path(&format!("out/files/x/{test}/output.txt"));
        assert_eq!(fs::read_to_string(file).unwrap_or_default(), "", "{test}: {transcript}");
    }
    assert_eq!(it.left(), [""; 0]);
    it.bench.assert_clean();
}

/// Killed while its containers are being made, by tools that outlive it.
#[test]
fn what_was_only_begun_is_reaped() {
    let Some(it) = Containers::new("what_was_only_begun", &[("main.fmf", "test: sleep 1000\n")])
    else {
        return;
    };
    for _ in 0..3 {
        fs::remove_dir_all(it.bench.path("out")).ok();
        let mut child = it.run(1, "--progress json").spawn().unwrap();
        until(&mut child, "leased");
        child.kill().unwrap();
        child.wait().unwrap();
        it.reap();
    }
}

#[test]
fn pools_of_containers_are_explained() {
    let bench = Bench::new(&[("main.fmf", "test: 'true'\n")]);
    let commands = [
        "run --pool podman",
        "run --pool podman:x,recipe=../nowhere",
        "run --pool podman,recipe=../nowhere",
        "run --pool podman:x,systemd=maybe",
        "run --pool docker:x,size=3",
        "reap ../nowhere",
    ];
    let all: Vec<String> = commands.iter().map(|command| bench.atex(command)).collect();
    insta::assert_snapshot!(all.join("\n"));
}
