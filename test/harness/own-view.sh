#!/bin/bash
# Runs a command in a view of the machine of its own: processes, mounts, network, cgroups, IPC and /run. What the tests
# make is seen by nobody else and dies with the command, and what others do on the machine disturbs no test: so parts
# of a run may go on side by side.
#
#   test/harness/own-view.sh COMMAND [ARGUMENT...]
#
# Its cgroups are all below one directory in each hierarchy, `onggi-view-PID`; its files below $TMPDIR.
set -euo pipefail

hierarchies() {
  awk '{ for (i = 7; i <= NF; i++) if ($i == "-" && ($(i+1) == "cgroup" || $(i+1) == "cgroup2")) print $5, $(i+1), $(i+3) }' \
    /proc/self/mountinfo | awk '!seen[$1]++'
}

# Inside: the namespaces are new, what they show is still the old.
inside() {
  mount --make-rprivate /
  mount -t proc proc /proc
  local found links
  found=$(hierarchies)
  links=$(find /sys/fs/cgroup -maxdepth 1 -type l -printf '%f %l\n')
  umount -R /sys
  mount -t sysfs sysfs /sys
  mount -t securityfs securityfs /sys/kernel/security 2>/dev/null || true
  if grep -q '^/sys/fs/cgroup cgroup2 ' <<<"$found"; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  else
    mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
    local target type options
    while read -r target type options; do
      mkdir -p "$target"
      if [ "$type" = cgroup2 ]; then
        mount -t cgroup2 cgroup2 "$target"
      else
        options=$(tr , '\n' <<<"$options" | grep -vE '^(rw|ro|xattr|release_agent=.*)$' | paste -sd,)
        mount -t cgroup -o "$options" cgroup "$target"
      fi
    done <<<"$found"
    local name
    while read -r name target; do
      [ -z "$name" ] || ln -s "$target" "/sys/fs/cgroup/$name"
    done <<<"$links"
  fi
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -m 1777 /run/lock
  # udev lets everybody open it; on a machine without udev it is root's.
  if [ -c /dev/net/tun ] && [ "$(stat -c %a /dev/net/tun)" != 666 ]; then
    mknod -m 666 /run/tun c 10 200
    mount --bind /run/tun /dev/net/tun
  fi
  ip link set lo up
  # Not exec: the first process of a pid namespace has to reap whoever is orphaned.
  "$@"
  exit
}

if [ "${1-}" = --inside ]; then
  shift
  inside "$@"
fi

# What a run that was killed has left.
while read -r target _; do
  for directory in "$target"/onggi-view-*; do
    if [ -d "$directory" ] && ! [ -e "/proc/${directory##*-}" ]; then find "$directory" -depth -type d -exec rmdir {} + || true; fi
  done
done < <(hierarchies)

made=()
scratch=$(mktemp -d /tmp/vXXX)
leave() {
  local directory
  for directory in "${made[@]}"; do
    find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap leave EXIT
chmod 1777 "$scratch"

while read -r target type _; do
  directory=$target/onggi-view-$$
  mkdir "$directory"
  made+=("$directory")
  # cgroup v1: a new cpuset is empty and takes nobody.
  if [ -e "$directory/cpuset.mems" ] && [ "$type" = cgroup ]; then
    cat "$target/cpuset.cpus" >"$directory/cpuset.cpus"
    cat "$target/cpuset.mems" >"$directory/cpuset.mems"
  fi
done < <(hierarchies)

# A subshell joins, so that this one can remove the directories afterwards.
(
  for directory in "${made[@]}"; do echo "$BASHPID" >"$directory/cgroup.procs"; done
  TMPDIR=$scratch exec unshare --mount --pid --net --ipc --cgroup --fork --kill-child "$0" --inside "$@"
)
