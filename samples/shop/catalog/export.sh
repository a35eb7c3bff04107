#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 2.5
shop list >"$SHOP_DATA/catalogue.txt"
{ echo "item,cents,stock"; tr ' ' , <"$SHOP_DATA/catalogue.txt"; } >"$SHOP_DATA/catalogue.csv"
report info --partial --note "café, crème brûlée" --file catalogue.txt "$SHOP_DATA/catalogue.txt"
report pass csv --file catalogue.csv "$SHOP_DATA/catalogue.csv"
[ "$(wc -l <"$SHOP_DATA/catalogue.csv")" = 5 ]
report pass
