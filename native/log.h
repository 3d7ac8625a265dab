/*
 * The log of a container: lines of its output, with stream and time, on their way into a file. Memory is fixed: entries
 * are collected and written when the caller says so or when they fill the buffer.
 */
#ifndef ONGGI_LOG_H
#define ONGGI_LOG_H

#include "log-file.h"
#include "log-format.h"

enum { LOG_BATCH = 128 << 10 };

struct log {
    struct log_file file;
    log_formatter *format;
    log_whole *whole;
    size_t used;
    char buffer[LOG_BATCH + LOG_ENTRY_MAX];
};

/* Opens or creates the file (mode 0640), appending. 0 or -errno. */
int log_open(struct log *log, const char *path, uint64_t max, uint32_t files);

/* Whether anything is logged at all. */
bool log_is_open(const struct log *log);

/*
 * Adds what there is of lines, with the present time: all whole ones, and of the last one as many pieces as are too
 * long for an entry. Returns how many bytes that was; `seen` of them are known to have no newline.
 */
size_t log_lines(struct log *log, bool error, const char *text, size_t length, size_t seen);

/* Adds a piece of at most LOG_LINE_MAX bytes without a newline. */
void log_piece(struct log *log, bool error, const char *text, size_t length);

/* Writes what is collected. */
void log_flush(struct log *log);

#endif
