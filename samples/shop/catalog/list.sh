#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 0.2
shop list | tee "$SHOP_DATA/list"
[ "$(head -n 1 "$SHOP_DATA/list")" = "apple 45 100" ]
