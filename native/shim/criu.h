/*
 * criu(8), which restores a container from a checkpoint and leaves it to its keeper, shim or launcher.
 *
 * The first process of the plan mounts the root file system in a mount namespace of its own and becomes `criu swrk FD`,
 * where FD is one end of a packet socket: criu takes one request there, tells of points that it comes to, waiting for an
 * answer at each, and has the last word (criu: images/rpc.proto). One of them hands over the master of the terminal; at
 * another the container's namespaces are there, with nothing in them yet, and the keeper does the attach steps.
 */
#ifndef ONGGI_CRIU_H
#define ONGGI_CRIU_H

#include <sys/types.h>

#include "failure.h"
#include "launch.h"
#include "plan-reader.h"

/* OP_RESTORE; the strings live in the plan. */
struct restore {
    const char *group;   /* a cgroup that holds the container's processes and nothing else, or NULL */
    struct blob request; /* criu_req */
};

struct restored {
    pid_t init;  /* now a child of the caller */
    int console; /* the master of its terminal, -1 for none */
};

/* False when the plan has none. */
bool restore_read(const struct plan *plan, struct restore *restore);

/*
 * From the clone of the first process, at the other end of `report`, to the end of criu. 0, or -errno with `failure` and
 * the first process waited for; what criu has made is gone then.
 */
int restore_run(const struct plan *plan, pid_t first, int report, warn_function *warn, void *keeper,
                struct restored *restored, struct failure *failure);

#endif
