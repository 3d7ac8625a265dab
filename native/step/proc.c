#include "proc.h"

#include <string.h>
#include <sys/statfs.h>

#include "path.h"
#include "scoped.h"
#include "syscalls.h"

static bool is_procfs(int fd) {
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == MAGIC_PROC;
}

static int mount_private(void) {
    scoped_fd fs = sys_fsopen("proc");
    if (fs < 0) return fs;
    int result = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL);
    if (result < 0) return result;
    return sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

/*
 * A user namespace whose /proc is partly covered may not mount a new one (mount_too_revealing in fs/namespace.c);
 * then the container's own is used, under the same checks.
 */
static int proc_root(struct init *init) {
    if (init->proc >= 0) return init->proc;
    scoped_fd fd = mount_private();
    if (fd < 0) {
        int root = init->root >= 0 ? init->root : AT_FDCWD;
        fd = root_open(root, "/proc", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    }
    if (fd < 0) return fd;
    if (!is_procfs(fd)) return -EXDEV;
    return init->proc = take_fd(&fd);
}

static int open_below(int root, const char *path) {
    scoped_fd file = sys_openat2(root, path, O_WRONLY | O_NOFOLLOW, 0,
                                 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
    if (file < 0) return file;
    return is_procfs(file) ? take_fd(&file) : -EXDEV;
}

static int write_once(int file, const char *value) {
    if (file < 0) return file;
    long written = SYS(write(file, value, strlen(value)));
    return written < 0 ? (int)written : 0;
}

int proc_open(struct init *init, const char *path) {
    int root = proc_root(init);
    return root < 0 ? root : open_below(root, path);
}

int proc_write(struct init *init, const char *path, const char *value) {
    scoped_fd file = proc_open(init, path);
    return write_once(file, value);
}

int proc_write_below(int root, const char *path, const char *value) {
    scoped_fd file = open_below(root, path);
    return write_once(file, value);
}
