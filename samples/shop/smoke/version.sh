#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 0.1
shop version | grep -qx 'shop 1\.[0-9]*'
