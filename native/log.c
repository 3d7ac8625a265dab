#include "log.h"

#include <string.h>

#include "timestamp.h"

int log_open(struct log *log, const char *path, uint64_t max, uint32_t files) {
    log->format = log_format_json;
    log->whole = log_whole_lines;
    log->used = 0;
    return log_file_open(&log->file, path, max, files);
}

bool log_is_open(const struct log *log) {
    return log->file.fd >= 0;
}

void log_flush(struct log *log) {
    if (log->used > 0) log_file_append(&log->file, log->buffer, log->used, log->whole);
    log->used = 0;
}

static void add(struct log *log, const struct log_entry *entry) {
    struct log_file *file = &log->file;
    if (file->max > 0 && file->size + log->used >= file->max) {
        log_flush(log);
        log_file_rotate(file);
    }
    log->used += log->format(log->buffer + log->used, entry);
    if (log->used >= LOG_BATCH) log_flush(log);
}

/* One time for all that came at once: they are as old as one another. */
static void begin(struct log_entry *entry, bool error, char time[TIMESTAMP_SIZE]) {
    uint64_t ns = timestamp_ns();
    timestamp_text(ns, time);
    *entry = (struct log_entry){.error = error, .time = time, .ns = ns, .extra = ""};
}

/* The pieces of a line that is too long for one entry, but for the last; how many bytes they are. */
static size_t add_pieces(struct log *log, struct log_entry *entry, const char *text, size_t length, size_t left) {
    size_t done = 0;
    entry->whole = false;
    while (length - done > left) {
        entry->text = text + done;
        entry->length = log_boundary(entry->text, LOG_LINE_MAX);
        add(log, entry);
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
        add(log, &entry);
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
    add(log, &entry);
}
