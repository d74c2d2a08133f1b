#!/bin/sh
# Makes itself process 1 of a machine: systemd on a tree of its own over the one that is here, in a PID namespace and a network
# namespace that somebody has made. Prints its process id as seen from outside, then becomes systemd.
# usage: systemd-boot.sh DISK CGROUP CHECKOUT NODE
set -eu
disk=$1 cgroup=$2 checkout=$3 node=$4
root=$disk/root

if [ "${5-}" != within ]; then
  # The /proc that is still mounted knows this process by its outer number.
  read -r pid _ </proc/self/stat
  echo "$pid"
  # The root of the cgroup namespace is where its maker is.
  echo 0 >"$cgroup/cgroup.procs"
  exec unshare --cgroup --mount --uts --ipc sh "$0" "$@" within
fi

mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"
for tree in etc var dev; do mount --bind "$disk/$tree" "$root/$tree"; done
mount --bind "$checkout" "$root/opt/weft"
mount --bind "$node" "$root/usr/local/bin/node"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
cd "$root"
pivot_root . mnt
umount -l /mnt
hostname edge
# Only units that were put there, and no generator that reads the machine's own files.
exec env -i container=weft PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  SYSTEMD_UNIT_PATH=/etc/systemd/system SYSTEMD_GENERATOR_PATH=/etc/systemd/system-generators \
  /lib/systemd/systemd --log-target=kmsg --log-level=info
