#include "spawn.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "join.h"
#include "scoped.h"
#include "syscalls.h"

uint64_t process_start_time(pid_t pid) {
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    scoped_fd fd = (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0) return 0;
    long length = SYS(read(fd, text, sizeof text - 1));
    if (length <= 0) return 0;
    text[length] = '\0';
    /* Field 2 is the name in parentheses, which may itself hold spaces and parentheses: count from the last one. */
    const char *field = strrchr(text, ')');
    for (int number = 2; field != NULL && number < 22; number++) field = strchr(field + 1, ' ');
    return field == NULL ? 0 : strtoull(field + 1, NULL, 10);
}

/* Reads OP_CLONE or OP_JOIN; the places of its lists are kept for later. */
static int read_request(const struct plan *plan, struct clone_request *request, struct failure *failure) {
    struct record record;
    request->joins = plan_find(plan, OP_JOIN, &record);
    if (!request->joins && !plan_find(plan, OP_CLONE, &record)) return -EBADMSG;
    failure->phase = record.phase;
    failure->index = record.index;
    struct cursor *payload = &record.payload;
    if (request->joins) {
        request->pid = (pid_t)take_u32(payload);
        request->start_time = take_u64(payload);
        request->flags = take_u32(payload);
    } else {
        request->flags = take_u32(payload);
        request->paths = *payload;
        for (uint32_t count = take_count(payload); count > 0; count--) {
            if (take_u32(payload) == CLONE_NEWUSER) request->joins_user = true;
            take_string(payload);
            take_bool(payload);
            request->indirect = true;
        }
    }
    request->cgroups = *payload;
    take_optional(payload);
    for (uint32_t count = take_count(payload); count > 0; count--) take_string(payload);
    request->offsets = *payload;
    if (!request->joins) {
        for (uint32_t count = take_count(payload); count > 0; count--) {
            take_u32(payload);
            take_u64(payload);
            take_u32(payload);
            request->indirect = true;
        }
    }
    request->indirect |= request->joins;
    request->keyring = take_optional(payload);
    return 0;
}

static int add_cgroup(struct init_start *start, const char *directory, const char *file, struct failure *failure) {
    if (start->cgroup_count == LEGACY_CGROUPS_MAX) return fail(failure, E2BIG, "join the cgroup \"%s\"", directory);
    int fd = cgroup_open_file(directory, file);
    if (fd < 0) return fail(failure, fd, "open the cgroup \"%s\"", directory);
    start->cgroups[start->cgroup_count++] = fd;
    return 0;
}

/*
 * v1 groups are joined by `tasks`: a write to `cgroup.procs` waits for a lock over all processes of the machine.
 * The unified group is entered by the clone itself.
 */
