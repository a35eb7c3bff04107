#!/bin/bash
. "${BEAKERLIB:-/usr/share/beakerlib}/beakerlib.sh" || exit 1

rlJournalStart
    rlPhaseStartSetup
        rlRun "rlImport words/libs/words/plural"
    rlPhaseEnd
    rlPhaseStartTest "plural of words"
        rlAssertEquals "apple" "$(plural apple)" "apples"
        rlRun "plural fig >figs.log"
        rlFileSubmit figs.log
        rlRun "rm figs.log"
    rlPhaseEnd
rlJournalEnd
