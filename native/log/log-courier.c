#include "log-courier.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "log-connection.h"
#include "log.h"
#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

/*
 * A server that is away: tried again after a second. Entries for Fluentd wait for it as in Docker, but not for ever;
 * others are dropped meanwhile. At the end of the container there are ten seconds, Docker's loggerCloseTimeout.
 */
enum { AGAIN_MS = 1000, HOLD_MS = 10000, CLOSE_MS = 10000 };

struct courier {
    const struct log_config *config;
    int pipe;
    struct log_connection connection;
    int64_t away_since; /* 0: it is not */
    int64_t try_at;
    int64_t deadline; /* 0: the container still writes */
    char text[LOG_LINE_MAX];
    char message[LOG_ENTRY_MAX];
};

size_t log_format_frame(char *out, const struct log_entry *entry) {
    uint32_t length = (uint32_t)entry->length;
    memcpy(out, &length, 4);
    out[4] = entry->error;
    out[5] = entry->whole;
    out[6] = out[7] = 0;
    memcpy(out + 8, &entry->ns, 8);
    memcpy(out + FRAME_HEAD, entry->text, length);
    return FRAME_HEAD + length;
}

size_t log_frame_length(const char *head) {
    uint32_t length;
    memcpy(&length, head, 4);
    return FRAME_HEAD + length;
}

/* False at the end of the pipe. */
static bool read_fully(int fd, char *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        long got = SYS(read(fd, bytes + done, length - done));
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

/* Whether the time is over that there is for the last entries. */
static bool is_over(struct courier *courier) {
    struct pollfd polled = {.fd = courier->pipe};
    if (courier->deadline == 0 && poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0)
        courier->deadline = monotonic_ms() + CLOSE_MS;
    return courier->deadline != 0 && monotonic_ms() >= courier->deadline;
}

static int send_once(struct courier *courier, size_t length) {
    struct log_connection *connection = &courier->connection;
    int result = connection->fd < 0 ? log_connect(connection) : 0;
    if (result < 0) return result;
    return courier->config->driver == LOG_GELF ? log_send_gelf(connection, courier->message, length)
                                               : log_send(connection, courier->message, length);
}

/* Twice: a connection that was closed meanwhile is noticed by the first. */
static bool send_twice(struct courier *courier, size_t length) {
    int result = send_once(courier, length);
    if (result < 0 && result != -EMSGSIZE) result = send_once(courier, length);
    courier->away_since = result == 0 ? 0 : courier->away_since != 0 ? courier->away_since : monotonic_ms();
    courier->try_at = result == 0 ? 0 : monotonic_ms() + AGAIN_MS;
    return result == 0;
}

static void deliver(struct courier *courier, size_t length) {
    bool holds = courier->config->driver == LOG_FLUENTD;
    while (!is_over(courier)) {
        int64_t now = monotonic_ms();
        if (courier->try_at <= now && send_twice(courier, length)) return;
        if (!holds || now - courier->away_since >= HOLD_MS) return;
        poll(NULL, 0, AGAIN_MS / 10);
    }
}

static log_formatter *formatter(enum log_driver driver) {
    switch (driver) {
    case LOG_JOURNALD: return log_format_journald;
    case LOG_SYSLOG: return log_format_syslog;
    case LOG_FLUENTD: return log_format_fluentd;
    default: return log_format_gelf;
    }
}

/* False at the end. */
static bool take(struct courier *courier, struct log_entry *entry, char time[TIMESTAMP_SIZE]) {
    char head[FRAME_HEAD];
    if (!read_fully(courier->pipe, head, sizeof head)) return false;
    size_t length = log_frame_length(head) - FRAME_HEAD;
    if (length > sizeof courier->text || !read_fully(courier->pipe, courier->text, length)) return false;
    *entry = (struct log_entry){.error = head[4] != 0, .whole = head[5] != 0, .text = courier->text, .length = length};
    memcpy(&entry->ns, head + 8, 8);
    timestamp_text(entry->ns, time);
    entry->time = time;
    entry->config = courier->config;
    return true;
}

static void run_file(struct courier *courier) {
    static struct log file;
    struct log_config direct = *courier->config;
    direct.buffer = 0;
    struct log_entry entry;
    char time[TIMESTAMP_SIZE];
    int more = 0;
    log_initialise(&file);
    if (log_open(&file, &direct) < 0) return;
    while (take(courier, &entry, time)) {
        log_add(&file, &entry);
        if (ioctl(courier->pipe, FIONREAD, &more) != 0 || more == 0) log_flush(&file);
    }
    log_flush(&file);
}

static void run_messages(struct courier *courier) {
    log_formatter *format = formatter(courier->config->driver);
    struct log_entry entry;
    char time[TIMESTAMP_SIZE];
    while (take(courier, &entry, time)) deliver(courier, format(courier->message, &entry));
}

/* Lock, listener and clients are the shim's alone. */
static _Noreturn void run(const struct log_config *config, int pipe) {
    static struct courier courier;
    prctl(PR_SET_NAME, "onggi-log", 0, 0, 0);
    courier.config = config;
    courier.pipe = dup2(pipe, 3);
    courier.connection = (struct log_connection){.config = config, .fd = -1};
    sys_close_range(4, ~0u, 0);
    if (config->path != NULL) run_file(&courier);
    else run_messages(&courier);
    _exit(0);
}

pid_t courier_start(const struct log_config *config, int *pipe) {
    int pair[2];
    int result = (int)SYS(pipe2(pair, O_CLOEXEC));
    if (result < 0) return result;
    pid_t pid = (pid_t)SYS(fork());
    if (pid == 0) run(config, pair[0]);
    close(pair[0]);
    if (pid < 0) return close(pair[1]), pid;
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    *pipe = pair[1];
    return pid;
}
