/*
 * procfs reached through a mount that no other process has: a name in the container's own /proc may be a bind mount
 * or a link that an attacker put there (CVE-2019-16884, CVE-2025-52881).
 */
#ifndef ONGGI_PROC_H
#define ONGGI_PROC_H

#include "init.h"

/* Opens `path` below /proc for writing; no links, no mounts on the way, procfs to the end. A descriptor or -errno. */
int proc_open(struct init *init, const char *path);

/* Opens and writes. 0 or -errno. */
int proc_write(struct init *init, const char *path, const char *value);

/* The same below a descriptor of the machine's own /proc, by the keeper of a container. */
int proc_write_below(int root, const char *path, const char *value);

#endif