static int open_cgroups(struct clone_request *request, struct init_start *start, struct failure *failure) {
    struct cursor payload = request->cgroups;
    request->unified = take_optional(&payload);
    if (request->unified != NULL) {
        request->cgroup = (int)SYS(open(request->unified, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (request->cgroup < 0) return fail(failure, request->cgroup, "open the cgroup \"%s\"", request->unified);
    }
    for (uint32_t count = take_count(&payload); count > 0; count--) {
        int result = add_cgroup(start, take_string(&payload), "tasks", failure);
        if (result < 0) return result;
    }
    return 0;
}

static int open_pipe(int *ours, int *theirs, bool reads) {
    int ends[2];
    int result = (int)SYS(pipe2(ends, O_CLOEXEC));
    if (result < 0) return result;
    *ours = ends[reads ? 0 : 1];
    *theirs = ends[reads ? 1 : 0];
    return (int)SYS(fcntl(*ours, F_SETFL, O_NONBLOCK));
}

static int open_channels(const struct endowment *endowment, struct spawned *spawned, struct init_start *start) {
    int ends[2];
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    if (result < 0) return result;
    spawned->report = ends[0];
    start->report = ends[1];
    if (endowment->input) result = open_pipe(&spawned->input, &start->stdio[0], false);
    if (!endowment->output) return result;
    if (result == 0) result = open_pipe(&spawned->output, &start->stdio[1], true);
    if (result == 0) result = open_pipe(&spawned->error, &start->stdio[2], true);
    return result;
}

static void close_start(struct init_start *start) {
    drop_fd(&start->report);
    for (int i = 0; i < 3; i++) drop_fd(&start->stdio[i]);
    for (size_t i = 0; i < start->cgroup_count; i++) drop_fd(&start->cgroups[i]);
}

static void close_spawned(struct spawned *spawned) {
    drop_fd(&spawned->report);
    drop_fd(&spawned->input);
    drop_fd(&spawned->output);
    drop_fd(&spawned->error);
}

/* Kernels and sandboxes that have no clone3 or no CLONE_INTO_CGROUP say so by one of these. */
static bool lacks_clone3(int error) {
    return error == -ENOSYS || error == -EINVAL || error == -E2BIG || error == -EPERM;
}

pid_t clone_init(struct clone_request *request, struct init_start *start, uint64_t extra) {
    uint64_t flags = request->clone_flags | extra;
    struct clone_args arguments = {.flags = flags, .exit_signal = extra & CLONE_PARENT ? 0 : SIGCHLD};
    if (request->cgroup >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = (uint64_t)request->cgroup;
    }
    pid_t pid = (pid_t)SYS(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (pid < 0 && lacks_clone3(pid) && request->cgroup >= 0) {
        /* The init joins by itself then. */
        int file = (int)SYS(openat(request->cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC));
        if (file < 0) return file;
        if (start->cgroup_count == LEGACY_CGROUPS_MAX) return close(file), -E2BIG;
        start->cgroups[start->cgroup_count++] = file;
        pid = (pid_t)SYS(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL));
    } else if (pid == -ENOSYS) {
        pid = (pid_t)SYS(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL));
    }
    return pid;
}

static int start_init(const struct plan *plan, struct clone_request *request, struct init_start *start, pid_t *pid,
                      struct failure *failure) {
    struct record record;
    start->plan = plan;
    start->left_alone = plan_find(plan, OP_LAUNCHER, &record);
    start->joins = request->joins;
    start->to_be_seen = geteuid() != 0 && !request->joins && (request->flags & CLONE_NEWPID) != 0;
    start->keyring = request->keyring;
    start->maps_ids = plan_find(plan, OP_ID_MAP, &record);
    start->joins_user = request->joins_user || (request->joins && (request->flags & CLONE_NEWUSER) != 0);
    int result = open_cgroups(request, start, failure);
    if (result < 0) return result;
    request->clone_flags = request->joins ? 0 : request->flags;
    if (request->indirect) return join_and_clone(request, start, pid, failure);
    *pid = clone_init(request, start, 0);
    if (*pid == 0) init_run(start);
    return *pid < 0 ? fail(failure, *pid, "clone the init") : 0;
}

int spawn_init(const struct plan *plan, const struct endowment *endowment, struct spawned *spawned,
               struct failure *failure) {
    static struct init_start start;
    static struct clone_request request;
    start = (struct init_start){.report = -1, .channel = -1, .stdio = {-1, -1, -1}};
    start.start = endowment->start;
    start.reply = endowment->reply;
    start.preserved = endowment->preserved;
    start.preserve = endowment->preserve;
    if (endowment->stdio > 0) {
        for (int i = 0; i < 3; i++) start.stdio[i] = endowment->stdio + i;
    }
    request = (struct clone_request){.cgroup = -1};
    *spawned = (struct spawned){-1, -1, -1, -1, -1};
    int result = read_request(plan, &request, failure);
    if (result == 0) result = open_channels(endowment, spawned, &start);
    if (result < 0) fail(failure, result, "connect with the init");
    if (result == 0) result = start_init(plan, &request, &start, &spawned->pid, failure);
    close_start(&start);
    drop_fd(&request.cgroup);
    if (result < 0) close_spawned(spawned);
    return result;
}
