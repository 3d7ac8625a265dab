#!/bin/sh
# Init of the virtual machine: a cgroup v2 machine without anything else, runs /command and powers off.
export PATH=/bin:/usr/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666 pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
ip link set lo up
hostname vm
# The kernel's own lines would break those of the tests.
dmesg -n 1
sh /command </dev/null 2>&1
poweroff -f
