# How every test of this tree begins: a data folder of its own with a small catalogue, the program on the PATH, and `report`
# (see control.sh). Made to be sourced from the folder of the test.
. ../lib/control.sh

# What must not outlive the uploaded tree lies in it. Run by hand, this is nobody's uploaded tree: nothing is kept then.
SHOP_DATA=$(mktemp -d "${TMT_TREE:-/tmp}/.shop.XXXXXX")
export SHOP_DATA
trap 'rm -rf "$SHOP_DATA"' EXIT
PATH=$(cd ../app && pwd):$PATH

# The first test on a system finds cold caches.
if [ -z "${TMT_TREE:-}" ] || [ -e "$TMT_TREE/.warm" ]; then SHOP_CACHE=warm; else SHOP_CACHE=cold; touch "$TMT_TREE/.warm"; fi

# A system on which the data were migrated is of no use to version 1.
if [ -e "${TMT_TREE:-}/.migrated" ]; then echo "this system was migrated to version 2: it must not be used again" >&2; exit 99; fi

work() { # SECONDS : stands for work that takes this long, or, with SHOP_PACE, this many per cent of it
  sleep "$(awk -v s="$1" -v pace="${SHOP_PACE:-100}" 'BEGIN { print s * pace / 100 }')"
}

expect() { # SUBTEST WANTED GOT : reports a subtest; the test fails at its end if one did
  if [ "$2" = "$3" ]; then report pass "$1"; return; fi
  printf 'wanted: %s\ngot:    %s\n' "$2" "$3" | tee "$SHOP_DATA/difference.txt"
  report fail "$1" --note "wanted $2, got $3" --file difference.txt "$SHOP_DATA/difference.txt"
  failed=yes
}
done_testing() { [ -z "${failed:-}" ]; }

cat >"$SHOP_DATA/catalogue" <<'END'
apple 45 100
bread 289 20
coffee 749 12
tea 399 30
END
shop import "$SHOP_DATA/catalogue"
