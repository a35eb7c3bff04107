#!/bin/bash
# derived.sh systemd|dnf : an image of the root file system of rootfs.sh with more in it, unless it is there already; prints what
# podman.sh prints, with that image's name at the end.
#   systemd   its /sbin/init is a real systemd
#   dnf       dnf and rpm instead of apt, and a repository of small packages in /opt/packages (see packages.sh)
. "$(dirname "$0")/lib.sh"
HERE=$(dirname "$0")

systemd() { # in the tree $1
  local d=$1
  rm -f "$d"/usr/sbin/{init,reboot,poweroff,halt,shutdown} "$d/etc/inittab"
  # Soft reboots came with 254, which Debian 12 has among its backports.
  local list=$d/etc/apt/sources.list.d/backports.list
  . /etc/os-release
  if [ "$VERSION_CODENAME" = bookworm ]; then
    echo "deb $(apt_mirror debian) bookworm-backports main" >"$list"
    printf 'Package: *systemd* libudev1 libnss-* libpam-*\nPin: release n=bookworm-backports\nPin-Priority: 600\n' >"$d/etc/apt/preferences.d/backports"
    # Where they cannot be had, tests of soft reboots say so.
    apt_in "$d" systemd-sysv dbus || { log "no backports here"; rm -f "$list"; apt_in "$d" systemd-sysv dbus; }
    rm -f "$list" "$d/etc/apt/preferences.d/backports"
  else
    apt_in "$d" systemd-sysv dbus
  fi
  # Nothing here needs these, and each slows the boot down or wants hardware.
  ln -sf /dev/null "$d/etc/systemd/system/systemd-networkd-wait-online.service"
  ln -sf /dev/null "$d/etc/systemd/system/getty@tty1.service"
  ln -sf /dev/null "$d/etc/systemd/system/serial-getty@ttyS0.service"
  ln -sf /dev/null "$d/etc/systemd/system/ssh.service"
}

dnf() { # in the tree $1
  local d=$1
  apt_in "$d" dnf rpm
  mkdir -p "$d/opt/packages" "$d/etc/yum.repos.d" "$d/var/lib/rpm"
  "$HERE/packages.sh" "$d/opt/packages"
  printf '[packages]\nname=packages\nbaseurl=file:///opt/packages\nenabled=1\ngpgcheck=0\nmetadata_expire=0\n' \
    >"$d/etc/yum.repos.d/packages.repo"
  printf '[main]\ngpgcheck=0\nbest=True\nskip_if_unavailable=False\n' >"$d/etc/dnf/dnf.conf"
  unshare --mount sh -c 'mount -t proc proc "$1/proc" && exec chroot "$1" rpm -i /opt/packages/noarch/try-release-9.0-1.noarch.rpm' - "$d"
  rm -f "$d/etc/os-release"
  printf 'NAME="Try EL"\nID=try-el\nID_LIKE="rhel fedora"\nVERSION_ID=9.0\n' >"$d/etc/os-release"
  # Whoever looks for a package manager must not find apt first.
  mkdir -p "$d/opt/apt"; mv "$d"/usr/bin/apt "$d"/usr/bin/apt-get "$d/opt/apt/"
}

# Installs packages of this system's mirror into the tree $1. Its own mount name space: nothing stays mounted, whatever happens.
apt_in() {
  local d=$1; shift
  cp /etc/resolv.conf "$d/etc/resolv.conf"
  printf '#!/bin/sh\nexit 101\n' >"$d/usr/sbin/policy-rc.d"; chmod 755 "$d/usr/sbin/policy-rc.d"
  unshare --mount sh -c 'd=$1; shift; mount -t proc proc "$d/proc" && exec chroot "$d" sh -c "apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $* && apt-get clean"' - "$d" "$@" \
    >"$ATEX_TESTENV/derived.log" 2>&1 </dev/null || { tail -n 15 "$ATEX_TESTENV/derived.log" >&2; log "apt-get in $d failed"; return 1; }
  rm -rf "$d/usr/sbin/policy-rc.d" "$d/etc/resolv.conf" "$d"/var/lib/apt/lists/*
  : >"$d/etc/machine-id"
}

case "${1:-}" in systemd|dnf) what=$1 ;; *) die "usage: $ME systemd|dnf" ;; esac
ROOTFS=$("$HERE/rootfs.sh")
mapfile -t PODMAN < <("$HERE/podman.sh")
unset 'PODMAN[-1]'
# The base and the recipes: another content is another image.
DIGEST=$({ cat "$0" "$HERE/packages.sh"; echo "$ROOTFS"; } | sha256sum | cut -c1-12)
IMAGE=localhost/atex-test-$what:$DIGEST
(
  flock 8
  "${PODMAN[@]}" image exists "$IMAGE" || {
    log "building $IMAGE, which takes about half a minute, once"
    new=$ATEX_TESTENV/derived-$what
    rm -rf --one-file-system "$new"
    cp -a --reflink=auto "$ROOTFS/tree" "$new"
    "$what" "$new"
    tar -C "$new" --numeric-owner --exclude='./dev/*' -c . |
      "${PODMAN[@]}" import -q --change 'CMD ["/bin/bash"]' - "$IMAGE" >/dev/null
    rm -rf --one-file-system "$new"
  }
) 8>"$ATEX_TESTENV/derived-$what.lock"
printf '%s\n' "${PODMAN[@]}" "$IMAGE"
