/*
 * Log files in the format of Docker's json-file driver, one object a line:
 *
 *   {"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.123456789Z"}
 *
 * Text that does not end in a newline is part of a line whose rest follows. Rotation renames PATH to PATH.1, PATH.1
 * to PATH.2 and so on. Memory is fixed: entries are collected and written when the caller says so or when they fill
 * the buffer.
 */
#ifndef ONGGI_LOG_H
#define ONGGI_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 16384u /* bytes of one entry's text, as Docker's */

struct log {
    int fd;              /* -1: no log */
    const char *path;
    uint64_t size;       /* of the file, once the buffer is written */
    uint64_t complete;   /* of the file, up to its last whole entry */
    uint64_t max;        /* a file at least this long is rotated before the next entry; 0: never */
    uint32_t files;
    bool broken;         /* a write failed within the present entry: its rest is dropped */
    size_t used;
    char buffer[32768];
};

/* Opens or creates the file (mode 0640), appending. 0 or -errno. */
int log_open(struct log *log, const char *path, uint64_t max, uint32_t files);

/* Adds an entry of at most LOG_LINE_MAX bytes, stamped with the present time. */
void log_entry(struct log *log, const char *stream, const char *text, size_t length);

/*
 * Writes what is collected. A full disk costs entries, never half an entry and never the container: what could not
 * be written is cut off again and dropped.
 */
void log_flush(struct log *log);

/* Length of the longest prefix that does not end within a UTF-8 sequence; 0 only for 0. */
size_t log_boundary(const char *text, size_t length);

#endif
