#include "keeper-root.h"

#include <limits.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "apart.h"
#include "mount.h"
#include "overlay.h"
#include "scoped.h"
#include "syscalls.h"

static int map_ids(int tree, const char *path, int namespace, struct failure *failure) {
    if (namespace < 0) return 0;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    int result = sys_mount_setattr(tree, 0, &attributes);
    if (result == 0) return 0;
    return fail(failure, result, "map the ids of \"%s\": its file system may not allow it", path);
}

/* A directory covered by itself with its ids mapped, so that what is named below it by path is found mapped. */
static int cover(const char *path, int namespace, struct failure *failure) {
    if (namespace < 0) return 0;
    scoped_fd tree = mount_clone(AT_FDCWD, path, 0);
    if (tree < 0) return fail(failure, tree, "open \"%s\"", path);
    int result = map_ids(tree, path, namespace, failure);
    if (result < 0) return result;
    scoped_fd place = (int)SYS(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    result = place < 0 ? place : sys_move_mount(tree, place);
    return result < 0 ? fail(failure, result, "cover \"%s\"", path) : 0;
}

/*
 * Overlayfs makes its own directories as who has mounted it: that must be an owner that the mapped mount knows. Root of the
 * container, as whom the work directory appears there. All capabilities stay (capabilities(7), SECBIT_NO_SETUID_FIXUP).
 */
static int become_owner(const char *work) {
    struct stat status;
    int result = (int)SYS(stat(work, &status));
    if (result == 0) result = (int)SYS(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
    if (result < 0) return result;
    /* They tell no failure but by what the next call finds. */
    SYS(syscall(SYS_setfsgid, status.st_gid));
    SYS(syscall(SYS_setfsuid, status.st_uid));
    return syscall(SYS_setfsuid, -1) == (long)status.st_uid ? 0 : -EPERM;
}

/* Before Linux 6.15 overlayfs takes layers of mounts in its mount namespace only: this is one that nobody else has. */
static int make_overlay(const struct overlay *overlay, int namespace, struct failure *failure) {
    int result = sys_unshare(CLONE_NEWNS);
    if (result == 0) result = sys_mount("", "/", "", MS_REC | MS_SLAVE, "");
    if (result < 0) return fail(failure, result, "make a mount namespace");
    result = cover(overlay->directory, namespace, failure);
    if (result == 0 && overlay->upper != NULL) {
        char above[PATH_MAX];
        const char *slash = strrchr(overlay->upper, '/');
        size_t length = slash == NULL ? 0 : (size_t)(slash - overlay->upper);
        if (length == 0 || length >= sizeof above) return fail(failure, EINVAL, "upper directory \"%s\"", overlay->upper);
        memcpy(above, overlay->upper, length);
        above[length] = '\0';
        result = cover(above, namespace, failure);
        if (result == 0 && namespace >= 0 && (result = become_owner(overlay->work)) < 0)
            return fail(failure, result, "become the owner of \"%s\"", overlay->work);
    }
    if (result == 0) result = overlay_mount(overlay, failure);
    if (result < 0) return result;
    int tree = mount_clone(AT_FDCWD, overlay->target, 0);
    return tree < 0 ? fail(failure, tree, "open \"%s\"", overlay->target) : tree;
}

struct making {
    struct overlay overlay;
    int namespace;
};

static int make_apart(const void *request, struct failure *failure) {
    const struct making *making = request;
    return make_overlay(&making->overlay, making->namespace, failure);
}

int keeper_overlay(struct cursor payload, int namespace, struct failure *failure) {
    struct making making = {.namespace = namespace};
    overlay_read(&payload, &making.overlay);
    return apart_open(make_apart, &making, "mount the root with mapped ids", failure);
}

int keeper_bind(struct cursor payload, int namespace, struct failure *failure) {
    const char *source = take_string(&payload);
    scoped_fd tree = mount_clone(AT_FDCWD, source, 0);
    if (tree < 0) return fail(failure, tree, "open the root file system \"%s\"", source);
    int result = map_ids(tree, source, namespace, failure);
    return result < 0 ? result : take_fd(&tree);
}
