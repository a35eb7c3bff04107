#!/bin/bash
# report JSON [DATA]: the data of the files that the result announces follow it.
report() {
    local LC_ALL=C
    printf 'result %d\n%s%s' "${#1}" "$1" "$2" >&"$ATEX_TEST_CONTROL"
}
report '{"status": "pass", "name": "first part", "files": [{"name": "log", "length": 5}]}' 'text
'
# A partial result is completed by the next of the same name; without a name, it is that of the test itself.
report '{"partial": true, "note": "half done"}'
report '{"partial": true, "seen": ["a"]}'
report '{"partial": true, "seen": ["b"], "testout": "output.txt"}'
echo done
