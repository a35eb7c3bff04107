#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
# What came so far is reported as it comes: if this is stopped half-way, the last one tells how far it got.
for part in 1 2 3 4; do
  work 1.5
  for item in {1..50}; do echo "item-$part-$item $((item * 10)) 5"; done >"$SHOP_DATA/part"
  shop import "$SHOP_DATA/part"
  report info import --partial --note "$((part * 50)) of 200 items"
done
report pass import --note "200 items"
[ "$(shop list | wc -l)" = 204 ]
