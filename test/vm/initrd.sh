#!/bin/sh
# First program of the virtual machine: loads the modules and goes on to the disk.
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
  insmod "$module" || echo "vm: insmod $module failed"
done
# The disk appears a moment after its driver.
tries=0
until [ -b /dev/vda ] || [ $tries -ge 50 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
# With quotas of projects, for --storage-opt; without them where the kernel has none.
mount -t ext4 -o prjquota /dev/vda /disk || mount -t ext4 /dev/vda /disk
mount --move /dev /disk/dev
exec switch_root /disk /lib/systemd/systemd
