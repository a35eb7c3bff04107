#!/bin/sh
# boot.sh DIR TREE NAME : the first process in the new namespaces of a machine (mount, uts, ipc, pid, time, network):
# builds its root and becomes its init. DIR has upper/, work/ (its disk) and root/, where the disk is mounted on the tree.
set -e
D=$1 R=$1/root
mount -t overlay -o "lowerdir=$2,upperdir=$D/upper,workdir=$D/work" "$3" "$R"
mount -t proc -o nosuid,nodev,noexec proc "$R/proc"
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs "$R/sys"
mount -t tmpfs -o mode=755,nosuid dev "$R/dev"
mount -t tmpfs -o mode=755,nosuid,nodev run "$R/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$R/tmp"
mkdir "$R/dev/pts" "$R/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$R/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$R/dev/shm"
for n in null zero full random urandom tty; do : >"$R/dev/$n"; mount --bind "/dev/$n" "$R/dev/$n"; done
ln -s pts/ptmx "$R/dev/ptmx"; ln -s /proc/self/fd "$R/dev/fd"
ln -s fd/0 "$R/dev/stdin"; ln -s fd/1 "$R/dev/stdout"; ln -s fd/2 "$R/dev/stderr"
# A new boot id each time, as a real kernel has; /proc/uptime and btime start anew by the time namespace.
cat /proc/sys/kernel/random/uuid >"$R/run/boot_id"
mount --bind "$R/run/boot_id" "$R/proc/sys/kernel/random/boot_id"
hostname "$3"
cd "$R"
mkdir -p run/.old
pivot_root . run/.old
umount -l /run/.old; rmdir /run/.old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux /sbin/init </dev/null
