//! Whoever reads what `atex` prints may go away: a full disk, a closed pipe, a terminal that vanishes. Runs go on to their end.

use std::fs::{File, OpenOptions};
use std::process::{Command, Stdio};

use crate::bench::Bench;

const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    "/a:\n    test: echo a\n/bad:\n    test: exit 1\n/tty:\n    test: echo b\n    tty: true\n",
)];

/// Where nothing can be written.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

#[test]
fn a_run_needs_no_standard_error() {
    for (progress, test, code) in
        [("plain", "/a", 0), ("plain", "/a|/bad|/tty", 1), ("bar", "/bad", 1), ("json", "/a", 0)]
    {
        let bench = Bench::new(TREE);
        let arguments = format!("-vv run --pool local --out ../out --progress {progress}");
        let mut command = bench.command(&arguments);
        let output = command.args(["-t", test]).stderr(full()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{progress}: {output:?}");
        assert!(!bench.results(&bench.path("out")).is_empty(), "{progress}: {output:?}");
        bench.assert_clean();
    }
    let bench = Bench::new(TREE);
    let wrong = bench.command("run --pool nonsense").stderr(full()).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn results_that_cannot_be_printed_are_an_error() {
    let bench = Bench::new(TREE);
    for arguments in [
        "discover",
        "discover --format json",
        "fmf show",
        "fmf show --format yaml",
        "completions bash",
        "run --pool local --progress none -t /a",
    ] {
        let output = bench.command(arguments).stdout(full()).output().unwrap();
        let transcript = bench.transcript(arguments, &output);
        assert_eq!(output.status.code(), Some(3), "{transcript}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("cannot write to standard output: No space left"), "{transcript}");
        assert_eq!(said.lines().count(), 1, "{transcript}");
    }
    bench.assert_clean();
}

/// `atex discover | head` is no mistake.
#[test]
fn who_has_read_enough_may_close_the_pipe() {
    let bench = Bench::new(TREE);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = bench.command("discover").stdout(writer).output().unwrap();
    assert_eq!(
        bench.transcript("discover", &output),
        "$ atex discover\n--- stderr\n--- exit code Some(0)\n"
    );
}

/// Runs a command on a terminal, which goes away once the command has printed a word; prints its exit code.
const VANISHING: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
while sys.argv[1].encode() not in seen:
    seen += os.read(terminal, 1000)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[test]
fn a_terminal_that_vanishes_stops_the_run_and_nothing_is_left() {
    let bench = Bench::new(&[(
        "main.fmf",
        "/wait:\n    test: exec sleep 1000\n/late:\n    test: 'true'\n    duration: 1\n",
    )]);
    if Command::new("python3").arg("--version").output().is_err() {
        return bench.skipped("a terminal that vanishes", "there is no python3 to make one");
    }
    for progress in ["plain", "bar"] {
        let out = format!("../out-{progress}");
        let atex = bench.command(&format!("run --pool local --out {out} --progress {progress}"));
        // The live display says which test runs; lines say at first how many there are.
        let word = if progress == "bar" { "/wait" } else { "2 tests" };
        let mut python = Command::new("python3");
        python.args(["-c", VANISHING, word]).arg(atex.get_program()).args(atex.get_args());
        python.env_clear().envs(atex.get_envs().filter_map(|(key, value)| Some((key, value?))));
        python.current_dir(bench.path("tree")).stdin(Stdio::null());
        let output = python.env("TERM", "xterm").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "130\n", "{progress}: {output:?}");
        bench.assert_clean();
    }
}
