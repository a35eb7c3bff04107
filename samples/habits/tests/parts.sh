#!/bin/bash
# One result for each word; the test itself has failed if one of them has.
failed=0
while read -r word; do
    echo "looking at $word" >"$TMT_TEST_DATA/$word.log"
    if [ "${#word}" -gt 4 ]; then status=PASS; else status=FAIL failed=1; fi
    tmt-report-result -o "$TMT_TEST_DATA/$word.log" -t "$word has ${#word} letters" "words/$word" "$status"
done <../data/words
exit "$failed"
