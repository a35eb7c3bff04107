#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
for quarter in 1 2 3 4; do
  work 1.2
  shop add ann apple "$quarter"; shop buy ann >/dev/null
  shop report >"$SHOP_DATA/quarter"
  report info year --partial --file "quarter-$quarter.txt" "$SHOP_DATA/quarter"
done
report pass year --note "four quarters"
[ "$(shop report)" = "apple 10 450" ]
