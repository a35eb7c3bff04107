//! The control stream: lines, words, and what follows them (TC).

use super::{Case, on_every_system};

on_every_system!("words", CASES);

const CASES: &[Case] = &[
    (
        "TC-01 lines, JSON and files follow each other with nothing between",
        r#"say 'noop\nresult 57\n{"status": "pass", "files": [{"name": "f", "length": 3}]}abcresult 34\n{"name": "next", "status": "pass"}noop\n'"#,
    ),
    ("TC-02 a line of 4096 bytes with its newline", r"say 'noop %04090d\n' 0"),
    ("TC-02 a line that is one byte longer", r"say 'noop %04091d\n' 0; sleep 1000"),
    (
        "TC-02 a line that does not end",
        "head -c 1M /dev/zero | tr '\\0' x >&$ATEX_TEST_CONTROL; sleep 1000",
    ),
    ("TC-03 an empty line", r"say '\n'; sleep 1000"),
    ("TC-03 an unknown word", r"say 'hello world\n'; sleep 1000"),
    ("TC-03 words have their case", r"say 'NOOP\n'; sleep 1000"),
    ("TC-03 a blank before the word", r"say ' noop\n'; sleep 1000"),
    ("TC-03 a carriage return after a word", r"say 'noop\r\n'; sleep 1000"),
    ("TC-03 a carriage return after a number", r"say 'result 2\r\n{}'"),
    (
        "TC-04 what came before an error is kept",
        r#"report '{"name": "a", "status": "pass"}'; say 'wrong\n'; sleep 1000"#,
    ),
    (
        "TC-04 nothing is added to a result of the test itself",
        r#"report '{"status": "pass"}'; say 'wrong\n'; sleep 1000"#,
    ),
    ("TC-05 blanks and a plus", r"say 'result  +2 \n{}'"),
    ("TC-05 a length with an underscore", r"say 'result 0_2\n{}'; sleep 1000"),
    ("TC-05 a length in other digits", r"say 'result 0x2\n{}'; sleep 1000"),
    ("TC-05 something after the length", r"say 'result 2 extra\n{}'; sleep 1000"),
    ("TC-05 no length", r"say 'result\n{}'; sleep 1000"),
    ("TC-05 a text for a length", r"say 'result two\n{}'; sleep 1000"),
    ("TC-05 length 0", r"say 'result 0\n'; sleep 1000"),
    ("TC-05 a negative length", r"say 'result -5\n{}'; sleep 1000"),
    ("TC-05 100 GB of JSON are announced", r"say 'result 100000000000\n{}'; sleep 1000"),
    (
        "TC-05 more than a number holds is announced",
        r"say 'result 99999999999999999999\n{}'; sleep 1000",
    ),
    ("TC-06 an array", "report '[]'; sleep 1000"),
    ("TC-06 a text", "report '\"text\"'; sleep 1000"),
    ("TC-06 a number", "report 5; sleep 1000"),
    ("TC-06 null", "report null; sleep 1000"),
    ("TC-06 true", "report true; sleep 1000"),
    ("TC-06 two objects", "report '{}{}'; sleep 1000"),
    ("TC-06 no JSON", r"report '{what}'; sleep 1000"),
    ("TC-07 on several lines", "report $'{\\n\\t\"status\":\\r\\n  \"pass\"\\n}\\n'"),
    ("TC-07 with a byte order mark", r#"report $'\xef\xbb\xbf{"status": "pass"}'"#),
    ("TC-07 UTF-8", r#"report '{"status": "pass", "note": "žluťoučký kůň \ud83d\udc34"}'"#),
    ("TC-07 UTF-16 is not understood", r#"say 'result 4\n{\0}\0'; sleep 1000"#),
    ("TC-07 no UTF-8", r#"report $'{"status": "\xff"}'; sleep 1000"#),
    ("TC-07 of equal keys the last one counts", r#"report '{"status": "fail", "status": "pass"}'"#),
    (
        "TC-07 numbers that JSON does not have",
        r#"report '{"status": "pass", "a": NaN}'; sleep 1000"#,
    ),
    (
        "TC-07 a number of 5000 digits",
        r#"report "{\"a\": $(printf '%05000d' 0 | tr 0 7)}"; sleep 1000"#,
    ),
    (
        "TC-08 1000 levels",
        r#"report "{\"a\": $(printf '%01000d' 0 | tr 0 [)$(printf '%01000d' 0 | tr 0 ])}"; sleep 1000"#,
    ),
    (
        "TC-08 100000 levels",
        r#"report "{\"a\": $(printf '%0100000d' 0 | tr 0 [)$(printf '%0100000d' 0 | tr 0 ])}"; sleep 1000"#,
    ),
    ("TC-09 the exit code of the test wins over one that it sends", r"say 'exitcode 5\n'; exit 3"),
    ("TC-09 odd exit codes", r"say 'exitcode -1\nexitcode 999999\nexitcode  7 \n'"),
    ("TC-09 no exit code", r"say 'exitcode\n'; sleep 1000"),
    ("TC-09 a text for an exit code", r"say 'exitcode one\n'; sleep 1000"),
    ("TC-10 a limit of nothing ends the test", r"say 'duration 0\n'; sleep 1000"),
    ("TC-10 shortened to nothing", r"say 'duration 30\nduration -1m\n'; sleep 1000"),
    (
        "TC-10 all the units",
        r"say 'duration 90\nduration 90s\nduration 2m\nduration 1h\nduration 1d\nduration +5s\nduration -5\n'",
    ),
    ("TC-10 saved, and restored", r"say 'duration save\nduration 0\nduration restore\n'"),
    (
        "TC-10 the outermost of nested pairs counts",
        r"say 'duration save\nduration save\nduration restore\nduration 0\nduration restore\n'",
    ),
    ("TC-10 restored what was never saved", r"say 'duration restore\n'"),
    ("TC-10 no limit", r"say 'duration\n'; sleep 1000"),
    ("TC-10 a fraction", r"say 'duration 1.5h\n'; sleep 1000"),
    ("TC-10 two units", r"say 'duration 1h30m\n'; sleep 1000"),
    ("TC-12 noop takes anything", r"say 'noop\nnoop a b c\n'"),
    ("TC-13 a line that is no UTF-8", r"say 'noop \xff\n'; sleep 1000"),
    ("TC-13 NUL in an argument", r"say 'noop a\0b\n'"),
    (
        "TC-14 two writers at once",
        r#"say 'result 20\n{"naresult 20\n{"name": "a"}me": "b"}'; sleep 1000"#,
    ),
    ("TC-15 the stream ends inside JSON", r#"say 'result 100\n{"status": "pass"}'"#),
    (
        "TC-15 the stream ends inside a file",
        r#"report '{"status": "pass", "files": [{"name": "x", "length": 300}]}' abc"#,
    ),
    (
        "TC-15 the stream ends inside a file, by so little that the exit code would fit",
        r#"report '{"status": "pass", "files": [{"name": "x", "length": 10}]}' abc"#,
    ),
    (
        "TC-15 the stream ends before anything of a file came",
        r#"report '{"status": "pass", "files": [{"name": "x", "length": 3}, {"name": "y", "length": 3}, {"name": "z", "length": 0}]}' abc"#,
    ),
    ("TC-15 the stream ends inside a line", "say noop"),
    (
        "TC-16 written in small pieces",
        r#"for piece in no op $'\nresu' lt ' ' 3 2 $'\n' '{"status": "pas' 's", "note": "so' '"}' $'noop\n'; do say %s "$piece"; cat /proc/self/stat >/dev/null; done"#,
    ),
    (
        "TC-17 all in one write",
        r#"say 'duration save\nresult 70\n{"name": "s", "status": "pass", "files": [{"name": "f", "length": 4}]}dataduration restore\n'"#,
    ),
];
