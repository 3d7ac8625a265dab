/*
 * The log of a container: lines of its output, with stream and time, on their way into a file or to the courier
 * (log-courier.h). Memory is bounded: entries are collected and handed on when the caller says so.
 */
#ifndef ONGGI_LOG_H
#define ONGGI_LOG_H

#include <sys/types.h>

#include "log-file.h"
#include "log-format.h"

enum { LOG_BATCH = 128 << 10 };

struct log {
    const struct log_config *config;
    log_formatter *format;
    /* for a file: */
    struct log_file file;
    log_whole *whole;
    size_t used;
    /* for the courier: frames from `sent` to `queued` of the queue are still to be written to the pipe */
    pid_t courier;
    int pipe;
    uint32_t deaths;
    char *queue;
    size_t capacity, sent, queued, frame; /* `frame`: where the frame begins that `sent` is in */
    char buffer[LOG_BATCH + LOG_ENTRY_MAX];
};

/* Before anything else; all zero already. */
void log_initialise(struct log *log);

/* Opens the log, of which the configuration must outlive it. 0 or -errno. */
int log_open(struct log *log, const struct log_config *config);

/* Whether anything is logged at all. */
bool log_is_open(const struct log *log);

/*
 * Adds what there is of lines, with the present time: all whole ones, and of the last one as many pieces as are too
 * long for an entry. Returns how many bytes that was; `seen` of them are known to have no newline.
 */
size_t log_lines(struct log *log, bool error, const char *text, size_t length, size_t seen);

/* Adds a piece of at most LOG_LINE_MAX bytes without a newline. */
void log_piece(struct log *log, bool error, const char *text, size_t length);

/* Adds an entry; its configuration becomes that of the log. */
void log_add(struct log *log, struct log_entry *entry);

/* Hands on what is collected, as far as that is possible without waiting. */
void log_flush(struct log *log);

/* Whether there is room for what one read gives; where there is not, the container has to wait. */
bool log_has_room(const struct log *log);

/* To be polled for writing; -1 for nothing. When it is ready: log_flush. */
int log_waits_for(const struct log *log);

/* A child has ended. */
void log_reaped(struct log *log, pid_t pid);

/* The last of it: waits up to ten seconds for the courier to take what is left. */
void log_close(struct log *log);

#endif
