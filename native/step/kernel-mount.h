/*
 * The mounts on /proc and /sys, by descriptor. What is hidden or read-only below them is looked up from the mount
 * itself: whoever can rename directories of the root (it may be shared with another container) would otherwise move
 * the mount away before it is covered, and have a /proc without masks (CVE-2019-19921, and what its fixes left open).
 */
#ifndef ONGGI_KERNEL_MOUNT_H
#define ONGGI_KERNEL_MOUNT_H

#include "init.h"

/* Remembers `mount` if `path` is one of these places. 0 or -errno. */
int kernel_mount_keep(struct init *init, int mount, const char *path);

/* Whether `target` is the container's /proc, which takes nothing but a procfs. 1, 0 or -errno. */
int kernel_mount_is_proc(const struct init *init, int target);

/* A container path as an O_PATH descriptor, from the mount that it lies below or from the root. */
int kernel_path_open(const struct init *init, const char *path);

/* The places still show what was mounted there: 0, or -errno after fail(). */
int kernel_mounts_check(struct init *init);

#endif
