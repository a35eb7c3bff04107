#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
shop reindex
if [ "$SHOP_CACHE" = cold ]; then
  # However fast the rest is made to go, cold caches take their time.
  sleep 1.5
  report fail --note "no answer within a second; the cache was cold" --testout output.txt
  exit 1
fi
work 0.5
[ "$(shop search off)" = coffee ]
if shop search nothing; then exit 1; fi
