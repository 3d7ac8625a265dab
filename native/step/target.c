#include "target.h"

#include <string.h>
#include <sys/statfs.h>

#include "kernel-mount.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

enum { PROC_ROOT_INODE = 1 };

/* Files of procfs that lxcfs and the like replace; the rest of /proc stays as the kernel made it (CVE-2019-16884). */
static const char *const proc_targets[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",  "/proc/stat",
    "/proc/swaps",   "/proc/uptime",    "/proc/loadavg",  "/proc/slabinfo",
    "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",      "/proc/sys/crypto/fips_enabled",
};

static bool on_procfs(int fd) {
    struct statfs status;
    return fstatfs(fd, &status) == 0 && status.f_type == MAGIC_PROC;
}

static bool is_procfs(int mount) {
    struct stat status;
    return on_procfs(mount) && fstat(mount, &status) == 0 && status.st_ino == PROC_ROOT_INODE;
}

/*
 * Nothing may be put over /proc or parts of it: security modules and runtimes read and write there. A procfs may
 * replace the whole.
 */
static int check_target(struct init *init, const char *path, int target, int mount) {
    if (!on_procfs(target)) {
        int proc = kernel_mount_is_proc(init, target);
        if (proc <= 0 || is_procfs(mount)) return proc < 0 ? proc : 0;
        return fail(&init->failure, EPERM, "mount on \"%s\": only a procfs may be there", path);
    }
    if (is_procfs(target) && is_procfs(mount)) return 0;
    for (size_t i = 0; i < sizeof proc_targets / sizeof proc_targets[0]; i++) {
        if (strcmp(path, proc_targets[i]) == 0) return 0;
    }
    return fail(&init->failure, EPERM, "mount on \"%s\": nothing may cover parts of /proc", path);
}

/*
 * The mount point as a descriptor, made when missing. procfs and sysfs are put nowhere but where the path says: a
 * symbolic link there would give other parts of the container a /proc of the attacker's choice (CVE-2019-19921,
 * CVE-2023-27561, CVE-2023-28642).
 */
static int open_target(const struct init *init, const char *path, bool file, bool strict) {
    if (!strict) return root_make(init->root, path, 0755, file);
    int fd = root_open(init->root, path, O_PATH, RESOLVE_NO_SYMLINKS);
    if (fd != -ENOENT) return fd;
    scoped_fd made = root_make(init->root, path, 0755, file);
    if (made < 0) return made;
    return root_open(init->root, path, O_PATH, RESOLVE_NO_SYMLINKS);
}

/* Of a directory on a file the kernel only says EINVAL. */
static int place(int mount, int target) {
    int result = sys_move_mount(mount, target);
    struct stat what, where;
    if (result != -EINVAL || fstat(mount, &what) != 0 || fstat(target, &where) != 0) return result;
    if (S_ISDIR(what.st_mode) == S_ISDIR(where.st_mode)) return result;
    return S_ISDIR(what.st_mode) ? -ENOTDIR : -EISDIR;
}

int target_place(struct init *init, int mount, const char *path, bool file, bool strict) {
    scoped_fd target = open_target(init, path, file, strict);
    if (target < 0) return target;
    int result = check_target(init, path, target, mount);
    if (result == 0) result = place(mount, target);
    return result < 0 ? result : kernel_mount_keep(init, mount, path);
}
