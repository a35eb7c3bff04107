#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
if [ ! -e "${SHOP_PRINTER:-/dev/no-printer}" ]; then
  report skip --note "no printer here"
  exit 0
fi
shop report >"$SHOP_PRINTER"
