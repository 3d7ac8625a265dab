/*
 * onggi-shim ID          plan on descriptor 3, lock on 4, what is the init's from 5 up, errors as text on 2
 * onggi-shim --launch ID plan on descriptor 3; see launcher.h
 * onggi-shim --check     plan on descriptor 0: reads and checks it, nothing else
 * onggi-shim --hold ID   a process to be put somewhere: ends with descriptor 0
 * onggi-shim --unshare   a program in a user namespace; see unshare.h
 * onggi-shim --enter     a program in the user namespace of a container; see enter.h
 * onggi-shim --reap PID  the init of a container whose command is a child already; see reaper.h
 * onggi-shim --remove    a tree of files; see remove.h
 * onggi-shim --unpack    makes the entries of a layer; see unpack.h
 *
 * Ends with status 0 once the attach socket listens; what fails after that is told to its clients.
 */
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "enter.h"
#include "init.h"
#include "launcher.h"
#include "reaper.h"
#include "remove.h"
#include "scoped.h"
#include "shim.h"
#include "syscalls.h"
#include "unpack.h"
#include "unshare.h"

enum { ERROR_FD = 2, PLAN_FD = 3, LOCK_FD = 4, BACKLOG = 128 };

static int complain(const struct failure *failure) {
    dprintf(ERROR_FD, "%s: %s\n", failure->text, strerror((int)failure->error));
    return 1;
}

static int check(void) {
    struct failure failure = {0};
    struct plan plan = {0};
    if (plan_load(0, &plan, &failure) < 0) return complain(&failure);
    plan_free(&plan);
    return 0;
}

static int hold(void) {
    char nothing;
    long length;
    signals_reset();
    /* Meant for the command that waits for us. */
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTSTP};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
    do length = SYS(read(0, &nothing, 1));
    while (length > 0 || length == -EINTR);
    return 0;
}

/* The socket is made with its final mode: between bind and chmod anybody could connect. */
static int listen_at(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    scoped_fd fd = (int)SYS(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd < 0) return fd;
    /* One left by a shim that was killed; the lock says that it is nobody's. */
    SYS(unlink(path));
    mode_t mask = umask(0177);
    int result = (int)SYS(bind(fd, (struct sockaddr *)&address, sizeof address));
    umask(mask);
    if (result == 0) result = (int)SYS(listen(fd, BACKLOG));
    return result < 0 ? result : take_fd(&fd);
}

/* What is forwarded to the init; the rest keeps its default. */
static int open_signals(void) {
    static const int forwarded[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
    signals_reset();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a log that outgrows the caller's RLIMIT_FSIZE is a write that fails */
    sigset_t mask;
    sigemptyset(&mask);
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) sigaddset(&mask, forwarded[i]);
    int result = (int)SYS(sigprocmask(SIG_SETMASK, &mask, NULL));
    return result < 0 ? result : (int)SYS(signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK));
}

static int set_up(struct shim *shim, struct failure *failure) {
    int result = plan_load(PLAN_FD, &shim->plan, failure);
    close(PLAN_FD);
    if (result < 0) return result;
    result = options_read(&shim->plan, &shim->options);
    if (result < 0) return fail(failure, result, "read the shim's options");
    const struct options *options = &shim->options;
    sys_close_range(HANDED_FD + handed_over(options), ~0u, 0);
    shim->signals = open_signals();
    if (shim->signals < 0) return fail(failure, shim->signals, "receive signals");
    result = log_open(&shim->log, &options->log);
    if (result < 0) return fail(failure, result, "open the log \"%s\"", options->log.path == NULL ? "" : options->log.path);
    shim->listener = listen_at(options->socket);
    return shim->listener < 0 ? fail(failure, shim->listener, "listen on \"%s\"", options->socket) : 0;
}

/*
 * Out of the caller's session and process group, with init or the next subreaper as parent. The process in between
 * borrows the memory of the first, which waits for it: it only makes a session, forks and ends.
 */
static int detach(struct failure *failure) {
    pid_t first = (pid_t)SYS(vfork());
    if (first < 0) return fail(failure, first, "fork the shim");
    if (first > 0) {
        int status = 0;
        SYS(waitpid(first, &status, 0));
        if (status != 0) return fail(failure, EAGAIN, "fork the shim");
        _exit(0);
    }
    setsid();
    pid_t second = (pid_t)SYS(fork());
    if (second != 0) _exit(second < 0);
    return 0;
}

static int settle(struct failure *failure) {
    int result = detach(failure);
    if (result < 0) return result;
    SYS(dup2(0, ERROR_FD)); /* /dev/null, as 0 and 1 are */
    SYS(chdir("/"));
    prctl(PR_SET_NAME, "onggi-shim", 0, 0, 0);
    /* Not without root: the id maps of a child that can't be dumped belong to root (proc(5)). */
    if (geteuid() == 0) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    result = (int)SYS(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    return result < 0 ? fail(failure, result, "become a subreaper") : 0;
}

/* Field by field: a whole struct assigned would touch the pages of its buffers, which an idle shim never needs. */
static void initialise(struct shim *shim) {
    shim->lock = fcntl(LOCK_FD, F_SETFD, FD_CLOEXEC) == 0 ? LOCK_FD : -1;
    shim->claim = shim->listener = shim->signals = shim->report = shim->hook_runner = shim->runtime.listener = -1;
    log_initialise(&shim->log);
    shim->output.fd = shim->error.fd = shim->sink.fd = -1;
    shim->oom.fd = -1;
    shim->health.check.channel = shim->health.check.output = -1;
    shim->output.frame = FRAME_STDOUT;
    shim->output.flag = HELLO_STDOUT;
    shim->error.error = true;
    shim->error.frame = FRAME_STDERR;
    shim->error.flag = HELLO_STDERR;
}

int main(int count, char **arguments) {
    static struct shim shim;
    if (count == 2 && strcmp(arguments[1], "--check") == 0) return check();
    if (count == 3 && strcmp(arguments[1], "--launch") == 0) launcher_run();
    if (count == 3 && strcmp(arguments[1], "--hold") == 0) return hold();
    if (count > 2 && strcmp(arguments[1], "--unshare") == 0) return unshare_run(count - 2, arguments + 2);
    if (count > 2 && strcmp(arguments[1], "--enter") == 0) return enter_run(count - 2, arguments + 2);
    if (count == 3 && strcmp(arguments[1], "--remove") == 0) return remove_run(arguments[2]);
    if (count == 3 && strcmp(arguments[1], "--reap") == 0) reaper_resume(arguments[2]);
    if (count == 2 && strcmp(arguments[1], "--unpack") == 0) return unpack_run(0, 1, 2);
    if (count != 2) {
        dprintf(ERROR_FD, "usage: onggi-shim ID; it is started by onggi, with a plan on descriptor %d\n", PLAN_FD);
        return 2;
    }
    struct failure failure = {0};
    initialise(&shim);
    if (set_up(&shim, &failure) < 0 || settle(&failure) < 0) return complain(&failure);
    shim_run(&shim);
}
