#!/bin/bash
set -e -o pipefail
. ../lib/test.sh
case $1 in
  add)
    work 0.3
    shop add ann apple 2; shop add ann apple; shop add ann tea
    expect "same item twice" "apple 3" "$(grep apple "$SHOP_DATA/cart.ann")"
    expect "total" 534 "$(shop total ann)" ;;
  remove)
    work 0.3
    shop add ann apple 2; shop add ann tea; shop remove ann apple
    expect "total" 399 "$(shop total ann)" ;;
  limits)
    work 0.5
    expect "unknown item" "shop: no such item: caviar" "$(shop add ann caviar 2>&1 || true)"
    expect "negative number" "shop: not a number of items: -1" "$(shop add ann tea -1 2>&1 || true)" ;;
  many)
    for name in ann bob; do shop add "$name" coffee; work 0.5; done
    shop add bob bread
    expect "ann" 749 "$(shop total ann)"
    expect "bob" 1038 "$(shop total bob)" ;;
esac
done_testing
