//! How a test is run: where, with what around it, and what becomes of what it started (EX).

use super::{Case, on_every_system};

on_every_system!("life", CASES);

const CASES: &[Case] = &[
    ("EX-07 the shell stops at the first failure", "echo before; false; echo after"),
    ("EX-07 and minds every part of a pipe", "false | true; echo after"),
    ("EX-07 its variables are not exported", "secret=1; env | grep ^secret= || echo none"),
    ("EX-08 where it runs", r#"cd ..; test "$PWD" -ef "$TMT_TREE/.." && basename "$TMT_TREE""#),
    ("EX-09 a signal is an exit code", "kill -KILL $$"),
    ("EX-09 a program that is not there", "no-such-program 2>/dev/null"),
    ("EX-09 a program that cannot be run", "/dev/null 2>/dev/null"),
    ("EX-09 255 is an exit code as any", "exit 255"),
    ("EX-09 the greatest exit codes", "exit 254"),
    ("EX-10 there is nothing to read", "cat; readlink /proc/self/fd/0"),
    ("EX-10 there is no terminal", "tty || :; [ ! -t 1 ] && [ ! -t 2 ] && echo none"),
    (
        "EX-11 it leads a process group",
        r#"set -- $(sed 's/.*) //' /proc/$$/stat); [ "$3" = $$ ] && echo yes"#,
    ),
    (
        "EX-11 what it leaves in its group",
        r#"(trap '' HUP TERM; sleep 1000) & echo $! >"$TMT_TREE/left""#,
    ),
    ("EX-11 … is dead when the next test starts", r#"gone left && echo gone"#),
    (
        "EX-12 what left its group is not waited for, even if it holds everything open",
        "setsid sleep 60 & sleep 0; echo done",
    ),
    ("EX-12 nor if it holds the output only", "setsid sleep 60 3>&- & echo done"),
    (
        "EX-12 nor if it holds the control stream only",
        "setsid sleep 60 >/dev/null 2>&1 & echo done",
    ),
    (
        "EX-12 what left its group and closed all of it",
        "setsid sleep 60 >/dev/null 2>&1 3>&- & echo done",
    ),
    (
        "EX-14 a test that minds nothing, and whose time is up",
        r#"echo $$ >"$TMT_TREE/deaf"; trap '' HUP INT TERM; say 'duration 0\n'; while :; do sleep 1; done"#,
    ),
    ("EX-14 … is dead when the next test starts", "gone deaf && echo gone"),
    (
        "EX-14 a test that stopped itself, and whose time is up",
        r#"echo $$ >"$TMT_TREE/stopped"; say 'duration 0\n'; kill -STOP $$"#,
    ),
    ("EX-14 … is dead when the next test starts", "gone stopped && echo gone"),
    (
        "EX-14 a test that cleans up when it is told to end",
        r#"trap 'echo cleaned; report "{\"name\": \"last\"}"; exit' HUP TERM; say 'duration 0\n'; while :; do :; done"#,
    ),
    ("EX-15 nothing but output, of both kinds, in order", "echo 1; echo 2 >&2; echo 3; printf 4"),
    ("EX-15 output that is no text", r"printf 'a\0b\xff\r\n\033[31m'"),
    ("EX-15 the output can be opened by name", "echo 1; echo 2 >/dev/stderr; echo 3 >/dev/stdout"),
    ("EX-15 the control stream is not the output", r#"[ "$ATEX_TEST_CONTROL" -gt 2 ] && echo yes"#),
];
