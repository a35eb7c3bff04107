# What the recipes in this folder share. Source it: . "$(dirname "$0")/lib.sh"
# Everything that a recipe keeps lies below $ATEX_TESTENV; when nothing uses it, the folder may be deleted at any time.
set -Eeuo pipefail
ATEX_TESTENV=${ATEX_TESTENV:-/var/tmp/atex-testenv}
export LC_ALL=C.UTF-8
PATH=$PATH:/usr/sbin:/sbin
ME=$(basename "$0")

log() { printf '%s: %s\n' "$ME" "$*" >&2; }
die() { printf '%s: ERROR: %s\n' "$ME" "$*" >&2; exit 1; }
trap 'die "line $LINENO: \`$BASH_COMMAND\` failed with status $?"' ERR
[ "$(id -u)" = 0 ] || die "must run as root"
mkdir -p "$ATEX_TESTENV"

# The address of packages that apt on this machine already uses: the first that ends in /debian or /ubuntu.
apt_mirror() { # debian|ubuntu
  local m
  m=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    tr ' ' '\n' | sed 's#/$##' | grep -E "^https?:.*/$1\$" | head -n 1) || true
  [ -n "$m" ] || die "apt's sources name no mirror of $1"
  echo "$m"
}
