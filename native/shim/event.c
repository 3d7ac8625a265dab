#include "event.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

/* Twice the length at which commands put the log aside: what happens over and over must not fill the disk while none comes. */
enum { LOG_MAX = 8 << 20 };

/* Labels may be long; longer ones are left out by whoever writes the file. */
enum { TAIL_MAX = 256 << 10 };

static void append(const char *log, const char *action, const char *more, const char *tail, size_t length) {
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

/* The tail as it is since a change of name; 0: there was none. */
static size_t read_tail(const char *exit_file, char *tail) {
    const char *name = strrchr(exit_file, '/');
    char path[PATH_MAX];
    if (name == NULL || snprintf(path, sizeof path, "%.*s/event", (int)(name - exit_file), exit_file) >= (int)sizeof path) return 0;
    scoped_fd fd = (int)SYS(open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    long length = fd < 0 ? 0 : SYS(read(fd, tail, TAIL_MAX));
    return length < 0 ? 0 : (size_t)length;
}

void event_tell(const struct options *options, const char *action, const char *more) {
    if (options->events == NULL) return;
    char *changed = options->exit_file[0] == '\0' ? NULL : malloc(TAIL_MAX);
    size_t length = changed == NULL ? 0 : read_tail(options->exit_file, changed);
    if (length > 0) append(options->events, action, more, changed, length);
    else append(options->events, action, more, options->event_tail, strlen(options->event_tail));
    free(changed);
}
