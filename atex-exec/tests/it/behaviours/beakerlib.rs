//! Tests that use beakerlib (section 7): what they find, and what becomes of what they report.
//!
//! Beakerlib itself is in no place that tests may fetch from: `beakerlib.sh` stands in for it, and calls what it calls.

use atex_core::Test;
use serde_json::json;

use super::{Case, on_every_system};

const CASES: &[Case] = &[
    (
        "phases are results, in order, with names",
        r#"rlJournalStart; rlPhaseStartSetup; rlRun true; rlPhaseEnd; rlPhaseStartTest; rlRun true; rlPhaseEnd
rlPhaseStartTest "some phase name"; rlRun false 1; rlPhaseEnd; rlPhaseStartCleanup; rlRun true; rlPhaseEnd; rlJournalEnd >/dev/null"#,
    ),
    (
        "a failure in a phase fails the test, whatever its exit code is",
        "rlJournalStart; rlPhaseStartTest; rlRun false; rlPhaseEnd; rlPhaseStartTest after; rlRun true; rlPhaseEnd; exit 0",
    ),
    ("a warning does, too", "rlJournalStart; rlPhaseStartSetup; rlRun false; rlPhaseEnd; exit 0"),
    ("a test that ends before any phase does", "rlJournalStart; rlPhaseStartTest; exit 123"),
    (
        "a result of its own stands",
        "rlJournalStart; rlPhaseStartTest; rlRun false; rlPhaseEnd; report '{\"status\": \"pass\", \"note\": \"mine\"}'; exit 0",
    ),
    (
        "a result with a log, and one without",
        r#"rlJournalStart; cd "$TMT_TEST_DATA"; rlReport "some result" PASS; echo content >'log file'; rlReport "with a log" PASS 0 'log file'; rlReport odd strange 0 missing"#,
    ),
    (
        "every awkward character",
        r#"rlJournalStart; rlPhaseStartTest 'x'; rlPhaseEnd; rlReport $'a "b" \\ c\nd ž\xff' PASS"#,
    ),
    (
        "logs are there as soon as they are submitted",
        r#"rlJournalStart; cd "$TMT_TEST_DATA"; echo one >log.txt; rlFileSubmit log.txt; rlFileSubmit log.txt "custom log name.txt"; rlFileSubmit log.txt; kill -KILL $$"#,
    ),
    (
        "what it finds",
        r#"env | grep -E '^(BEAKERLIB|TESTID)' | sed "s,${TMT_TREE%/tree},WORK,; s,atex-..........,atex-…," | sort; ls -A "$BEAKERLIB_DIR"; head -1 "$BEAKERLIB_DIR/metadata.yaml""#,
    ),
    (
        "libraries, by name and by what the test requires",
        r#"mkdir -p "$TMT_TREE/libs/nick/some/lib" "$TMT_TREE/deep/inside"; echo 'imported() { echo "imported from $1"; }' >"$TMT_TREE/libs/nick/some/lib/lib.sh"
rlJournalStart; rlPhaseStartTest; cd "$TMT_TREE/deep/inside"; rlRun 'rlImport nick/some/lib'; imported name; unset -f imported; rlRun 'rlImport --all'; imported all; rlRun 'rlImport no/such'; rlPhaseEnd"#,
    ),
];

/// Makes it a beakerlib test that cannot be told from one with the real thing.
fn beakerlib(test: &mut Test) {
    test.environment.insert("STAND_IN".into(), include_str!("beakerlib.sh").into());
    test.environment.insert("TESTID".into(), "overridden".into());
    test.environment.insert("BODY".into(), format!("eval \"$STAND_IN\"\n{}", test.script));
    test.script = "exec bash -c \"$BODY\"".into();
    let require = json!([{"type": "library", "nick": "nick", "name": "/some/lib"}]);
    test.metadata.insert("require".into(), require);
    test.metadata.insert("framework".into(), "beakerlib".into());
}

on_every_system!("beakerlib", CASES, beakerlib);
