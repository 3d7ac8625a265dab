/* Entering the namespaces of a running process, or those that paths name, before the init is cloned. */
#ifndef ONGGI_JOIN_H
#define ONGGI_JOIN_H

#include <sys/types.h>

#include "failure.h"
#include "init.h"
#include "plan-reader.h"

/* OP_CLONE or OP_JOIN, read. */
struct clone_request {
    bool joins;    /* OP_JOIN */
    bool joins_user; /* OP_CLONE joins a user namespace by its path */
    bool indirect; /* needs a process in between */
    uint32_t flags; /* CLONE_NEW*: to make, or with `joins` to enter */
    uint64_t clone_flags;
    const char *keyring;
    pid_t pid;
    uint64_t start_time;
    struct cursor paths;   /* of OP_CLONE: {type, path}[] */
    struct cursor cgroups; /* str? unified, str[] legacy */
    struct cursor offsets; /* of OP_CLONE */
    const char *unified;
    int cgroup; /* directory of the unified hierarchy, -1 for none */
};

/* clone3(2) with fallbacks. The pid, 0 in the child, or -errno. */
pid_t clone_init(struct clone_request *request, struct init_start *start, uint64_t extra);

/* Starts the init from a process that enters the namespaces first. 0, or -errno with `failure`. */
int join_and_clone(struct clone_request *request, struct init_start *start, pid_t *pid, struct failure *failure);

#endif
