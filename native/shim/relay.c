#include "relay.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "scoped.h"
#include "syscalls.h"

/* How much is read at the end, when others than the command may still write. */
enum { LAST_BYTES = 1 << 20 };

/* Through /proc it is opened again: O_NONBLOCK on the one that was inherited would be the shell's as well. */
static int open_own(int fd, int flags) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct stat status;
    bool own = fstat(fd, &status) == 0 && (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode));
    int opened = own ? (int)SYS(open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) : -EINVAL;
    return opened >= 0 ? opened : (int)SYS(fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

static void make_raw(struct relay *relay) {
    if (tcgetattr(0, &relay->before) != 0) return;
    struct termios raw = relay->before;
    cfmakeraw(&raw);
    relay->raw = SYS(tcsetattr(0, TCSANOW, &raw)) == 0;
}

void relay_open(struct relay *relay, int master) {
    fcntl(master, F_SETFL, O_NONBLOCK);
    relay->master = master;
    relay->input = open_own(0, O_RDONLY);
    relay->output = open_own(1, O_WRONLY);
    relay->typed.from = relay->input;
    relay->typed.to = relay->shown.from = master;
    relay->shown.to = relay->output;
    make_raw(relay);
    relay_resize(relay);
}

void relay_resize(const struct relay *relay) {
    struct winsize size;
    for (int fd = 0; fd < 3 && relay->master >= 0; fd++) {
        if (ioctl(fd, TIOCGWINSZ, &size) != 0) continue;
        if (size.ws_row > 0 || size.ws_col > 0) ioctl(relay->master, TIOCSWINSZ, &size);
        return;
    }
}

static void fill_flow(const struct flow *flow, struct pollfd polled[2]) {
    bool full = flow->used == sizeof flow->bytes;
    polled[0] = (struct pollfd){.fd = full ? -1 : flow->from, .events = POLLIN};
    polled[1] = (struct pollfd){.fd = flow->used == 0 ? -1 : flow->to, .events = POLLOUT};
}

void relay_fill(const struct relay *relay, struct pollfd polled[RELAY_POLLED]) {
    fill_flow(&relay->typed, polled);
    fill_flow(&relay->shown, polled + 2);
}

/* False when nothing more will come. */
static bool draw(struct flow *flow) {
    long got = SYS(read(flow->from, flow->bytes + flow->used, sizeof flow->bytes - flow->used));
    if (got > 0) flow->used += (size_t)got;
    /* EIO: the last slave of a pty is closed, or we are in the background of our own terminal. */
    if (got == 0 || (got < 0 && got != -EAGAIN)) flow->from = -1;
    return got > 0;
}

static void pour(struct flow *flow) {
    long written = SYS(write(flow->to, flow->bytes, flow->used));
    if (written == -EAGAIN) return;
    /* Nobody reads any more: the container is not held up. */
    if (written < 0) written = (long)flow->used;
    flow->used -= (size_t)written;
    memmove(flow->bytes, flow->bytes + written, flow->used);
}

static void run_flow(struct flow *flow, const struct pollfd polled[2]) {
    if (polled[0].revents != 0) draw(flow);
    if (polled[1].revents != 0 || (polled[0].revents != 0 && flow->used > 0)) pour(flow);
}

void relay_run(struct relay *relay, const struct pollfd polled[RELAY_POLLED]) {
    run_flow(&relay->typed, polled);
    run_flow(&relay->shown, polled + 2);
}

void relay_finish(struct relay *relay) {
    struct flow *shown = &relay->shown;
    if (relay->master < 0) return;
    fcntl(relay->output, F_SETFL, fcntl(relay->output, F_GETFL) & ~O_NONBLOCK);
    for (size_t total = 0; total < LAST_BYTES; total += RELAY_BYTES) {
        bool more = shown->from >= 0 && draw(shown);
        while (shown->used > 0) pour(shown);
        if (!more) break;
    }
}

void relay_close(struct relay *relay) {
    if (relay->raw) SYS(tcsetattr(0, TCSANOW, &relay->before));
    relay->raw = false;
    relay->typed.from = relay->typed.to = relay->shown.from = relay->shown.to = -1;
    drop_fd(&relay->master);
    drop_fd(&relay->input);
    drop_fd(&relay->output);
}
