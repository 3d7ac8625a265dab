#include "log.h"

#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "log-courier.h"
#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

/* One read of 64 KiB is at worst as many empty lines, each with its head. */
enum { READ_ROOM = (64 << 10) * FRAME_HEAD + LOG_ENTRY_MAX, QUEUE_BYTES = 4 << 20, QUEUE_KEPT = 64 << 10 };
/* A courier that dies this often has a reason that lasts. */
enum { DEATHS_MAX = 8, CLOSE_MS = 10000 };

void log_initialise(struct log *log) {
    log->file.fd = log->pipe = -1;
}

static log_formatter *file_formatter(enum log_driver driver) {
    if (driver == LOG_LOCAL) return log_format_local;
    return driver == LOG_K8S_FILE ? log_format_k8s : log_format_json;
}

static int open_queue(struct log *log) {
    log->capacity = log->config->buffer == 0 ? QUEUE_BYTES : log->config->buffer + LOG_ENTRY_MAX;
    void *memory = mmap(NULL, log->capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return -errno;
    log->queue = memory;
    return 0;
}

int log_open(struct log *log, const struct log_config *config) {
    log->config = config;
    if (config->driver == LOG_NONE) return 0;
    log->whole = config->driver == LOG_LOCAL ? log_whole_records : log_whole_lines;
    log->format = log_config_direct(config) ? file_formatter(config->driver) : log_format_frame;
    if (!log_config_direct(config)) return open_queue(log);
    return log_file_open(&log->file, config);
}

bool log_is_open(const struct log *log) {
    return log->file.fd >= 0 || log->queue != NULL;
}

static void close_queue(struct log *log) {
    drop_fd(&log->pipe);
    munmap(log->queue, log->capacity);
    log->queue = NULL;
}

/* The frame that it was reading goes to the next one, as a whole. */
static void courier_died(struct log *log) {
    drop_fd(&log->pipe);
    log->courier = 0;
    log->sent = log->frame;
    log->deaths++;
}

static void write_queue(struct log *log) {
    while (log->pipe >= 0 && log->sent < log->queued) {
        long written = SYS(write(log->pipe, log->queue + log->sent, log->queued - log->sent));
        if (written == -EAGAIN) break;
        if (written <= 0) return courier_died(log);
        log->sent += (size_t)written;
        while (log->frame < log->sent && log->frame + log_frame_length(log->queue + log->frame) <= log->sent)
            log->frame += log_frame_length(log->queue + log->frame);
    }
    if (log->sent < log->queued) return;
    /* An idle container gives the pages back that its last burst took. */
    if (log->queued > QUEUE_KEPT) madvise(log->queue, log->capacity, MADV_DONTNEED);
    log->sent = log->queued = log->frame = 0;
}

static void flush_queue(struct log *log) {
    while (log->queue != NULL && log->sent < log->queued) {
        if (log->pipe < 0 && log->deaths > DEATHS_MAX) return close_queue(log);
        if (log->pipe < 0) log->courier = courier_start(log->config, &log->pipe);
        if (log->courier < 0) return close_queue(log);
        write_queue(log);
        if (log->pipe >= 0) return;
    }
}

void log_flush(struct log *log) {
    flush_queue(log);
    if (log->used > 0) log_file_append(&log->file, log->buffer, log->used, log->whole);
    log->used = 0;
}

static void add_to_file(struct log *log, const struct log_entry *entry) {
    struct log_file *file = &log->file;
    if (file->config->max > 0 && file->size + log->used >= file->config->max) {
        log_flush(log);
        log_file_rotate(file);
    }
    log->used += log->format(log->buffer + log->used, entry);
    if (log->used >= LOG_BATCH) log_flush(log);
}

/* As in Docker, one that does not fit is dropped, and into an empty queue everything fits. */
static void add_to_queue(struct log *log, const struct log_entry *entry) {
    size_t waiting = log->queued - log->frame, limit = log->config->buffer;
    if (log->queue == NULL) return;
    if (limit > 0 && waiting > 0 && waiting + FRAME_HEAD + entry->length > limit) return;
    if (log->capacity - log->queued < FRAME_HEAD + entry->length) {
        memmove(log->queue, log->queue + log->frame, waiting);
        log->queued = waiting;
        log->sent -= log->frame;
        log->frame = 0;
    }
    if (log->capacity - log->queued < FRAME_HEAD + entry->length) return;
    log->queued += log->format(log->queue + log->queued, entry);
}

void log_add(struct log *log, struct log_entry *entry) {
    entry->config = log->config;
    if (log->file.fd >= 0) add_to_file(log, entry);
    else add_to_queue(log, entry);
}

/* One time for all that came at once: they are as old as one another. */
static void begin(struct log_entry *entry, bool error, char time[TIMESTAMP_SIZE]) {
    uint64_t ns = timestamp_ns();
    timestamp_text(ns, time);
    *entry = (struct log_entry){.error = error, .time = time, .ns = ns};
}

/* The pieces of a line that is too long for one entry, but for the last; how many bytes they are. */
static size_t add_pieces(struct log *log, struct log_entry *entry, const char *text, size_t length, size_t left) {
    size_t done = 0;
    entry->whole = false;
    while (length - done > left) {
        entry->text = text + done;
        entry->length = log_boundary(entry->text, LOG_LINE_MAX);
        log_add(log, entry);
        done += entry->length;
    }
    return done;
}

size_t log_lines(struct log *log, bool error, const char *text, size_t length, size_t seen) {
    char time[TIMESTAMP_SIZE];
    struct log_entry entry;
    begin(&entry, error, time);
    size_t start = 0;
    const char *newline;
    while ((newline = memchr(text + seen, '\n', length - seen)) != NULL) {
        size_t end = (size_t)(newline - text);
        start += add_pieces(log, &entry, text + start, end - start, LOG_LINE_MAX);
        entry.text = text + start;
        entry.length = end - start;
        entry.whole = true;
        log_add(log, &entry);
        start = seen = end + 1;
    }
    return start + add_pieces(log, &entry, text + start, length - start, LOG_LINE_MAX - 1);
}

void log_piece(struct log *log, bool error, const char *text, size_t length) {
    char time[TIMESTAMP_SIZE];
    struct log_entry entry;
    begin(&entry, error, time);
    entry.text = text;
    entry.length = length;
    log_add(log, &entry);
}

bool log_has_room(const struct log *log) {
    return log->queue == NULL || log->config->buffer > 0 || log->capacity - (log->queued - log->frame) >= READ_ROOM;
}

int log_waits_for(const struct log *log) {
    return log->queue != NULL && log->sent < log->queued ? log->pipe : -1;
}

void log_reaped(struct log *log, pid_t pid) {
    log_file_reaped(&log->file, pid);
    if (pid != log->courier || log->queue == NULL) return;
    courier_died(log);
    flush_queue(log);
}

void log_close(struct log *log) {
    log_flush(log);
    int64_t deadline = monotonic_ms() + CLOSE_MS;
    for (int64_t left = CLOSE_MS; left > 0 && log_waits_for(log) >= 0; left = deadline - monotonic_ms()) {
        struct pollfd polled = {.fd = log->pipe, .events = POLLOUT};
        poll(&polled, 1, (int)left);
        log_flush(log);
    }
    drop_fd(&log->pipe);
}
