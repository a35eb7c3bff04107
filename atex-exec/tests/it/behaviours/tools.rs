//! The commands of tmt, restraint and rhts that tests call to report and to submit files.

use super::{Case, on_every_system};

const CASES: &[Case] = &[
    ("a result with a name", "tmt-report-result /some/part PASS"),
    (
        "a result with a score, a colon at the end of its name, and a status in words of its own",
        "rstrnt-report-result part: FAILED 17",
    ),
    ("the test itself", "tmt-report-result / WARN"),
    (
        "options before and after",
        "echo log >'a log'; echo other >other; tmt-report-result -t 'a note' -o 'a log' --port 99 one FAIL; tmt-report-result --server=x two SKIP 5 --outputfile other --message 'b'; rm 'a log' other",
    ),
    (
        "the file is in OUTPUTFILE",
        "cd \"$TMT_TEST_DATA\"; echo log >out; OUTPUTFILE=out rstrnt-report-result part INFO",
    ),
    (
        "but not for tests that want nothing of restraint",
        "cd \"$TMT_TEST_DATA\"; echo log >out; OUTPUTFILE=out TMT_RESTRAINT_COMPATIBLE=0 tmt-report-result part INFO; OUTPUTFILE=out TMT_RESTRAINT_COMPATIBLE=1 tmt-report-result other INFO",
    ),
    (
        "rhts has the file in the third place",
        "cd \"$TMT_TEST_DATA\"; echo log >out; rhts-report-result part PASS out 3; rhts-report-result other PASS missing",
    ),
    ("a file that is not there", "tmt-report-result -o missing part FAIL"),
    (
        "wrong use",
        "tmt-report-result || echo $?; tmt-report-result a || echo $?; tmt-report-result --what a pass || echo $?; tmt-file-submit || echo $?; tmt-file-submit missing || echo $?; ATEX_TEST_CONTROL= tmt-report-result a pass || echo $?; ATEX_TEST_CONTROL=77 tmt-report-result a pass || echo $?",
    ),
    (
        "reboots that are refused",
        "systemctl() { echo LoadState=not-found; }; export -f systemctl; ATEX_LOCAL_ROOT= tmt-reboot -s || echo $?; ATEX_LOCAL_ROOT=/ tmt-reboot -c true || echo $?; tmt-reboot -x || echo $?; tmt-reboot -c || echo $?; tmt-reboot -t soon -c true || echo $?; rhts-reboot -h",
    ),
    (
        "what a reboot says: that it may take longer, that it comes, and nothing until all has arrived",
        "ATEX_LOCAL_ROOT= ATEX_TEST_CONTROL=9 bash -c 'tmt-reboot -t 60 -e -c \"echo rebooting; kill -KILL \\$PPID\"; echo $?' 9> >(head -n 3) 2>/dev/null",
    ),
    (
        "files of the test; what is submitted twice is appended",
        "cd \"$TMT_TEST_DATA\"; echo 1 >one; echo 2 >two; tmt-file-submit -l one; rstrnt-report-log --filename one; rhts-submit-log -S s -T 1 -l two; rhts_submit_log -l one; tmt-file-submit one",
    ),
    (
        "every awkward character",
        r#"names=($'quote" back\\slash' $'new\nline\ttab' $'\x01\x1f\x7f' $'\xff\xc3(\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80' 'ž€😀' '$HOME `id` $(id) %s & \u0041' "it's; a || b" ' '); for name in "${names[@]}"; do tmt-report-result -t "$name" "$name" PASS; done"#,
    ),
    (
        "names of files, too",
        r#"cd "$TMT_TEST_DATA"; for name in $'a "b" \\ c' $'new\nline' $'\xff\xfe' ž -l; do echo "$name" >"./$name"; tmt-file-submit -l "$name"; done"#,
    ),
    (
        "a file that is binary, one that is empty, one that is large",
        r#"cd "$TMT_TEST_DATA"; printf '\0\1\xff\nresult 5\n' >binary; : >empty; printf %02500d 0 >large; tmt-file-submit binary empty large; tmt-report-result after PASS"#,
    ),
    ("many at once", r#"for i in {1..30}; do tmt-report-result part PASS & done; wait; echo done"#),
    ("an abort", "(trap '' TERM; sleep 1000) & tmt-abort; echo not reached"),
    (
        "the folder for files is empty when the next test starts",
        "touch \"$TMT_TEST_DATA/file\"; touch \"$TMT_PLAN_DATA/file\"",
    ),
    ("but not that of the plan", "cd \"$TMT_TEST_DATA\"; ls; ls \"$TMT_PLAN_DATA\""),
    (
        "a tool called by a script in another language",
        "env -i PATH=\"$PATH\" ATEX_TEST_CONTROL=$ATEX_TEST_CONTROL sh -c 'tmt-report-result part PASS'",
    ),
];

on_every_system!("tools", CASES);
