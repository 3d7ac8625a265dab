#include "reaper.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "message.h"
#include "syscalls.h"

/* Faults of this program itself, and what job control sends to a background reader of the terminal. */
static const int not_forwarded[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU};

/* What the init and a shim's program that is executed in its place have in common; it is the name of that file, too. */
static const char process_name[] = "onggi-init";

static void list_signals(sigset_t *blocked) {
    sigfillset(blocked);
    for (size_t i = 0; i < sizeof not_forwarded / sizeof not_forwarded[0]; i++) sigdelset(blocked, not_forwarded[i]);
}

static void block_signals(sigset_t *blocked) {
    list_signals(blocked);
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

static _Noreturn void stay(pid_t command, const sigset_t *blocked) {
    int status = 0;
    while (true) {
        siginfo_t info;
        int signal = (int)SYS(sigwaitinfo(blocked, &info));
        if (signal == SIGCHLD && reap(command, &status)) _exit(status_of(status));
        if (signal > 0 && signal != SIGCHLD) kill(command, signal);
    }
}

/* Children, blocked signals and those that wait stay what they are. */
static void become(const char *program, pid_t command) {
    char number[16], *nothing[] = {NULL};
    snprintf(number, sizeof number, "%d", (int)command);
    char *arguments[] = {(char *)process_name, "--reap", number, NULL};
    execve(program, arguments, nothing);
}

int reaper_run(struct init *init, const struct command *command, const char *program) {
    sigset_t blocked;
    block_signals(&blocked);
    prctl(PR_SET_NAME, process_name, 0, 0, 0);
    pid_t child = (pid_t)SYS(fork());
    if (child < 0) return fail(&init->failure, child, "fork the command \"%s\"", command->path);
    if (child == 0) run_child(init, command);
    /* The child's copy is the last one: the shim sees the exec by its closing. */
    sys_close_range(3, ~0u, 0);
    if (program != NULL) become(program, child);
    stay(child, &blocked);
}

void reaper_resume(const char *command) {
    sigset_t blocked;
    list_signals(&blocked);
    stay((pid_t)strtol(command, NULL, 10), &blocked);
}
