#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
echo "pen 120 1000000" >"$SHOP_DATA/more"
shop import "$SHOP_DATA/more"
for customer in {1..1000}; do
  shop add "$customer" pen 3
  shop buy "$customer" >/dev/null
done
expect "sold" "pen 3000 360000" "$(shop report)"
done_testing
