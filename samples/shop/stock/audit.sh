#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
count() { shop list | awk '{ n += $3 } END { print n }'; }
first=$(count)
work 2
report info "first count" --note "$first pieces"
# Each count may take five seconds more than was thought.
control noop
control duration +5
work 2
expect "second count" "$first" "$(count)"
report pass --testout audit.log
done_testing
