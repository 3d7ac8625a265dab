/*
 * Mounts as descriptors (fsopen(2), open_tree(2), move_mount(2), Linux 5.12): made detached, set up, and put on a
 * target that is a descriptor too, so that no path is looked up between the check and the mount.
 */
#ifndef ONGGI_MOUNT_H
#define ONGGI_MOUNT_H

#include <linux/mount.h>
#include <stdint.h>

#include "failure.h"

enum { PROPAGATION_FLAGS = MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE };

/*
 * A new detached mount. `flags` are MS_* of mount(2), `data` its comma-separated options.
 * A descriptor, or -errno with the kernel's own words, if it had any, in `failure`.
 */
int mount_new(const char *type, const char *source, uint32_t flags, const char *data, struct failure *failure);

/* A detached copy of the mount (with `recursive`, the tree) at `path` relative to `directory`; "" is it itself. */
int mount_clone(int directory, const char *path, int recursive);

/* Attributes (MOUNT_ATTR_*) of a mount; `propagation` is MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE or 0. */
int mount_change(int mount, uint64_t set, uint64_t clear, uint32_t propagation, int recursive);

/* Gives the file system of a mount further options. */
int mount_reconfigure(int mount, const char *data, struct failure *failure);

/* The MOUNT_ATTR_* that stand for MS_* flags. */
uint64_t mount_attributes(uint32_t flags);

#endif
