/*
 * A file of a log, and those that it was before. Rotation renames PATH to PATH.1, PATH.1 to PATH.2 and so on; with
 * compression a process of its own makes PATH.1.gz of PATH.1 then.
 */
#ifndef ONGGI_LOG_FILE_H
#define ONGGI_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "log-config.h"

struct log_file {
    int fd; /* -1: none */
    const struct log_config *config;
    uint64_t size;    /* up to its last whole entry */
    pid_t compressor; /* 0: none */
};

/* Length of the longest beginning that is whole entries. */
typedef size_t log_whole(const char *bytes, size_t length);

/* Opens or creates the file (mode 0640), appending. 0 or -errno. */
int log_file_open(struct log_file *file, const struct log_config *config);

void log_file_rotate(struct log_file *file);

/*
 * Appends whole entries. A full disk costs entries, never half an entry and never the container: what could not be
 * written is cut off again and dropped.
 */
void log_file_append(struct log_file *file, const char *bytes, size_t length, log_whole *whole);

/* A child has ended. */
void log_file_reaped(struct log_file *file, pid_t pid);

/* Of entries that end in a newline and have no other; of those between their lengths (log_format_local). */
log_whole log_whole_lines;
log_whole log_whole_records;

#endif
