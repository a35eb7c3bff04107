#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 1
shop add ann apple 2
expect "10 per cent" 81 "$(shop total ann 10)"
shop add bob tea 1
expect "50 per cent" 199 "$(shop total bob 50)"
shop add eve tea 1; shop add eve bread 1
expect "no voucher" 688 "$(shop total eve 0)"
done_testing
