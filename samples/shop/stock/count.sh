#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 0.1
[ "$(shop list | awk '{ n += $3 } END { print n }')" = 162 ]
