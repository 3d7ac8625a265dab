#include "claim.h"

#include <limits.h>
#include <string.h>

#include "alive.h"
#include "scoped.h"
#include "syscalls.h"

int claim_alive(const char *socket, pid_t pid, uint64_t start_time) {
    static const char name[] = "../locks/alive"; /* layout.ts has both */
    char path[PATH_MAX];
    const char *slash = strrchr(socket, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - socket) + 1;
    if (length + sizeof name > sizeof path) return -ENAMETOOLONG;
    memcpy(path, socket, length);
    memcpy(path + length, name, sizeof name);
    scoped_fd fd = (int)SYS(open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd < 0) return fd;
    struct flock byte = alive_byte(F_WRLCK, pid, start_time);
    int result = (int)SYS(fcntl(fd, F_OFD_SETLK, &byte));
    return result < 0 ? result : take_fd(&fd);
}
