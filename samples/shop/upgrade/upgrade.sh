#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
if [ -n "${TMT_TREE:-}" ]; then touch "$TMT_TREE/.migrated"; fi
work 2
shop add ann tea; shop buy ann
before=$(shop report)
shop migrate
report info "before" --note "$before"
expect "version 1 refuses the new data" "shop: the data are those of version 2" "$(shop report 2>&1 || true)"
done_testing
