/*
 * Another OCI runtime (runc, crun) that makes the container and leaves. The first process of the plan mounts the root
 * file system in a mount namespace of its own, so that it ends with the container, and executes `PROGRAM create`; the
 * container's init falls to the shim, which is the subreaper.
 */
#ifndef ONGGI_RUNTIME_H
#define ONGGI_RUNTIME_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/* OP_RUNTIME; the strings live in the plan. */
struct runtime {
    const char *program; /* NULL: none, the container is ours */
    const char *state;   /* --root */
    const char *id;
    const char *pid_file;
    const char *log;     /* in JSON */
    const char *console; /* NULL without a terminal */
    const char *group;   /* a cgroup that holds the container's processes and nothing else, or NULL */
    uint32_t seconds;    /* that each of its commands may take; 0: as long as it needs */
    int listener;        /* of `console`, -1 */
    bool made;           /* there may be something to delete */
};

void runtime_read(struct runtime *runtime, const struct plan *plan);

/* Before the first process: where the terminal will come from. 0 or -errno with `failure`. */
int runtime_listen(struct runtime *runtime, struct failure *failure);

/* Waits for the program, which the first process has become, and finds the init. 0 or -errno with `failure`. */
int runtime_adopt(const struct runtime *runtime, pid_t first, pid_t *init, struct failure *failure);

/* The terminal that the runtime has sent, or -errno. */
int runtime_console(struct runtime *runtime);

/* 0, or -errno with what the runtime says in `failure`. */
int runtime_start(const struct runtime *runtime, struct failure *failure);

/* What is left of the container is the runtime's to take away; the ending counts, not whether it could. */
void runtime_delete(struct runtime *runtime);

#endif
