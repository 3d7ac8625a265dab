#include "runtime.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "init.h"
#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

enum { LOG_BYTES = 16 << 10, WORDS = 200 };

void runtime_read(struct runtime *runtime, const struct plan *plan) {
    struct record record;
    if (!plan_find(plan, OP_RUNTIME, &record)) return;
    runtime->program = take_string(&record.payload);
    runtime->state = take_string(&record.payload);
    runtime->id = take_string(&record.payload);
    runtime->pid_file = take_string(&record.payload);
    runtime->log = take_string(&record.payload);
    runtime->console = take_optional(&record.payload);
    runtime->group = take_optional(&record.payload);
    runtime->seconds = take_u32(&record.payload);
}

int runtime_listen(struct runtime *runtime, struct failure *failure) {
    runtime->made = true;
    if (runtime->console == NULL) return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, runtime->console, strlen(runtime->console) + 1);
    scoped_fd fd = (int)SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int result = fd;
    mode_t mask = umask(0177);
    if (result >= 0) result = (int)SYS(bind(fd, (struct sockaddr *)&address, sizeof address));
    umask(mask);
    if (result >= 0) result = (int)SYS(listen(fd, 1));
    if (result < 0) return fail(failure, result, "listen on \"%s\"", runtime->console);
    runtime->listener = take_fd(&fd);
    return 0;
}

/* The last message of the log, unescaped as far as it matters to a reader; "" for none. */
static const char *last_words(const struct runtime *runtime, char words[WORDS]) {
    static char text[LOG_BYTES + 1];
    words[0] = '\0';
    if (runtime->log == NULL) return words;
    scoped_fd fd = (int)SYS(open(runtime->log, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    long length = fd < 0 ? 0 : SYS(read(fd, text, LOG_BYTES));
    text[length > 0 ? length : 0] = '\0';
    static const char key[] = "\"msg\":\"";
    char *at = NULL;
    for (char *next = text; (next = strstr(next, key)) != NULL; next += sizeof key - 1) at = next + sizeof key - 1;
    size_t used = 0;
    for (; at != NULL && *at != '\0' && *at != '"' && used < WORDS - 1; at++) {
        if (*at == '\\' && at[1] != '\0') at++;
        words[used++] = *at;
    }
    words[used] = '\0';
    return words;
}

/* What runc and crun say of a command that is not there, or is none. */
static int cause(const char *words) {
    if (strstr(words, "not found in $PATH") != NULL || strstr(words, "o such file or directory") != NULL) return ENOENT;
    if (strstr(words, "ermission denied") != NULL) return EACCES;
    return ECANCELED;
}

static int judge(const struct runtime *runtime, const char *verb, int status, struct failure *failure) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    char words[WORDS];
    last_words(runtime, words);
    const char *slash = strrchr(runtime->program, '/');
    const char *name = slash == NULL ? runtime->program : slash + 1;
    if (words[0] != '\0') return fail(failure, cause(words), "%.40s: %s", name, words);
    return fail(failure, ECANCELED, "%.40s %s ended with wait status 0x%x", name, verb, (unsigned)status);
}

/*
 * The wait status of a command, or -ETIMEDOUT: then it has been killed, with what it has put into the container's cgroup.
 * Nobody is served while a command runs, so one that hangs would leave a container that can't even be removed.
 */
static int wait_for(const struct runtime *runtime, pid_t pid) {
    int status = 0, result;
    scoped_fd fd = runtime->seconds == 0 ? -1 : (int)SYS(syscall(SYS_pidfd_open, pid, 0));
    struct pollfd entry = {fd, POLLIN, 0};
    int64_t deadline = monotonic_ms() + (int64_t)runtime->seconds * 1000;
    bool late = false;
    if (fd >= 0) {
        do {
            int64_t left = deadline - monotonic_ms();
            result = left <= 0 ? 0 : (int)SYS(poll(&entry, 1, (int)left));
        } while (result == -EINTR);
        late = result == 0;
    }
    if (late) {
        kill(pid, SIGKILL);
        if (runtime->group != NULL) cgroup_kill(runtime->group);
    }
    do result = (int)SYS(waitpid(pid, &status, 0));
    while (result == -EINTR);
    if (late) return -ETIMEDOUT;
    return result < 0 ? result : status;
}

/* -errno with `failure` set. */
static int not_run(const struct runtime *runtime, const char *verb, int result, struct failure *failure) {
    if (result != -ETIMEDOUT) return fail(failure, result, "execute \"%s\"", runtime->program);
    return fail(failure, ETIMEDOUT, "\"%s %s\" did not end within %u s and was killed", runtime->program, verb, runtime->seconds);
}

int runtime_adopt(const struct runtime *runtime, pid_t first, pid_t *init, struct failure *failure) {
    int status = wait_for(runtime, first);
    if (status < 0) return not_run(runtime, "create", status, failure);
    int result = judge(runtime, "create", status, failure);
    if (result < 0) return result;
    char text[16] = "";
    scoped_fd fd = (int)SYS(open(runtime->pid_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (fd >= 0) SYS(read(fd, text, sizeof text - 1));
    long pid = strtol(text, NULL, 10);
    siginfo_t info;
    /* A number may be anybody's; what we signal has to be a child. */
    result = pid <= 1 || pid > INT_MAX ? -ESRCH : (int)SYS(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT));
    if (result < 0) return fail(failure, ECANCELED, "%s: it says that it has made process \"%s\", which is none of its own", runtime->program, text);
    *init = (pid_t)pid;
    return 0;
}

int runtime_console(struct runtime *runtime) {
    char bytes[4096], control[CMSG_SPACE(sizeof(int))];
    scoped_fd connection = (int)SYS(accept4(runtime->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    drop_fd(&runtime->listener);
    unlink(runtime->console);
    if (connection < 0) return connection;
    struct iovec part = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    long got = SYS(recvmsg(connection, &message, MSG_CMSG_CLOEXEC));
    if (got < 0) return (int)got;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return -EBADMSG;
    int fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

/* Runs it to its end. Its wait status, or -errno. */
static int run(const struct runtime *runtime, const char *verb, const char *option) {
    char *arguments[] = {(char *)runtime->program, "--root", (char *)runtime->state, "--log", (char *)runtime->log,
                         "--log-format", "json", (char *)verb, (char *)(option == NULL ? runtime->id : option),
                         option == NULL ? NULL : (char *)runtime->id, NULL};
    pid_t pid = (pid_t)SYS(fork());
    if (pid == 0) {
        signals_reset();
        SYS(sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC));
        execve(runtime->program, arguments, environ);
        _exit(127);
    }
    return pid < 0 ? pid : wait_for(runtime, pid);
}

int runtime_start(const struct runtime *runtime, struct failure *failure) {
    int status = run(runtime, "start", NULL);
    if (status < 0) return not_run(runtime, "start", status, failure);
    return judge(runtime, "start", status, failure);
}

void runtime_delete(struct runtime *runtime) {
    drop_fd(&runtime->listener);
    if (!runtime->made) return;
    runtime->made = false;
    run(runtime, "delete", "--force");
}
