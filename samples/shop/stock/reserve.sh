#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 1.5
shop add ann coffee 13
expect "more than there are" "shop: sold out: coffee" "$(shop buy ann 2>&1 || true)"
shop remove ann coffee; shop add ann coffee 12; shop buy ann
expect "all of them" "coffee 749 0" "$(shop list | grep coffee)"
done_testing
