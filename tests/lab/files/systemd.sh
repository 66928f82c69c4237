#!/bin/sh
# Boots systemd as the first process of a process namespace: $1 is the root that it gets, $2 what its folder of cgroups is called.
# Its process id, as the machine counts, is in /systemd.pid there. It has cgroups, devices and mounts of its own; network, host name and
# whatever is mounted on its root are the caller's.
#
# Of cgroups it sees version 2 alone: newer ones work with no other. Where the machine has its controllers on version 1, there are none to
# give on; that is enough for everything but limits.
set -eu
root=$1 name=$2 tree=/sys/fs/cgroup
[ -e $tree/cgroup.procs ] || tree=$tree/unified

if [ "${3-}" != inside ]; then
    mkdir -p "$tree/$name"
    echo $$ >"$tree/$name/cgroup.procs"
    exec unshare --pid --fork --kill-child --mount --cgroup sh "$0" "$root" "$name" inside
fi

mount --make-rprivate /
# Of this shell, as the machine counts: it becomes systemd.
read -r pid rest </proc/self/stat
echo "$pid" >"$root/systemd.pid"
mount -t proc proc "$root/proc"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"

mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

cd "$root"
mount --move . /
exec chroot . env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
