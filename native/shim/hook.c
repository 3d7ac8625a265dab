#include "hook.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "init.h"
#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

/* What is told of the output of a hook that failed: its end, where the reason stands. */
enum { TAIL = 240 };

static const char *const kinds[] = {"prestart", "createRuntime", "createContainer", "startContainer"};

struct hook {
    const char *kind, *path, *before, *after;
    char **arguments, **environment;
    uint32_t index, seconds;
    int directory;
};

/* A hook under way. */
struct run {
    pid_t pid;
    int status;
    int input, output; /* our ends; -1 when done with */
    char *state;
    size_t left; /* of the state, from its end */
    size_t length;
    char tail[TAIL];
    size_t used;
};

/* Only to be interrupted by. */
static void note_child(int signal) {
    (void)signal;
}

static bool take_hook(struct cursor *payload, struct hook *hook) {
    hook->kind = kinds[take_u32(payload)];
    hook->index = take_u32(payload);
    hook->path = take_string(payload);
    hook->arguments = take_vector(payload);
    hook->environment = take_vector(payload);
    hook->seconds = take_u32(payload);
    hook->before = take_string(payload);
    hook->after = take_string(payload);
    return hook->arguments != NULL && hook->environment != NULL;
}

/*
 * In the memory of the parent, which waits for the exec: its errno is handed over there. A session of its own keeps
 * the hook off the terminal, and makes it and what it starts one group to kill.
 */
