#include "apart.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "scoped.h"
#include "syscalls.h"

/* What the child says; its descriptors are ours, too. */
struct answer {
    int fd;
    struct failure failure;
};

static _Noreturn void answer(apart_function *function, const void *request, int channel) {
    static struct answer answer;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    answer.failure.error = 0;
    answer.fd = function(request, &answer.failure);
    _exit(SYS(write(channel, &answer, sizeof answer)) != (long)sizeof answer);
}

int apart_open(apart_function *function, const void *request, const char *what, struct failure *failure) {
    int ends[2];
    int result = (int)SYS(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
    if (result < 0) return fail(failure, result, "make a pipe");
    scoped_fd ours = ends[0];
    scoped_fd theirs = ends[1];
    pid_t child = (pid_t)SYS(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL));
    if (child == 0) answer(function, request, theirs);
    if (child < 0) return fail(failure, child, "fork");
    SYS(waitpid(child, NULL, 0));
    struct answer answer;
    if (SYS(read(ours, &answer, sizeof answer)) != (long)sizeof answer) return fail(failure, ESRCH, "%s", what);
    if (answer.fd >= 0) return answer.fd;
    if (answer.failure.error == 0) return fail(failure, answer.fd, "%s", what);
    uint16_t phase = failure->phase;
    uint32_t index = failure->index;
    *failure = answer.failure;
    failure->phase = phase;
    failure->index = index;
    return answer.fd;
}
