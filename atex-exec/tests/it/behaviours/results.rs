//! Results: keys, files, partial ones, and the one that is added (RS, FB).

use super::{Case, on_every_system};

on_every_system!("results", CASES);

const CASES: &[Case] = &[
    (
        "RS-01 any status",
        r#"report '{"name": "a", "status": 5}'; report '{"name": "b", "status": null}'; report '{"name": "c", "status": "odd"}'; report '{"status": "odd"}'"#,
    ),
    ("RS-01 an empty object is a result of the test itself", "report '{}'; exit 1"),
    (
        "RS-02 a name of null or nothing is a name",
        r#"report '{"name": null, "status": "fail"}'; report '{"name": "", "status": "fail", "files": [{"name": "f", "length": 1}]}' x"#,
    ),
    (
        "RS-02 a name that is no text",
        r#"report '{"name": 5, "status": "pass", "files": [{"name": "f", "length": 1}]}' x; report '{"name": ["a"], "partial": true}'"#,
    ),
    (
        "RS-03 several results of the test itself",
        r#"report '{"status": "pass", "note": "one"}'; report '{"status": "fail", "note": "two"}'"#,
    ),
    ("RS-03 what is reported beats the exit code", r#"report '{"status": "pass"}'; exit 1"#),
    ("RS-03 also the other way round", r#"report '{"status": "fail"}'"#),
    (
        "RS-04 files in the order of the list",
        r#"report '{"status": "pass", "files": [{"name": "b", "length": 2}, {"name": "a", "length": 3}, {"name": "none", "length": 0}]}' bbaaa"#,
    ),
    ("RS-04 a file without a name", r#"report '{"files": [{"length": 1}]}' x; sleep 1000"#),
    (
        "RS-04 a file with an empty name",
        r#"report '{"files": [{"name": "", "length": 1}]}' x; sleep 1000"#,
    ),
    ("RS-04 a file without a length", r#"report '{"files": [{"name": "x"}]}' x; sleep 1000"#),
    (
        "RS-04 a length of null",
        r#"report '{"files": [{"name": "x", "length": null}]}' x; sleep 1000"#,
    ),
    (
        "RS-04 a length in quotes",
        r#"report '{"files": [{"name": "x", "length": "1"}]}' x; sleep 1000"#,
    ),
    (
        "RS-04 a negative length",
        r#"report '{"files": [{"name": "x", "length": -1}]}' x; sleep 1000"#,
    ),
    (
        "RS-04 a fraction for a length",
        r#"report '{"files": [{"name": "x", "length": 1.5}]}' x; sleep 1000"#,
    ),
    (
        "RS-04 a length that no disk holds",
        r#"report '{"files": [{"name": "x", "length": 18446744073709551615}]}' x"#,
    ),
    (
        "RS-04 files that are no list",
        r#"report '{"files": {"name": "x", "length": 1}}' x; sleep 1000"#,
    ),
    (
        "RS-05 the same file again is appended to",
        r#"report '{"name": "s", "files": [{"name": "f", "length": 1}, {"name": "f", "length": 1}]}' ab; report '{"name": "s", "files": [{"name": "f", "length": 1}]}' c"#,
    ),
    (
        "RS-06 names are listed once, in order, as they are on disk",
        r#"report '{"status": "pass", "files": [{"name": "z", "length": 0}, {"name": "a//b", "length": 0}, {"name": "z", "length": 0}, {"name": "./a/b", "length": 0}]}'"#,
    ),
    (
        "RS-07 names that climb",
        r#"report '{"name": "../../up", "files": [{"name": "../../../../tmp/evil", "length": 1}, {"name": "/etc/x", "length": 1}]}' ab"#,
    ),
    (
        "RS-07 a name with control characters",
        r#"report '{"name": "a\nb", "files": [{"name": "x\u0000y\u001b[31m", "length": 1}]}' a"#,
    ),
    (
        "RS-07 a name of dots only",
        r#"report '{"files": [{"name": "..", "length": 1}]}' a; sleep 1000"#,
    ),
    (
        "RS-07 a part that is too long for a disk",
        r#"report "{\"status\": \"pass\", \"files\": [{\"name\": \"$(printf '%0300d' 0)\", \"length\": 1}]}" a"#,
    ),
    (
        "RS-07 a file where a folder has to be",
        r#"report '{"status": "pass", "files": [{"name": "a", "length": 1}, {"name": "a/b", "length": 1}]}' xy; sleep 1000"#,
    ),
    (
        "RS-07 half a surrogate",
        r#"report '{"status": "pass", "files": [{"name": "\ud800", "length": 1}]}' a; sleep 1000"#,
    ),
    ("RS-08 no files, and so no output", r#"echo hello; report '{"status": "pass", "files": []}'"#),
    (
        "RS-10 the output so far and to come",
        r#"echo one; report '{"name": "s", "status": "pass", "testout": "log/out.txt", "files": [{"name": "f", "length": 1}]}' x; echo two"#,
    ),
    (
        "RS-10 the output where the list of files is null",
        r#"report '{"status": "pass", "testout": "x", "files": null}'"#,
    ),
    (
        "RS-10 the same place twice",
        r#"report '{"name": "s", "testout": "x"}'; report '{"name": "s", "testout": "x"}'; sleep 1000"#,
    ),
    (
        "RS-10 a place that a file has",
        r#"report '{"name": "s", "testout": "x", "files": [{"name": "x", "length": 1}]}' a; sleep 1000"#,
    ),
    ("RS-10 an empty place", r#"report '{"testout": ""}'; sleep 1000"#),
    ("RS-10 null for a place", r#"report '{"testout": null}'; sleep 1000"#),
    (
        "RS-11 partial ones are written when they are closed",
        r#"report '{"name": "a", "partial": true, "status": "fail"}'; report '{"name": "b", "status": "pass"}'; report '{"name": "a", "note": "n"}'"#,
    ),
    (
        "RS-11 anything that is true is partial",
        r#"report '{"name": "a", "partial": "yes", "status": "fail"}'; report '{"name": "a", "partial": 0, "status": "pass"}'; report '{"name": "n", "partial": null}'"#,
    ),
    (
        "RS-11 files of partial ones are written at once",
        r#"report '{"name": "a", "partial": true, "files": [{"name": "f", "length": 1}]}' x; report '{"name": "a", "partial": true, "files": [{"name": "f", "length": 1}, {"name": "e", "length": 1}]}' yz; say 'wrong\n'; sleep 1000"#,
    ),
    (
        "RS-12 merging",
        r#"report '{"name": "a", "partial": true, "t": "text", "n": 1, "b": true, "l": [1], "o": {"x": 1, "y": [1], "z": {"deep": 1}}, "gone": 1}'
report '{"name": "a", "partial": true, "t": "other", "n": 2.5, "b": false, "l": [2, null], "o": {"x": null, "y": [2], "z": {"er": 2}}, "gone": null, "never": null, "new": 1}'
report '{"name": "a", "n": "now text", "l": {"now": "an object"}}'"#,
    ),
    (
        "RS-13 what is open at the end follows the result of the test, in the order of appearance",
        r#"report '{"name": "b", "partial": true}'; report '{"name": "a", "partial": true}'; report '{"name": "b", "partial": true, "status": "pass"}'"#,
    ),
    (
        "RS-14 a name that was closed starts anew",
        r#"report '{"name": "a", "partial": true, "x": 1}'; report '{"name": "a"}'; report '{"name": "a", "partial": true, "y": 2}'"#,
    ),
    (
        "RS-15 other keys stay, in their order; everything is ASCII",
        r#"report '{"z": 1, "status": "pass", "a": {"ž": ["\u2028", "/", "\"", "\\", 1.0, 1e3, -0, 12345678901234567890]}}'"#,
    ),
    ("FB-01 nothing is reported, and it passes", "echo fine"),
    ("FB-01 nothing is reported, and it fails", "echo bad >&2; exit 3"),
    (
        "FB-02 an open result of the test with a status",
        r#"echo out; report '{"partial": true, "status": "warn"}'; exit 1"#,
    ),
    (
        "FB-02 and with a place for the output",
        r#"echo out; report '{"partial": true, "status": "pass", "testout": "log"}'"#,
    ),
    (
        "FB-02 and with a file that is called as the output would be",
        r#"echo out; report '{"partial": true, "status": "pass", "files": [{"name": "output.txt", "length": 4}]}' "own!""#,
    ),
    (
        "FB-03 an open result of the test without a status",
        r#"echo out; report '{"partial": true, "note": "n"}'; exit 1"#,
    ),
    (
        "FB-04 an open result of a test that is ended",
        r#"echo out; report '{"partial": true, "status": "pass", "note": "n", "x": 1}'; say 'duration 0\n'; sleep 1000"#,
    ),
    (
        "FB-05 a result of a test that is ended afterwards",
        r#"echo out; report '{"status": "pass"}'; say 'duration 0\n'; sleep 1000"#,
    ),
];
