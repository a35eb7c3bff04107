#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 2.4
echo "ring 9900 10" >"$SHOP_DATA/more"
shop import "$SHOP_DATA/more"
for buyer in {1..12}; do shop add "$buyer" ring; done
for buyer in {1..12}; do shop buy "$buyer" >"$SHOP_DATA/buyer.$buyer" 2>&1 & done
wait
cat "$SHOP_DATA"/buyer.* >"$SHOP_DATA/buyers.txt"
expect "sold" 10 "$(grep -c total "$SHOP_DATA/buyers.txt")"
expect "turned away" 2 "$(grep -c 'sold out' "$SHOP_DATA/buyers.txt")"
expect "left" "ring 9900 0" "$(shop list | grep ring)"
done_testing
