#include "start-fifo.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "scoped.h"
#include "syscalls.h"

static bool reply_path(const char *path, char reply[PATH_MAX]) {
    return snprintf(reply, PATH_MAX, "%s.reply", path) < PATH_MAX;
}

/* Open for both directions a fifo never waits for, or ends with, somebody at its other side (fifo(7)). */
static int make_fifo(const char *path) {
    int result = (int)SYS(mknod(path, S_IFIFO | 0600, 0));
    return result < 0 ? result : (int)SYS(open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC));
}

int start_fifos_make(const char *path, int *start, int *reply, struct failure *failure) {
    char reply_name[PATH_MAX];
    if (!reply_path(path, reply_name)) return fail(failure, ENAMETOOLONG, "make the fifo \"%s\"", path);
    *start = make_fifo(path);
    if (*start < 0) return fail(failure, *start, "make the fifo \"%s\"", path);
    /* The starter sees the end of file, so the init must hold no other end than this. */
    scoped_fd both = make_fifo(reply_name);
    *reply = both < 0 ? both : (int)SYS(open(reply_name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
    return *reply < 0 ? fail(failure, *reply, "make the fifo \"%s\"", reply_name) : 0;
}

void start_fifos_remove(const char *path) {
    char reply_name[PATH_MAX];
    unlink(path);
    if (reply_path(path, reply_name)) unlink(reply_name);
}
