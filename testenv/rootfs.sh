#!/bin/bash
# rootfs.sh : builds one small Debian (or Ubuntu) root file system that machines and containers are made of, unless it is
# there already, and prints its folder. In that folder:
#   tree/       the tree: read-only for everybody, the lower layer of the machines' roots
#   tree.tar    the same as a tar, for `podman import`
#   key         a private key that opens root and `tester` on each system made of the tree
#   host_key.pub  the host key that each of them has
#   lock        held (shared) by whoever uses the tree; what nobody holds is removed when another tree is built
# In the tree: bash, coreutils, python3, openssh-server, sudo, iproute2, procps, busybox (as init), apt; the users root and
# `tester` (sudo without a password). Takes 30 to 90 s once, then a few milliseconds. Several may run at once: one builds.
. "$(dirname "$0")/lib.sh"

PKGS=python3,openssh-server,busybox-static,iproute2,procps,sudo,ca-certificates
. /etc/os-release
MIRROR=${MIRROR:-$(apt_mirror "$ID")}
SUITE=${SUITE:-$VERSION_CODENAME}
# Whatever the tree is made of, this file included: another content is another tree, beside those that are in use.
DIGEST=$({ cat "$0"; echo "$PKGS $MIRROR $SUITE"; } | sha256sum | cut -c1-12)
D=$ATEX_TESTENV/rootfs-$DIGEST

customize() { # writes into the tree $1
  local r=$1 h
  # busybox as init: it reaps, starts sshd again, and makes a reboot(2) of `reboot`, as a real one.
  ln -sf /bin/busybox "$r/usr/sbin/init"
  cat >"$r/etc/inittab" <<'END'
::sysinit:/etc/rc.boot
::respawn:/usr/sbin/sshd -D -e
::shutdown:/bin/sync
END
  cat >"$r/etc/rc.boot" <<'END'
#!/bin/sh
# Runs once per boot, before sshd.
mkdir -p /run/sshd /run/lock
: >/run/atex-test-machine
[ ! -x /etc/rc.local ] || /etc/rc.local
exit 0
END
  chmod 755 "$r/etc/rc.boot"
  # They refuse elsewhere than on a booted machine of ours, so that a plain chroot into the tree can never signal the
  # process 1 of the system around it. `-f` does not let processes end by themselves.
  cat >"$r/usr/sbin/reboot" <<'END'
#!/bin/sh
# reboot | poweroff | halt | shutdown -r/-h ... : asks init to go down.
[ -e /run/atex-test-machine ] && [ "$(readlink /proc/1/exe)" = /usr/bin/busybox ] || { echo "${0##*/}: not a test machine" >&2; exit 1; }
act=${0##*/}
if [ "$act" = shutdown ]; then act=poweroff; for a; do case $a in -r) act=reboot;; -c) exit 0;; esac; done; fi
case "${1:-}" in -f|--force) sync; exec busybox "$act" -f;; esac
exec busybox "$act"
END
  chmod 755 "$r/usr/sbin/reboot"
  for h in poweroff halt shutdown; do ln -sf reboot "$r/usr/sbin/$h"; done
  rm -f "$r"/etc/ssh/ssh_host_*
  cp "$2/host_key" "$r/etc/ssh/ssh_host_ed25519_key"
  cp "$2/host_key.pub" "$r/etc/ssh/ssh_host_ed25519_key.pub"
  cat >"$r/etc/ssh/sshd_config" <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxSessions 1000
MaxStartups 1000
# Quicker than the exchange that clients choose by themselves.
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256
Subsystem sftp internal-sftp
END
  chroot "$r" useradd -m -s /bin/bash -p '*' tester
  echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$r/etc/sudoers.d/tester"; chmod 440 "$r/etc/sudoers.d/tester"
  for h in root home/tester; do
    install -d -m 700 "$r/$h/.ssh"
    install -m 600 "$2/key.pub" "$r/$h/.ssh/authorized_keys"
  done
  chroot "$r" chown -R tester:tester /home/tester
  : >"$r/etc/machine-id"
}

build() {
  local new=$D.new old
  rm -rf --one-file-system "$new"; mkdir "$new"
  log "building $D, which takes about a minute, once"
  ssh-keygen -q -t ed25519 -N '' -C atex-test -f "$new/key"
  ssh-keygen -q -t ed25519 -N '' -C atex-test -f "$new/host_key"
  mmdebstrap --quiet --variant=minbase --include="$PKGS" \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    "$SUITE" "$new/tree" "$MIRROR" 2>"$ATEX_TESTENV/mmdebstrap.log" ||
    { tail -n 15 "$ATEX_TESTENV/mmdebstrap.log" >&2; die "mmdebstrap failed; is $MIRROR reachable?"; }
  customize "$new/tree" "$new"
  rm -rf "$new"/tree/var/lib/apt/lists/* "$new"/tree/var/cache/apt/*.bin
  tar -C "$new/tree" --numeric-owner --exclude='./dev/*' -cf "$new/tree.tar" .
  : >"$new/lock"
  mv "$new" "$D"
  for old in "$ATEX_TESTENV"/rootfs-*; do
    [ "$old" = "$D" ] || flock -n -x "$old/lock" rm -rf --one-file-system "$old" || log "$old is in use, and stays"
  done
}

( # What is complete carries its name: nothing half-built is ever used.
  flock 8
  [ -d "$D" ] || build
) 8>"$ATEX_TESTENV/rootfs.lock"
echo "$D"
