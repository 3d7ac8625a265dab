/*
 * How the init comes to be: one clone3(2) with all namespaces at once, directly from the shim where that is possible,
 * else from a short-lived process that first enters the namespaces to join. Either way the init is the shim's child.
 */
#ifndef ONGGI_SPAWN_H
#define ONGGI_SPAWN_H

#include <sys/types.h>

#include "failure.h"
#include "init.h"
#include "plan-reader.h"

/* The shim's ends of what connects it with the init; -1 where there is none. */
struct spawned {
    pid_t pid;
    int report; /* message socket */
    int input, output, error; /* pipes of stdio, non-blocking */
};

/*
 * Starts the init. `pipes` are wanted unless it gets a terminal, `input` says whether stdin is one of them.
 * 0, or -errno with `failure` set and nothing left behind.
 */
int spawn_init(const struct plan *plan, bool pipes, bool input, struct spawned *spawned, struct failure *failure);

/* Field 22 of /proc/PID/stat: start time in clock ticks since boot, 0 if there is no such process. */
uint64_t process_start_time(pid_t pid);

#endif
