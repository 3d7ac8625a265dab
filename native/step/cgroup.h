/* Control groups, seen from the shim: directories of mounted hierarchies (cgroups(7)). */
#ifndef ONGGI_CGROUP_H
#define ONGGI_CGROUP_H

#include <stdbool.h>

#include "failure.h"
#include "plan-reader.h"

/* The prepare steps. Each takes its payload. */
int cgroup_create(struct cursor *payload, struct failure *failure);
int cgroup_attach_device_filter(struct cursor *payload, struct failure *failure);
/* `optional` tells whether the plan can do without. */
int cgroup_write(struct cursor *payload, bool *optional, struct failure *failure);

/*
 * The cleanup step: kills what is left in a directory and its descendants and removes them, and those above it that the
 * step counts, where they are empty. A directory that is gone is no failure.
 */
int cgroup_remove(struct cursor *payload, struct failure *failure);

/* SIGKILL to every process in a directory and its descendants. */
int cgroup_kill(const char *path);

/* Descriptor of a file in a directory, open for writing. */
int cgroup_open_file(const char *directory, const char *name);

#endif
