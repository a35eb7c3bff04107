#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 1
for name in ann bob; do shop add "$name" tea 2; shop buy "$name" >/dev/null; done
shop report | tee "$SHOP_DATA/day.txt"
report info day --file reports/day.txt "$SHOP_DATA/day.txt"
expect "tea" "tea 4 1596" "$(shop report)"
done_testing
