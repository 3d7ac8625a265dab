#include "kernel-mount.h"

#include <string.h>

#include "path.h"
#include "scoped.h"
#include "syscalls.h"

static const char *const places[KERNEL_MOUNTS] = {"/proc", "/sys"};

static bool is_place(const char *path, const char *place) {
    size_t length = strlen(place);
    return strncmp(path, place, length) == 0 && path[length + strspn(path + length, "/")] == '\0';
}

int kernel_mount_keep(struct init *init, int mount, const char *path) {
    for (int i = 0; i < KERNEL_MOUNTS; i++) {
        if (!is_place(path, places[i])) continue;
        int kept = (int)SYS(fcntl(mount, F_DUPFD_CLOEXEC, 0));
        if (kept < 0) return kept;
        drop_fd(&init->kernel_mounts[i]);
        init->kernel_mounts[i] = kept;
    }
    return 0;
}

/* 1, 0 or -errno. */
static int is_same(int first, int second) {
    struct stat one, other;
    int result = (int)SYS(fstat(first, &one));
    if (result == 0) result = (int)SYS(fstat(second, &other));
    return result < 0 ? result : one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int kernel_mount_is_proc(const struct init *init, int target) {
    scoped_fd place = root_open(init->root, places[0], O_PATH, RESOLVE_NO_SYMLINKS);
    return place < 0 ? 0 : is_same(place, target);
}

int kernel_path_open(const struct init *init, const char *path) {
    for (int i = 0; i < KERNEL_MOUNTS; i++) {
        size_t length = strlen(places[i]);
        if (init->kernel_mounts[i] < 0 || strncmp(path, places[i], length) != 0 || path[length] != '/') continue;
        return root_open(init->kernel_mounts[i], path + length, O_PATH, 0);
    }
    return root_open(init->root, path, O_PATH, 0);
}

int kernel_mounts_check(struct init *init) {
    for (int i = 0; i < KERNEL_MOUNTS; i++) {
        if (init->kernel_mounts[i] < 0) continue;
        scoped_fd place = root_open(init->root, places[i], O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
        int result = place < 0 ? place : is_same(place, init->kernel_mounts[i]);
        if (result < 0) return fail(&init->failure, result, "look at the container's \"%s\"", places[i]);
        if (result == 0) return fail(&init->failure, ESTALE, "\"%s\" is not what was mounted there", places[i]);
    }
    return 0;
}
