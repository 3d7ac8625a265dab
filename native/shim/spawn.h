/*
 * How the init comes to be: one clone3(2) with all namespaces at once, directly from the keeper where that is possible,
 * else from a short-lived process that first enters the namespaces to join. Either way the init is the keeper's child.
 */
#ifndef ONGGI_SPAWN_H
#define ONGGI_SPAWN_H

#include <sys/types.h>

#include "failure.h"
#include "init.h"
#include "plan-reader.h"

/* The keeper's ends of what connects it with the init; -1 where there is none. */
struct spawned {
    pid_t pid;
    int report; /* message socket */
    int input, output, error; /* pipes of stdio, non-blocking */
};

/* What the init is to be given. */
struct endowment {
    bool output, input; /* pipes for stdout and stderr, for stdin; without, the keeper's own */
    int stdio;          /* the first of three descriptors that become its stdio; 0: none but those above */
    int preserved;      /* the first of the descriptors that become 3 and up */
    uint32_t preserve;  /* how many */
    int start, reply;   /* fifos, or -1 */
};

/* Starts the init. 0, or -errno with `failure` set and nothing left behind. */
int spawn_init(const struct plan *plan, const struct endowment *endowment, struct spawned *spawned, struct failure *failure);

/* Field 22 of /proc/PID/stat: start time in clock ticks since boot, 0 if there is no such process. */
uint64_t process_start_time(pid_t pid);

#endif
