#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 0.6
shop add ann coffee
got=$(($(shop total ann) * SHOP_RATE / 100))
case $SHOP_CURRENCY in GBP) want=644 ;; USD) want=808 ;; JPY) want=1220 ;; esac
expect "749 cents in $SHOP_CURRENCY" "$want" "$got"
done_testing
