/*
 * A file of a log, and those that it was before. Rotation renames PATH to PATH.1, PATH.1 to PATH.2 and so on.
 */
#ifndef ONGGI_LOG_FILE_H
#define ONGGI_LOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_file {
    int fd; /* -1: none */
    const char *path;
    uint64_t size; /* up to its last whole entry */
    uint64_t max;  /* a file at least this long is rotated before the next entry; 0: never */
    uint32_t files;
};

/* Length of the longest beginning that is whole entries. */
typedef size_t log_whole(const char *bytes, size_t length);

/* Opens or creates the file (mode 0640), appending. 0 or -errno. */
int log_file_open(struct log_file *file, const char *path, uint64_t max, uint32_t files);

void log_file_rotate(struct log_file *file);

/*
 * Appends whole entries. A full disk costs entries, never half an entry and never the container: what could not be
 * written is cut off again and dropped.
 */
void log_file_append(struct log_file *file, const char *bytes, size_t length, log_whole *whole);

/* Of entries that end in a newline and have no other. */
log_whole log_whole_lines;

#endif
