/*
 * How a shim says that the first process of its container lives: by a lock on a byte of the store's file RUN/locks/alive
 * (fcntl(2), open file description locks), a byte for each process that ever was. The kernel takes the
 * lock back when the shim ends, however it ends. Whoever looks at many containers asks for their bytes, without opening
 * anything of each.
 */
#ifndef ONGGI_ALIVE_H
#define ONGGI_ALIVE_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/types.h>

/* Pids have 22 bits at most (proc(5), pid_max); what is left holds the clock ticks of 690 years of uptime. */
enum { ALIVE_PID_BITS = 22 };

/* @type: F_WRLCK to claim, F_RDLCK to ask. The length stays one byte. */
static inline struct flock alive_byte(short type, pid_t pid, uint64_t start_time) {
    uint64_t offset = (start_time << ALIVE_PID_BITS | (uint64_t)pid) & INT64_MAX;
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1};
}

#endif
