#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work "$2"
shop add ann bread 2; shop add ann tea
shop buy ann >"$SHOP_DATA/receipt.txt"
cat "$SHOP_DATA/receipt.txt"
report info "paid by $1" --file receipt.txt "$SHOP_DATA/receipt.txt"
expect "total" "total 977" "$(tail -n 1 "$SHOP_DATA/receipt.txt")"
expect "cart is empty" no "$([ -e "$SHOP_DATA/cart.ann" ] && echo yes || echo no)"
done_testing
