#include "join.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "scoped.h"
#include "spawn.h"
#include "syscalls.h"

/* What the process in between tells the shim: the pid of the init, or why there is none. */
struct outcome {
    pid_t pid;
    struct failure failure;
};

/* The pidfd holds the process; only then does its start time tell whether the pid was used again. */
static int open_process(const struct clone_request *request, struct failure *failure) {
    scoped_fd process = sys_pidfd_open(request->pid);
    if (process < 0) return fail(failure, process, "join the container: open process %d", (int)request->pid);
    if (process_start_time(request->pid) != request->start_time)
        return fail(failure, ESRCH, "join the container: process %d is another one now", (int)request->pid);
    return take_fd(&process);
}

static int set_time_offsets(struct clone_request *request, struct failure *failure) {
    struct cursor payload = request->offsets;
    uint32_t count = take_count(&payload);
    if (count == 0) return 0;
    /* The namespace is for children only (time_namespaces(7)), and its offsets are fixed by the first of them. */
    int result = sys_unshare(CLONE_NEWTIME);
    if (result < 0) return fail(failure, result, "create the time namespace");
    request->clone_flags &= ~(uint64_t)CLONE_NEWTIME;
    scoped_fd file = (int)SYS(open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC));
    if (file < 0) return fail(failure, file, "open /proc/self/timens_offsets");
    for (; count > 0; count--) {
        char line[64];
        uint32_t clock = take_u32(&payload);
        long long seconds = (long long)take_u64(&payload);
        uint32_t nanoseconds = take_u32(&payload);
        int length = snprintf(line, sizeof line, "%u %lld %u\n", clock, seconds, nanoseconds);
        result = (int)SYS(write(file, line, (size_t)length));
        if (result < 0) return fail(failure, result, "set the offset of clock %u", clock);
    }
    return 0;
}

/* User namespaces first: they give the privilege to enter the others. The mount namespace last: it hides the paths. */
static int path_rank(uint32_t type) {
    return type == CLONE_NEWUSER ? 0 : type == CLONE_NEWNS ? 2 : 1;
}

static int enter_paths(const struct clone_request *request, struct failure *failure) {
    for (int rank = 0; rank < 3; rank++) {
        struct cursor payload = request->paths;
        for (uint32_t count = take_count(&payload); count > 0; count--) {
            uint32_t type = take_u32(&payload);
            const char *path = take_string(&payload);
            if (path_rank(type) != rank) continue;
            scoped_fd namespace = (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
            int result = namespace < 0 ? namespace : sys_setns(namespace, (int)type);
            if (result < 0) return fail(failure, result, "join the namespace \"%s\"", path);
        }
    }
    return 0;
}

static int enter_process(const struct clone_request *request, struct failure *failure) {
    scoped_fd process = open_process(request, failure);
    if (process < 0) return process;
    /* All at once: no moment in which the process is in some namespaces of the container and not in others. */
    int result = request->flags == 0 ? 0 : sys_setns(process, (int)request->flags);
    return result < 0 ? fail(failure, result, "join the namespaces of process %d", (int)request->pid) : 0;
}

static int enter(struct clone_request *request, struct init_start *start, struct failure *failure) {
    process_harden(true);
    /* The groups first, by this process, which the container can't see: its descendants inherit them. */
    int result = init_join_cgroups(start);
    if (result < 0) return fail(failure, result, "join the cgroups");
    if (request->joins) return enter_process(request, failure);
    result = set_time_offsets(request, failure);
    return result < 0 ? result : enter_paths(request, failure);
}

/*
 * The init is among the processes of others from its first moment: nothing of the host may be open in it by then. Only
 * the channel is left, which it closes.
 */
static int clone_inside(struct clone_request *request, struct init_start *start, struct failure *failure) {
    int result = init_arrange(start);
    if (result < 0) return fail(failure, result, "arrange the descriptors of the init");
    pid_t pid = clone_init(request, start, CLONE_PARENT);
    if (pid == 0) init_run(start);
    return pid < 0 ? fail(failure, pid, "clone the init") : pid;
}

static _Noreturn void run_between(struct clone_request *request, struct init_start *start) {
    static struct outcome outcome;
    outcome.failure.index = 1;
    int result = enter(request, start, &outcome.failure);
    if (result == 0) outcome.pid = clone_inside(request, start, &outcome.failure);
    SYS(write(start->channel, &outcome, sizeof outcome));
    _exit(0);
}

/* Already in the unified group, so that its directory need not be open when the init is cloned. */
static pid_t fork_between(struct clone_request *request, struct init_start *start) {
    uint64_t flags = request->clone_flags;
    request->clone_flags = 0;
    pid_t pid = clone_init(request, start, 0);
    request->clone_flags = flags;
    if (pid == 0) drop_fd(&request->cgroup);
    return pid;
}

int join_and_clone(struct clone_request *request, struct init_start *start, pid_t *pid, struct failure *failure) {
    int channel[2];
    int result = (int)SYS(pipe2(channel, O_CLOEXEC));
    if (result < 0) return fail(failure, result, "connect with the joining process");
    scoped_fd ours = channel[0];
    start->channel = channel[1];
    pid_t between = fork_between(request, start);
    if (between == 0) run_between(request, start);
    drop_fd(&start->channel);
    if (between < 0) return fail(failure, between, "fork the joining process");
    struct outcome outcome = {0};
    long length = SYS(read(ours, &outcome, sizeof outcome));
    SYS(waitpid(between, NULL, 0));
    if (length != sizeof outcome) return fail(failure, ESRCH, "join the container: the joining process died");
    if (outcome.failure.error != 0) {
        *failure = outcome.failure;
        return -(int)failure->error;
    }
    *pid = outcome.pid;
    return 0;
}
