#!/bin/sh
# Boots systemd as the first process of a process namespace: $1 is the root that it gets, $2 what its folder of cgroups is called.
# Its process id, as the machine counts, is in /systemd.pid there. It has cgroups, devices and mounts of its own; network, host name and whatever is mounted on its root are the caller's.
set -eu
root=$1 name=$2 tree=/sys/fs/cgroup

if [ "${3-}" != inside ]; then
    # Cgroups of version 2 are one tree, those of version 1 (and both together) several.
    [ -e $tree/cgroup.procs ] && tops=$tree || tops=$tree/*
    for top in $tops; do
        mkdir -p "$top/$name"
        # A set of processors is empty at first, and takes no process then.
        for kind in cpus mems; do
            [ ! -e "$top/cpuset.$kind" ] || cat "$top/cpuset.$kind" >"$top/$name/cpuset.$kind"
        done
        echo $$ >"$top/$name/cgroup.procs"
    done
    exec unshare --pid --fork --kill-child --mount --cgroup sh "$0" "$root" "$name" inside
fi

mount --make-rprivate /
# Of this shell, as the machine counts: it becomes systemd.
read -r pid rest </proc/self/stat
echo "$pid" >"$root/systemd.pid"
mount -t proc proc "$root/proc"

if [ -e $tree/cgroup.procs ]; then
    mount -t cgroup2 cgroup2 "$root$tree"
else
    mount -t tmpfs -o mode=755 cgroup "$root$tree"
    while IFS=: read -r number kind folder; do
        at="$root$tree/${kind#name=}"
        case $number:$kind in
            0:) mkdir "$root$tree/unified" && mount -t cgroup2 cgroup2 "$root$tree/unified" ;;
            *:name=*) mkdir "$at" && mount -t cgroup -o "none,$kind" cgroup "$at" ;;
            *) mkdir "$at" && mount -t cgroup -o "$kind" cgroup "$at" ;;
        esac
    done </proc/self/cgroup
fi

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
pivot_root . mnt
umount -l /mnt
exec chroot . env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
