#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
work 0.1
for command in import list search reindex add remove total buy report migrate; do
  shop help | grep -q "^  shop .*\b$command\b" || shop help | grep -q "\bshop $command\b"
done