static _Noreturn void execute(const struct hook *hook, int input, int output, volatile int *error) {
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    setsid();
    signals_reset();
    bool placed = dup2(input, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2;
    if (placed && hook->directory >= 0) placed = fchdir(hook->directory) == 0;
    if (placed) {
        sys_close_range(3, ~0u, 0);
        execve(hook->path, hook->arguments, hook->environment);
    }
    *error = errno;
    _exit(127);
}

static int start(const struct hook *hook, struct run *run) {
    int input[2], output[2];
    int result = (int)SYS(pipe2(input, O_CLOEXEC));
    if (result < 0) return result;
    scoped_fd reads = input[0];
    run->input = input[1];
    result = (int)SYS(pipe2(output, O_CLOEXEC));
    if (result < 0) return result;
    scoped_fd writes = output[1];
    run->output = output[0];
    fcntl(run->input, F_SETFL, O_NONBLOCK);
    fcntl(run->output, F_SETFL, O_NONBLOCK);
    volatile int error = 0;
    run->pid = (pid_t)SYS(vfork());
    if (run->pid == 0) execute(hook, reads, writes, &error);
    if (run->pid < 0) return run->pid;
    if (error == 0) return 0;
    SYS(waitpid(run->pid, NULL, 0));
    return -error;
}

static void feed(struct run *run) {
    long written = SYS(write(run->input, run->state + run->length - run->left, run->left));
    if (written == -EAGAIN) return;
    /* A hook need not read it. */
    run->left = written < 0 ? 0 : run->left - (size_t)written;
    if (run->left == 0) drop_fd(&run->input);
}

static void keep_tail(struct run *run, const char *text, size_t length) {
    if (length > TAIL) {
        text += length - TAIL;
        length = TAIL;
    }
    size_t kept = run->used < TAIL - length ? run->used : TAIL - length;
    memmove(run->tail, run->tail + run->used - kept, kept);
    memcpy(run->tail + kept, text, length);
    run->used = kept + length;
}

static void listen_to(struct run *run) {
    char text[4096];
    long got;
    while (run->output >= 0 && (got = SYS(read(run->output, text, sizeof text))) != -EAGAIN) {
        if (got <= 0) drop_fd(&run->output);
        else keep_tail(run, text, (size_t)got);
    }
}

static int put_down(struct run *run) {
    kill(-run->pid, SIGKILL);
    return (int)SYS(waitpid(run->pid, &run->status, 0));
}

/* 0 when it has ended by itself, -ETIMEDOUT or -ECANCELED after having put it down. */
static int wait_for(const struct hook *hook, struct run *run, int cancel, const sigset_t *waiting) {
    int64_t deadline = hook->seconds == 0 ? 0 : monotonic_ms() + (int64_t)hook->seconds * 1000;
    while ((pid_t)SYS(waitpid(run->pid, &run->status, WNOHANG)) == 0) {
        int64_t rest = deadline - monotonic_ms();
        if (deadline != 0 && rest <= 0) return put_down(run), -ETIMEDOUT;
        struct timespec timeout = {.tv_sec = rest / 1000, .tv_nsec = rest % 1000 * 1000000};
        struct pollfd polled[] = {
            {.fd = run->output, .events = POLLIN},
            {.fd = run->input, .events = POLLOUT},
            {.fd = cancel, .events = 0},
        };
        /* SIGCHLD is blocked but here: an end before the call interrupts it at once. */
        if (ppoll(polled, 3, deadline == 0 ? NULL : &timeout, waiting) < 0) continue;
        if (polled[0].revents != 0) listen_to(run);
        if (polled[1].revents != 0) feed(run);
        if (polled[2].revents != 0) return put_down(run), -ECANCELED;
    }
    return 0;
}

/* Control characters out, one line, without the space around it. */
static const char *tail_text(struct run *run, char text[TAIL + 3]) {
    size_t start = 0, end = run->used;
    for (size_t i = 0; i < run->used; i++) {
        unsigned char byte = (unsigned char)run->tail[i];
        if (byte < 0x20 || byte == 0x7f) run->tail[i] = ' ';
    }
    while (start < end && run->tail[start] == ' ') start++;
    while (end > start && run->tail[end - 1] == ' ') end--;
    if (start == end) return "";
    snprintf(text, TAIL + 3, ": %.*s", (int)(end - start), run->tail + start);
    return text;
}

static int judge(const struct hook *hook, struct run *run, int result, struct failure *failure) {
    char tail[TAIL + 3], name[200];
    listen_to(run);
    snprintf(name, sizeof name, "hooks.%s[%u] \"%.120s\"", hook->kind, hook->index, hook->path);
    if (result == -ETIMEDOUT)
        return fail(failure, ETIMEDOUT, "%s did not end within %u s%s", name, hook->seconds, tail_text(run, tail));
    if (result < 0) return fail(failure, ECANCELED, "%s was given up", name);
    if (WIFSIGNALED(run->status))
        return fail(failure, ECANCELED, "%s was killed by signal %d%s", name, WTERMSIG(run->status), tail_text(run, tail));
    int status = WEXITSTATUS(run->status);
    return status == 0 ? 0 : fail(failure, ECANCELED, "%s exited with status %d%s", name, status, tail_text(run, tail));
}

static int run_hook(const struct hook *hook, pid_t pid, int cancel, const sigset_t *waiting, struct failure *failure) {
    struct run run = {.input = -1, .output = -1};
    size_t size = strlen(hook->before) + strlen(hook->after) + 16;
    run.state = malloc(size);
    if (run.state == NULL) return fail(failure, ENOMEM, "allocate the state for a hook");
    run.length = run.left = (size_t)snprintf(run.state, size, "%s%d%s", hook->before, (int)pid, hook->after);
    int result = start(hook, &run);
    if (result < 0) result = fail(failure, result, "execute hooks.%s[%u] \"%.200s\"", hook->kind, hook->index, hook->path);
    else result = judge(hook, &run, wait_for(hook, &run, cancel, waiting), failure);
    drop_fd(&run.input);
    drop_fd(&run.output);
    free(run.state);
    return result;
}

int hook_run(struct cursor *payload, pid_t pid, int directory, int cancel, struct failure *failure) {
    struct hook hook = {.directory = directory};
    if (!take_hook(payload, &hook)) return fail(failure, ENOMEM, "allocate the arguments of a hook");
    struct sigaction interrupts = {.sa_handler = note_child}, ignores = {.sa_handler = SIG_IGN}, child, pipe;
    sigset_t blocked, before, waiting;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    waiting = before;
    sigdelset(&waiting, SIGCHLD);
    sigaction(SIGCHLD, &interrupts, &child);
    sigaction(SIGPIPE, &ignores, &pipe);
    int result = run_hook(&hook, pid, cancel, &waiting, failure);
    sigaction(SIGCHLD, &child, NULL);
    sigaction(SIGPIPE, &pipe, NULL);
    /* To whoever waits by a signalfd: it may have been another child's signal that was taken here. */
    if (sigismember(&before, SIGCHLD)) kill(getpid(), SIGCHLD);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(hook.arguments);
    free(hook.environment);
    return result;
}
