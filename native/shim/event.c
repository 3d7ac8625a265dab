#include "event.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

/* Twice the length at which commands put the log aside: what happens over and over must not fill the disk while none comes. */
enum { LOG_MAX = 8 << 20 };

void event_tell(const char *log, const char *action, const char *more, const char *tail, size_t length) {
    if (length == 0 || tail[length - 1] != '\n') return;
    char head[240];
    int size = snprintf(head, sizeof head, "{\"time\":\"%llu\",\"type\":\"container\",\"action\":\"%s\",%s",
                        (unsigned long long)timestamp_ns(), action, more);
    if (size < 0 || (size_t)size >= sizeof head) return;
    scoped_fd fd = (int)SYS(open(log, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0 || status.st_size >= LOG_MAX) return;
    /* By one write, so that it is one line beside those of others. */
    struct iovec parts[] = {{head, (size_t)size}, {(char *)tail, length}};
    SYS(writev(fd, parts, 2));
}
