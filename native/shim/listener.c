#include "listener.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "message.h"
#include "scoped.h"
#include "syscalls.h"

enum { COURIER_STACK = 16384, AGENT_SECONDS = 10, NOT_YET = -1, NEVER = -2, PID_MARK = 1 };

/* Shared by the init and its courier, who live in the same memory. */
struct courier {
    int report;
    int listener; /* NOT_YET, NEVER or the descriptor */
    int result;
    int alive; /* set to 0 by the kernel when the courier ends, however it ends (CLONE_CHILD_CLEARTID) */
};

static int courier_run(void *argument) {
    struct courier *courier = argument;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    int listener;
    /* The init can't wake anybody: a futex is a system call too. */
    while ((listener = __atomic_load_n(&courier->listener, __ATOMIC_ACQUIRE)) == NOT_YET)
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    if (listener == NEVER) _exit(0);
    int result = message_send(courier->report, MESSAGE_LISTENER, NULL, listener);
    struct message message;
    if (result == 0) result = message_receive(courier->report, &message, NULL, 0);
    if (result == 1) result = message.type == MESSAGE_DELIVERED ? 0 : -EBADMSG;
    else if (result == 0) result = -EPIPE; /* the shim is gone */
    /* Descriptors are shared, and only this process may close one without asking anybody. */
    close(listener);
    courier->result = result;
    _exit(0);
}

int listener_install(struct init *init, int (*load)(void *filter), void *filter) {
    static char stack[COURIER_STACK] __attribute__((aligned(16)));
    static struct courier courier;
    courier = (struct courier){.report = init->report, .listener = NOT_YET, .result = -ESRCH, .alive = 1};
    if (!init->attached) {
        init_await(init, MESSAGE_ATTACHED);
        init->attached = true;
    }
    /* Reaped by the kernel: wait(2) is a call that an agent may be asked about. The exec undoes this. */
    struct sigaction unwaited = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &unwaited, NULL);
    int flags = CLONE_VM | CLONE_FILES | CLONE_CHILD_CLEARTID | SIGCHLD;
    pid_t pid = (pid_t)SYS(clone(courier_run, stack + sizeof stack, flags, &courier, NULL, NULL, &courier.alive));
    if (pid < 0) return pid;
    int listener = load(filter);
    __atomic_store_n(&courier.listener, listener < 0 ? NEVER : listener, __ATOMIC_RELEASE);
    while (__atomic_load_n(&courier.alive, __ATOMIC_ACQUIRE) != 0) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    return listener < 0 ? listener : courier.result;
}

/* The state with the pid wherever the plan has left it open. */
static char *state_for(const char *pattern, pid_t pid) {
    size_t marks = 0;
    for (const char *at = pattern; *at != '\0'; at++) marks += *at == PID_MARK;
    size_t size = strlen(pattern) + marks * 12 + 1;
    char *text = malloc(size);
    if (text == NULL) return NULL;
    char *end = text;
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at == PID_MARK) end += snprintf(end, size - (size_t)(end - text), "%d", (int)pid);
        else *end++ = *at;
    }
    *end = '\0';
    return text;
}

/* A path of any length, through the directory's descriptor: sun_path has room for 107 bytes. */
static int connect_to(const char *path) {
    scoped_fd agent = (int)SYS(open(path, O_PATH | O_CLOEXEC));
    if (agent < 0) return agent;
    scoped_fd connection = (int)SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connection < 0) return connection;
    /* For connect(2) as well, which waits while the agent's queue is full. */
    struct timeval limit = {.tv_sec = AGENT_SECONDS};
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", agent);
    int result = (int)SYS(connect(connection, (struct sockaddr *)&address, sizeof address));
    return result < 0 ? result : take_fd(&connection);
}

/* The descriptor goes with the first byte; a stream may take the rest piece by piece. */
static int send_state(int connection, const char *state, int listener) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))}};
    memcpy(CMSG_DATA(&control.header), &listener, sizeof listener);
    size_t left = strlen(state);
    while (left > 0) {
        struct iovec part = {(void *)(uintptr_t)state, left};
        struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
        if (listener >= 0) {
            header.msg_control = control.bytes;
            header.msg_controllen = sizeof control.bytes;
        }
        long sent = SYS(sendmsg(connection, &header, MSG_NOSIGNAL));
        if (sent < 0) return (int)sent;
        listener = -1;
        state += sent;
        left -= (size_t)sent;
    }
    return 0;
}

int listener_deliver(const struct plan *plan, pid_t init, int listener, struct failure *failure) {
    struct record record;
    if (listener < 0 || !plan_find(plan, OP_SECCOMP, &record)) return fail(failure, EBADMSG, "no listener to deliver");
    take_u32(&record.payload);
    take_blob(&record.payload);
    take_string(&record.payload);
    const char *path = take_optional(&record.payload);
    char *state = state_for(take_string(&record.payload), init);
    if (path == NULL || state == NULL) return free(state), fail(failure, ENOMEM, "make the state for the seccomp agent");
    scoped_fd connection = connect_to(path);
    int result = connection < 0 ? connection : send_state(connection, state, listener);
    free(state);
    if (result == 0) return 0;
    /* What a send with a time limit says when it is over. */
    if (result == -EAGAIN) result = -ETIMEDOUT;
    return fail(failure, result, "send the container's state to the seccomp agent at \"%s\"", path);
}
