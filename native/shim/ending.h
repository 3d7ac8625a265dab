/* How a container ended: the record on disk and the EXIT frame say the same. */
#ifndef ONGGI_ENDING_H
#define ONGGI_ENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "failure.h"

struct sender {
    uint32_t pid, uid, signal; /* signal 0: nobody has sent one */
};

struct ending {
    uint32_t exit_code; /* 128 + signal when one killed it */
    uint32_t signal;
    uint32_t flags; /* enum exit_flag */
    struct sender sender;
    uint64_t started_at, finished_at; /* ns since the epoch; 0: never */
    struct failure failure;           /* error 0: none */
};

/*
 * Writes the record as one line of JSON beside `path`, syncs it, renames it into place and syncs the directory.
 * After that it outlives a power cut, if it is `synced`. 0 or -errno.
 */
int ending_write(const char *path, const struct ending *ending, bool synced);

#endif
