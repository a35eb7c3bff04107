//! `atex run` with other executors, and with output that is shown as it comes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::bench::Bench;

/// One test whose output is kept nowhere, one that ends without a newline, one that waits until the other has begun.
const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
/mute:
    test: |
        echo some words; echo -n "without an end"; touch $D/begun
        printf 'result 18\n{"status": "pass"}' >&$ATEX_TEST_CONTROL
/late:
    test: until [ -e $D/begun ]; do sleep 0.05; done; printf 'a\r\n\033[1mb\n'; echo c >&2
/phases:
    test: $BEAKERLIB_COMMAND_REPORT_RESULT phase FAIL
"#,
)];

fn folder(bench: &Bench) -> String {
    let folder = bench.path("meet");
    fs::create_dir_all(&folder).unwrap();
    format!("D={}", folder.display())
}

#[test]
fn output_is_shown_as_it_comes() {
    let bench = Bench::new(TREE);
    let arguments = "run --follow --pool local,max=2 --out ../out -t /mute -t /late -e";
    let output = bench.command(arguments).arg(folder(&bench)).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    let of = |test: &str| {
        let lines = errors.lines().filter_map(|line| line.strip_prefix(test)?.strip_prefix(" | "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("/mute"), ["some words", "without an end"], "{errors}");
    assert_eq!(of("/late"), ["a", "\\u{1b}[1mb", "c"], "{errors}");
    assert_eq!(output.status.code(), Some(0), "{errors}");
    bench.assert_clean();
}

/// Also one of two lines, one that comes in two pieces, and one that the output ends in the middle of.
#[test]
fn secrets_are_hidden_in_what_is_shown() {
    let script = "printf '%s\\n%s' \"$A\" '<hun'; until [ -e $D/shown ]; do sleep 0.05; done; echo 'ter2>'; printf '%s\\n' \"$B\" -; printf hunt";
    let bench = Bench::new(&[("main.fmf", &format!("test: {script:?}\nduration: 2m\n"))]);
    let folder = folder(&bench);
    let shown_file = bench.path("meet/shown");
    for (out, shown) in [("../out", None), ("../raw", Some("2"))] {
        let arguments = "run --pool local --secret A --secret B --follow --out";
        let mut command = bench.command(arguments);
        command.args([out, "-e", &folder]).env("A", "hunter2").env("B", "two\nlines");
        shown.map(|fd| command.env("ATEX_DEBUG_TEST_OUTPUT_FD", fd));
        let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(run.stderr.take().unwrap());
        let mut errors = String::new();
        // Once the first line is shown, the test goes on.
        while !errors.ends_with("*******\n") && lines.read_line(&mut errors).unwrap() > 0 {}
        fs::write(&shown_file, "").unwrap();
        lines.read_to_string(&mut errors).unwrap();
        fs::remove_file(&shown_file).unwrap();
        assert!(!errors.contains("ter2") && !errors.contains("lines"), "{errors}");
        for line in ["*******\n", "<*******>\n", "*********\n", "-\n", "hunt"] {
            assert!(errors.contains(line), "{line:?}: {errors}");
        }
        assert_eq!(run.wait().unwrap().code(), Some(0), "{errors}");
    }
}

#[test]
fn output_goes_to_an_open_file_as_it_is() {
    let bench = Bench::new(TREE);
    let arguments = "run --pool local --out ../out --progress none -t /mute -e";
    let mut command = bench.command(arguments);
    command.arg(folder(&bench)).env("ATEX_DEBUG_TEST_OUTPUT_FD", "2");
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(errors.matches("some words\nwithout an end").count(), 1, "{errors:?}");
    assert!(!errors.contains("atex-end"), "{errors:?}");
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let mut command = bench.command(&arguments.replace("../out", "../other"));
    command.arg("x=y").env("ATEX_DEBUG_TEST_OUTPUT_FD", "x");
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("ATEX_DEBUG_TEST_OUTPUT_FD is not the number"), "{errors}");
}

/// What a test left in its group is dead when the next one looks, unless it is to stay; and exit codes can be kept back.
#[test]
fn the_switches_for_debugging_are_those_of_the_python_atex() {
    let tree = "/a-leaves:\n    extra-priority: 10\n    test: sleep 1000 & echo $! >$D/pid\n/b-looks:\n    test: grep -q '(sleep) [^Z]' /proc/$(cat $D/pid)/stat\n";
    let bench = Bench::new(&[("main.fmf", tree)]);
    for (number, (switch, code)) in
        [("NONE", 1), ("NO_BG_KILL", 0), ("NO_EXITCODE", 3)].into_iter().enumerate()
    {
        let arguments = format!(
            "run --pool local,max=1 --order priority --progress none --out ../out{number} -e"
        );
        let mut command = bench.command(&arguments);
        command.arg(folder(&bench)).env(format!("ATEX_DEBUG_{switch}"), "1");
        let output = command.output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{switch}: {}",
            bench.transcript("run", &output)
        );
    }
}

#[test]
fn commands_of_a_file_are_run() {
    let bench = Bench::new(&[]);
    bench.write("checks", "# of this system\n/kernel  uname | grep Linux\n/no  echo no; exit 3\n");
    let arguments = "run --commands ../checks --pool local,platform=x --out ../out --progress none";
    let output = bench.command(arguments).output().unwrap();
    insta::assert_snapshot!(bench.transcript(arguments, &output));
    insta::assert_snapshot!(bench.results(&bench.path("out")).join("\n"));
    let file = bench.path("out/files/x/no/output.txt");
    assert_eq!(fs::read_to_string(file).unwrap(), "no\n");
    bench.write("checks", "/kernel\n");
    let output = bench.command("run --commands ../checks --pool local").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("line 1: expected NAME COMMAND, found \"/kernel\""), "{said}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn all_tests_are_beakerlib_tests_if_that_is_asked_for() {
    let bench = Bench::new(TREE);
    let arguments =
        "run --executor beakerlib --pool local,platform=x --out ../out --progress none -t /phases";
    let output = bench.command(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", bench.transcript(arguments, &output));
    insta::assert_snapshot!(bench.results(&bench.path("out")).join("\n"));
}
