#!/bin/bash
# podman.sh : sees to it that containers can be run of the root file system of rootfs.sh, and prints how: the words that
# stand for `podman` here, one a line, then the name of the image. Images and containers are kept apart from the user's own.
# runc, because crun refuses systems with cgroups of both versions; cgroupfs, because not every system runs systemd.
. "$(dirname "$0")/lib.sh"

ROOTFS=$("$(dirname "$0")/rootfs.sh")
IMAGE=localhost/atex-test:${ROOTFS##*-}
PODMAN=(podman --log-level error --root "$ATEX_TESTENV/podman" --runroot /run/atex-testenv-podman
  --runtime runc --cgroup-manager cgroupfs --events-backend file)
(
  flock 8
  "${PODMAN[@]}" image exists "$IMAGE" ||
    "${PODMAN[@]}" import -q --change 'CMD ["/bin/bash"]' "$ROOTFS/tree.tar" "$IMAGE" >/dev/null
) 8>"$ATEX_TESTENV/podman.lock"
printf '%s\n' "${PODMAN[@]}" "$IMAGE"
