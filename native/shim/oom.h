/* Whether the kernel killed something of a container for want of memory, and whose limit it was. */
#ifndef ONGGI_OOM_H
#define ONGGI_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* A look-out for it while the container runs: one descriptor, by which nothing happens until something is killed. */
struct oom_watch {
    int fd; /* v2: memory.events, POLLPRI; v1: an eventfd; -1: none */
    bool counts; /* fd is a file with a counter */
    uint64_t kills; /* counted so far */
    bool struck;
};

/* What there is no watch for is told in the end only. */
void oom_watch_open(struct oom_watch *watch, uint32_t version, const char *directory);
/* Whether something has been killed since the last time, or since it was opened. */
bool oom_watch_read(struct oom_watch *watch);

/* EXIT_OOM_CGROUP, EXIT_OOM_HOST or 0. `version` 0 is no cgroup to ask; read before the cgroup is removed. */
uint32_t oom_read(uint32_t version, const char *directory);

#endif
