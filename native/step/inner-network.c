#include "inner-network.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "netlink.h"
#include "proc.h"
#include "scoped.h"
#include "syscalls.h"

bool is_inner_network(uint16_t op) {
    return op == OP_INNER_NETLINK || op == OP_INNER_SYSCTL;
}

static int run(struct record *record, pid_t init, struct failure *failure) {
    if (record->op == OP_INNER_NETLINK) return netlink_run(&record->payload, init, failure);
    const char *name = take_string(&record->payload);
    const char *value = take_string(&record->payload);
    /* Of whoever opens it: /proc/sys/net is another one in each network. */
    char path[256];
    int length = snprintf(path, sizeof path, "sys/%s", name);
    if (length >= (int)sizeof path) return fail(failure, -ENAMETOOLONG, "set the kernel parameter \"%s\"", name);
    scoped_fd proc = (int)SYS(open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC));
    int result = proc < 0 ? proc : proc_write_below(proc, path, value);
    return result < 0 ? fail(failure, result, "set the kernel parameter \"%s\" to \"%s\"", name, value) : 0;
}

int inner_network_run(struct record *record, pid_t init, struct failure *failure) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)init);
    scoped_fd own = (int)SYS(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    scoped_fd its = own < 0 ? own : (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
    int result = its < 0 ? its : (int)SYS(setns(its, CLONE_NEWNET));
    if (result < 0) return fail(failure, result, "enter the network namespace of the container");
    result = run(record, init, failure);
    /* What comes later is meant for the machine's own network. */
    if (SYS(setns(own, CLONE_NEWNET)) < 0) abort();
    return result;
}
