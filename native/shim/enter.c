#include "enter.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "init.h"
#include "scoped.h"
#include "spawn.h"
#include "syscalls.h"

enum { PROCESS, START_TIME, PROGRAM };
enum { FAILED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static int complain(const struct failure *failure, int status) {
    dprintf(2, "onggi: %s: %s\n", failure->text, strerror((int)failure->error));
    return status;
}

static int enter(pid_t pid, uint64_t start_time, struct failure *failure) {
    scoped_fd process = sys_pidfd_open(pid);
    if (process < 0) return fail(failure, process, "open process %d", (int)pid);
    /* The pidfd holds the process; only then does its start time tell whether the pid was used again. */
    if (process_start_time(pid) != start_time) return fail(failure, ESRCH, "process %d is another one now", (int)pid);
    /* Groups of the machine's root mean more there than in the container. An ordinary user can't drop its own. */
    if (geteuid() == 0) {
        int dropped = sys_setgroups(0, NULL);
        if (dropped < 0) return fail(failure, dropped, "drop groups");
    }
    int result = sys_setns(process, CLONE_NEWUSER);
    if (result < 0) return fail(failure, result, "enter the user namespace of process %d", (int)pid);
    result = sys_setresgid(0);
    if (result == 0) result = sys_setresuid(0);
    return result < 0 ? fail(failure, result, "become root in the user namespace") : 0;
}

int enter_run(int count, char **arguments) {
    struct failure failure = {0};
    if (count <= PROGRAM) return FAILED;
    signals_reset();
    pid_t pid = (pid_t)strtol(arguments[PROCESS], NULL, 10);
    if (enter(pid, strtoull(arguments[START_TIME], NULL, 10), &failure) < 0) return complain(&failure, FAILED);
    execve(arguments[PROGRAM], arguments + PROGRAM, environ);
    fail(&failure, errno, "execute \"%s\"", arguments[PROGRAM]);
    return complain(&failure, failure.error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}
