/*
 * procfs reached through a mount that no other process has: a name in the container's own /proc may be a bind mount
 * or a link that an attacker put there (CVE-2019-16884, CVE-2025-52881).
 */
#ifndef ONGGI_PROC_H
#define ONGGI_PROC_H

#include "init.h"

/* Writes `value` to `path` below /proc; no links, no mounts on the way, procfs to the end. 0 or -errno. */
int proc_write(struct init *init, const char *path, const char *value);

#endif
