#include "reaper.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "message.h"
#include "syscalls.h"

/* Faults of this program itself, and what job control sends to a background reader of the terminal. */
static const int not_forwarded[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

static void block_signals(sigset_t *blocked) {
    sigfillset(blocked);
    for (size_t i = 0; i < sizeof not_forwarded / sizeof not_forwarded[0]; i++) sigdelset(blocked, not_forwarded[i]);
    sigprocmask(SIG_SETMASK, blocked, NULL);
    /* tcsetpgrp by a process that is not in the foreground would stop it. */
    signal(SIGTTIN, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    /* Without the flag by which the courier of a seccomp listener was not waited for (listener.c). */
    signal(SIGCHLD, SIG_DFL);
}

/* A process group of its own, in the foreground of the terminal if there is one, so that ^C reaches only it. */
static _Noreturn void run_child(struct init *init, const struct command *command) {
    setpgid(0, 0);
    pid_t group = getpid();
    ioctl(0, TIOCSPGRP, &group);
    signals_reset();
    /* A fork does not inherit it; where there is no pid namespace, nothing else would end the command. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    command_execute(init, command);
    init_say(init, MESSAGE_FAIL, &init->failure);
    _exit(1);
}

static int status_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Reaps all that has ended; true when the command was among it. */
static bool reap(pid_t command, int *status) {
    bool ended = false;
    while (true) {
        int child_status;
        pid_t child = waitpid(-1, &child_status, WNOHANG);
        if (child <= 0) return ended;
        if (child != command) continue;
        *status = child_status;
        ended = true;
    }
}

int reaper_run(struct init *init, const struct command *command) {
    sigset_t blocked;
    block_signals(&blocked);
    pid_t child = (pid_t)SYS(fork());
    if (child < 0) return fail(&init->failure, child, "fork the command \"%s\"", command->path);
    if (child == 0) run_child(init, command);
    /* The child's copy is the last one: the shim sees the exec by its closing. */
    sys_close_range(3, ~0u, 0);
    prctl(PR_SET_NAME, "onggi-reaper", 0, 0, 0);
    int status = 0;
    while (true) {
        siginfo_t info;
        int signal = (int)SYS(sigwaitinfo(&blocked, &info));
        if (signal == SIGCHLD && reap(child, &status)) _exit(status_of(status));
        if (signal > 0 && signal != SIGCHLD) kill(child, signal);
    }
}
