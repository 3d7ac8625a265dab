/*
 * Variables that free what they hold when they go out of scope, so that every early return is a correct one.
 * `take_fd` hands ownership over.
 */
#ifndef ONGGI_SCOPED_H
#define ONGGI_SCOPED_H

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

static inline void close_scoped_fd(const int *fd) {
    if (*fd < 0) return;
    int saved = errno;
    close(*fd);
    errno = saved;
}

static inline void close_scoped_directory(DIR **directory) {
    if (*directory != NULL) closedir(*directory);
}

#define scoped_fd __attribute__((cleanup(close_scoped_fd))) int
#define scoped_directory __attribute__((cleanup(close_scoped_directory))) DIR *

static inline int take_fd(int *fd) {
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Closes a long-lived descriptor and marks it closed. */
static inline void drop_fd(int *fd) {
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

#endif
