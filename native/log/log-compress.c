#include "log-compress.h"

#include <limits.h>
#include <stdio.h>

#include "deflate.h"
#include "scoped.h"
#include "syscalls.h"

static int write_all(int fd, const uint8_t *bytes, size_t length) {
    while (length > 0) {
        long written = SYS(write(fd, bytes, length));
        if (written <= 0) return written < 0 ? (int)written : -EIO;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

/* A whole block, but at the end of the file. */
static long read_block(int fd, uint8_t *bytes) {
    size_t used = 0;
    while (used < DEFLATE_BLOCK) {
        long got = SYS(read(fd, bytes + used, DEFLATE_BLOCK - used));
        if (got < 0) return got;
        if (got == 0) break;
        used += (size_t)got;
    }
    return (long)used;
}

static int compress_to(int from, uint64_t identity, int to) {
    static uint8_t bytes[DEFLATE_BLOCK], out[DEFLATE_BOUND(DEFLATE_BLOCK) + 32];
    struct deflate state;
    deflate_begin(&state);
    int result = write_all(to, out, gzip_header(out, &identity));
    for (bool last = false; result == 0 && !last;) {
        long length = read_block(from, bytes);
        if (length < 0) return (int)length;
        last = (size_t)length < DEFLATE_BLOCK;
        result = write_all(to, out, deflate_block(&state, bytes, (size_t)length, last, out));
    }
    return result < 0 ? result : write_all(to, out, gzip_trailer(&state, out));
}

int compress_file(const char *path, const char *target) {
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.new", target) >= (int)sizeof temporary) return -ENAMETOOLONG;
    scoped_fd from = (int)SYS(open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (from < 0) return from;
    struct stat status;
    int result = (int)SYS(fstat(from, &status));
    if (result < 0) return result;
    scoped_fd to = (int)SYS(open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (to < 0) return to;
    result = compress_to(from, status.st_ino, to);
    if (result == 0) result = (int)SYS(rename(temporary, target));
    if (result == 0) return (int)SYS(unlink(path));
    SYS(unlink(temporary));
    return result;
}
