/*
 * One check. Its launcher enters the container as for any exec; it and the command are killed when the time is up. What
 * the command prints is read to its end or to that of the command, whichever comes first, and kept up to a limit: a
 * flood costs what output of the container costs, a child that keeps the pipe open costs nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "frame.h"
#include "health.h"
#include "launcher.h"
#include "scoped.h"
#include "spawn.h"
#include "syscalls.h"
#include "timestamp.h"

/* Of the launcher (launcher.h), and where they are out of the way before they get there. */
enum { LAUNCHER_FDS = 6, SPARE_FD = 64 };

/* A launcher with nothing of the shim's open: no lock, no log, no client. */
static _Noreturn void launch(const int sources[LAUNCHER_FDS]) {
    int spare[LAUNCHER_FDS];
    bool placed = true;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    for (int i = 0; i < LAUNCHER_FDS; i++) {
        spare[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, SPARE_FD);
        placed &= spare[i] >= 0;
    }
    for (int i = 0; i < LAUNCHER_FDS && placed; i++) placed = dup2(spare[i], i) == i;
    sys_close_range(LAUNCHER_FDS, ~0u, 0);
    if (placed) launcher_run();
    _exit(127);
}

int check_start(struct check *check, const struct health_options *options) {
    char path[PATH_MAX];
    int channel[2], output[2];
    if (snprintf(path, sizeof path, "%s/plan", options->directory) >= (int)sizeof path) return -ENAMETOOLONG;
    scoped_fd plan = (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
    if (plan < 0) return plan;
    scoped_fd null = (int)SYS(open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0) return null;
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel));
    if (result < 0) return result;
    scoped_fd ours = channel[0], theirs = channel[1];
    result = (int)SYS(pipe2(output, O_CLOEXEC));
    if (result < 0) return result;
    scoped_fd reads = output[0], writes = output[1];
    fcntl(reads, F_SETFL, O_NONBLOCK);
    const int sources[LAUNCHER_FDS] = {null, writes, writes, plan, theirs, null};
    check->pid = 0;
    check->used = 0;
    check->cut = false;
    check->began = timestamp_ns();
    check->deadline = options->timeout == 0 ? 0 : monotonic_ms() + (int64_t)options->timeout;
    pid_t launcher = (pid_t)SYS(fork());
    if (launcher < 0) return launcher;
    if (launcher == 0) launch(sources);
    check->launcher = launcher;
    check->channel = take_fd(&ours);
    check->output = take_fd(&reads);
    return 0;
}

enum { READS_PER_TURN = 16 };

static void read_output(struct check *check) {
    char more[4096];
    for (int turn = 0; turn < READS_PER_TURN && check->output >= 0; turn++) {
        size_t room = HEALTH_TEXT - check->used;
        long got = room > 0 ? SYS(read(check->output, check->text + check->used, room)) : SYS(read(check->output, more, sizeof more));
        if (got == -EAGAIN) return;
        if (got <= 0) return drop_fd(&check->output);
        if (room > 0) check->used += (size_t)got;
        else check->cut = true;
    }
}

/* The launcher is reaped with all other children. */
static void close_check(struct check *check) {
    drop_fd(&check->channel);
    drop_fd(&check->output);
    check->launcher = 0;
}

static bool end_check(struct check *check, struct result *result, int32_t code, const char *reason) {
    read_output(check);
    close_check(check);
    *result = (struct result){code, reason};
    return true;
}

bool check_listen(struct check *check, struct result *result, char *reason, size_t size) {
    unsigned char frame[FRAME_HEADER + FAILURE_BYTES + 1];
    const unsigned char *payload = frame + FRAME_HEADER;
    read_output(check);
    while (true) {
        long length = SYS(recv(check->channel, frame, sizeof frame - 1, MSG_DONTWAIT));
        if (length == -EAGAIN) return false;
        if (length < FRAME_HEADER) return end_check(check, result, -1, "the process that ran the check was killed");
        frame[length] = '\0';
        if (frame[0] == FRAME_STATUS && length == FRAME_HEADER + STATUS_BYTES) {
            check->pid = (pid_t)frame_u32(payload + 4);
            check->start_time = process_start_time(check->pid);
        }
        if (frame[0] == FRAME_EXIT && length == FRAME_HEADER + EXIT_BYTES) return end_check(check, result, (int32_t)frame_u32(payload), "");
        if (frame[0] != FRAME_FAIL || length < FRAME_HEADER + 12) continue;
        snprintf(reason, size, "%s: %s", (const char *)payload + 12, strerror((int)frame_u32(payload + 8)));
        return end_check(check, result, -1, reason);
    }
}

void check_put_down(struct check *check) {
    if (check->launcher == 0) return;
    read_output(check);
    /* The init of an exec leads a session: what it has started and not let go of is in its process group. */
    if (check->pid > 0 && check->start_time != 0 && process_start_time(check->pid) == check->start_time) kill(-check->pid, SIGKILL);
    kill(check->launcher, SIGKILL);
    close_check(check);
}
