/* The poll loop. */
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shim.h"
#include "syscalls.h"
#include "timestamp.h"

enum { SIGNALS, REPORT, HOOKS, LISTENER, OUTPUT, ERROR, SINK, LOG, CHECK, CHECK_OUTPUT, OOM, FIRST_CLIENT, POLLED = FIRST_CLIENT + CLIENTS_MAX };

/* How long nothing happens before a shim counts as idle. */
enum { SETTLED_MS = 1000 };

static short stream_events(const struct stream *stream) {
    return stream->blocked ? 0 : POLLIN;
}

static bool any_stalled(const struct shim *shim) {
    for (size_t i = 0; i < shim->client_count; i++) {
        if (shim->clients[i]->stalled) return true;
    }
    return false;
}

/* A blocked stream or a stalled client is left out altogether: poll reports hang-ups of whatever it is given. */
static void fill(const struct shim *shim, struct pollfd polled[POLLED]) {
    polled[SIGNALS] = (struct pollfd){.fd = shim->signals, .events = POLLIN};
    polled[REPORT] = (struct pollfd){.fd = shim->report, .events = POLLIN};
    polled[HOOKS] = (struct pollfd){.fd = shim->hook_runner, .events = POLLIN};
    polled[LISTENER] = (struct pollfd){.fd = shim->listener, .events = POLLIN};
    polled[OUTPUT] = (struct pollfd){.fd = shim->output.blocked ? -1 : shim->output.fd, .events = stream_events(&shim->output)};
    polled[ERROR] = (struct pollfd){.fd = shim->error.blocked ? -1 : shim->error.fd, .events = stream_events(&shim->error)};
    polled[SINK] = (struct pollfd){.fd = any_stalled(shim) ? shim->sink.fd : -1, .events = POLLOUT};
    polled[CHECK] = (struct pollfd){.fd = shim->health.check.channel, .events = POLLIN};
    polled[CHECK_OUTPUT] = (struct pollfd){.fd = shim->health.check.output, .events = POLLIN};
    polled[OOM] = (struct pollfd){.fd = shim->oom.fd, .events = shim->oom.counts ? POLLPRI : POLLIN};
    polled[LOG] = (struct pollfd){.fd = log_waits_for(&shim->log), .events = POLLOUT};
    for (size_t i = 0; i < shim->client_count; i++) {
        const struct client *client = shim->clients[i];
        short events = (short)((client->stalled ? 0 : POLLIN) | (client->output_used > 0 ? POLLOUT : 0));
        polled[FIRST_CLIENT + i] = (struct pollfd){.fd = client->hung_up && client->stalled ? -1 : client->fd, .events = events};
    }
}

static void take_signals(struct shim *shim) {
    struct signalfd_siginfo info;
    while (SYS(read(shim->signals, &info, sizeof info)) == (long)sizeof info) {
        if (info.ssi_signo == SIGCHLD) continue; /* signals merge: children are reaped until there are none */
        struct sender sender = {info.ssi_pid, info.ssi_uid, info.ssi_signo};
        lifecycle_signal(shim, &sender);
    }
    lifecycle_reap(shim);
}

static void serve_client(struct shim *shim, struct client *client, short events) {
    if ((events & POLLOUT) != 0) client_flush(client);
    if ((events & (POLLHUP | POLLERR)) != 0) client_hang_up(client);
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !client->stalled) server_input(shim, client);
}

/* The list changes when clients go: those that were polled are remembered first. */
static void serve_clients(struct shim *shim, const struct pollfd polled[POLLED], size_t count) {
    struct client *clients[CLIENTS_MAX];
    memcpy(clients, shim->clients, sizeof clients);
    for (size_t i = 0; i < count; i++) {
        if (polled[FIRST_CLIENT + i].revents == 0) continue;
        for (size_t j = 0; j < shim->client_count; j++) {
            if (shim->clients[j] != clients[i]) continue;
            serve_client(shim, clients[i], polled[FIRST_CLIENT + i].revents);
            break;
        }
    }
}

/* Those that are dropped on the way are replaced by the last of the list, which has had its turn. */
static void resume_stalled(struct shim *shim) {
    for (size_t i = shim->client_count; i > 0; i--) {
        if (i > shim->client_count || !shim->clients[i - 1]->stalled) continue;
        shim->clients[i - 1]->stalled = false;
        server_input(shim, shim->clients[i - 1]);
    }
}

static int timeout(const struct shim *shim) {
    int64_t due = health_due(shim);
    if (due == 0 || (shim->deadline != 0 && shim->deadline < due)) due = shim->deadline;
    if (due == 0) return -1;
    int64_t left = due - monotonic_ms();
    return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void serve(struct shim *shim, const struct pollfd polled[POLLED], size_t clients) {
    if (polled[SIGNALS].revents != 0) take_signals(shim);
    if (polled[REPORT].revents != 0) lifecycle_report(shim);
    if (polled[HOOKS].revents != 0) lifecycle_hooks(shim);
    if (polled[OUTPUT].revents != 0) stream_read(shim, &shim->output);
    if (polled[ERROR].revents != 0) stream_read(shim, &shim->error);
    if (polled[SINK].revents != 0) resume_stalled(shim);
    if (polled[CHECK].revents != 0 || polled[CHECK_OUTPUT].revents != 0) health_listen(shim);
    if (polled[OOM].revents != 0) lifecycle_oom(shim);
    if (polled[LOG].revents != 0) log_flush(&shim->log);
    serve_clients(shim, polled, clients);
    if (polled[LISTENER].revents != 0) server_accept(shim);
    server_end_input(shim);
}

/* Room in a client's buffer, or its leaving, unblocks the streams: the next read finds out. */
static void unblock(struct shim *shim) {
    if (shim->output.blocked) stream_read(shim, &shim->output);
    if (shim->error.blocked) stream_read(shim, &shim->error);
}

/*
 * Lets go of the pages of its own program: most of it was for the start and comes back from the page cache if it is ever
 * needed again. A shim that waits for months holds a hundred kilobytes less.
 */
static void let_go_of_code(void) {
    extern const char __executable_start[], etext[];
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)__executable_start & ~(page - 1), end = ((uintptr_t)etext + page - 1) & ~(page - 1);
    /* Best effort. */
    madvise((void *)start, end - start, MADV_DONTNEED);
}

void loop_run(struct shim *shim) {
    bool idle = false;
    while (!lifecycle_advance(shim)) {
        struct pollfd polled[POLLED];
        if (shim->sink.closed) resume_stalled(shim); /* nothing to wait for any more: the bytes are dropped */
        health_turn(shim);
        size_t clients = shim->client_count;
        fill(shim, polled);
        int limit = timeout(shim);
        bool settles = !idle && shim->state == STATE_RUNNING && (limit < 0 || limit > SETTLED_MS);
        long ready = SYS(poll(polled, FIRST_CLIENT + clients, settles ? SETTLED_MS : limit));
        if (ready == 0 && settles) let_go_of_code();
        idle = ready == 0 && (settles || idle);
        if (ready <= 0) continue;
        serve(shim, polled, clients);
        unblock(shim);
    }
}
