#include "join.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "scoped.h"
#include "spawn.h"
#include "syscalls.h"

/* One of each type. */
enum { PATHS_MAX = 8 };

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

/* The namespaces to enter by path, open: a name may mean something else once the mount namespace is another. */
struct paths {
    uint32_t count;
    int fds[PATHS_MAX];
    uint32_t types[PATHS_MAX];
    const char *names[PATHS_MAX];
};

/* <linux/nsfs.h>, since Linux 4.11 */
#define NS_GET_NSTYPE _IO(0xb7, 0x3)

/* A file that is no namespace knows no such call, and one of another type says so. */
static int check_type(int fd, uint32_t type, const char *path, struct failure *failure) {
    struct statfs system;
    int result = (int)SYS(fstatfs(fd, &system));
    if (result < 0) return fail(failure, result, "look at the namespace \"%s\"", path);
    int found = system.f_type == MAGIC_NSFS ? (int)SYS(ioctl(fd, NS_GET_NSTYPE)) : -ENOTTY;
    if (found < 0) return fail(failure, EINVAL, "join the namespace \"%s\": it is no namespace", path);
    if ((uint32_t)found == type) return 0;
    return fail(failure, EINVAL, "join the namespace \"%s\": it is one of another type", path);
}

static const char *own_namespace(uint32_t type) {
    switch (type) {
    case CLONE_NEWNET: return "/proc/self/ns/net";
    case CLONE_NEWUTS: return "/proc/self/ns/uts";
    case CLONE_NEWIPC: return "/proc/self/ns/ipc";
    default: return NULL;
    }
}

/* Parameters are about to be set in it: not in the keeper's own, which is the host's. */
static int check_foreign(int fd, uint32_t type, const char *path, struct failure *failure) {
    struct stat theirs, ours;
    const char *own = own_namespace(type);
    int result = own == NULL ? -EINVAL : (int)SYS(fstat(fd, &theirs));
    if (result == 0) result = (int)SYS(stat(own, &ours));
    if (result < 0) return fail(failure, result, "look at the namespace \"%s\"", path);
    if (theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev) return 0;
    return fail(failure, EPERM, "join the namespace \"%s\": it is the host's, whose parameters would change", path);
}

static int open_paths(const struct clone_request *request, struct paths *paths, struct failure *failure) {
    struct cursor payload = request->paths;
    uint32_t count = take_count(&payload);
    if (count > PATHS_MAX) return fail(failure, E2BIG, "join %u namespaces", count);
    for (; paths->count < count; paths->count++) {
        uint32_t type = take_u32(&payload);
        const char *name = take_string(&payload);
        bool foreign = take_bool(&payload);
        /* Should the path be a pipe, nobody waits for its other end. */
        int fd = (int)SYS(open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (fd < 0) return fail(failure, fd, "join the namespace \"%s\"", name);
        paths->fds[paths->count] = fd;
        paths->types[paths->count] = type;
        paths->names[paths->count] = name;
        int result = check_type(fd, type, name, failure);
        if (result == 0 && foreign) result = check_foreign(fd, type, name, failure);
        if (result < 0) return result;
    }
    return 0;
}

/* Enters those of these types that are left. With `lenient` one that may not be entered yet is left for later. */
static int enter_types(struct paths *paths, uint32_t types, bool lenient, struct failure *failure) {
    for (uint32_t i = 0; i < paths->count; i++) {
        if (paths->fds[i] < 0 || (paths->types[i] & types) == 0) continue;
        int result = sys_setns(paths->fds[i], (int)paths->types[i]);
        if (result == -EPERM && lenient) continue;
        if (result < 0) return fail(failure, result, "join the namespace \"%s\"", paths->names[i]);
        drop_fd(&paths->fds[i]);
    }
    return 0;
}

/*
 * What belongs to the host's user namespace can only be entered before another one is, what belongs to that one only
 * after. So: all that can be, the user namespace, the rest; the mount namespace, which takes the most, at the end.
 */
static int enter_paths(const struct clone_request *request, struct failure *failure) {
    struct paths paths = {0};
    const uint32_t late = CLONE_NEWUSER | CLONE_NEWNS;
    int result = open_paths(request, &paths, failure);
    if (result == 0) result = enter_types(&paths, ~late, true, failure);
    if (result == 0) result = enter_types(&paths, CLONE_NEWNS, true, failure);
    if (result == 0) result = enter_types(&paths, CLONE_NEWUSER, false, failure);
    if (result == 0) result = enter_types(&paths, ~late, false, failure);
    if (result == 0) result = enter_types(&paths, CLONE_NEWNS, false, failure);
    return result;
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
