/* Steps that shape the root file system: entering it, nodes in it, what of it is hidden or read-only. */
#include <string.h>
#include <sys/sysmacros.h>

#include "init.h"
#include "kernel-mount.h"
#include "mount.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

int step_enter_root(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    /* What the keeper has made is held already. */
    if (init->root < 0) init->root = (int)SYS(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    return init->root < 0 ? fail(&init->failure, init->root, "enter the root \"%s\"", path) : 0;
}

int step_mkdir(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    mode_t mode = take_u32(payload);
    uid_t uid = take_u32(payload);
    gid_t gid = take_u32(payload);
    char name[NAME_MAX + 1];
    scoped_fd parent = root_parent(init->root, path, name);
    int result = parent < 0 ? parent : (int)SYS(mkdirat(parent, name, mode));
    if (result == -EEXIST) return 0;
    if (result == 0) result = (int)SYS(fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW));
    return result < 0 ? fail(&init->failure, result, "make the directory \"%s\"", path) : 0;
}

int step_symlink(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    const char *target = take_string(payload);
    char name[NAME_MAX + 1];
    scoped_fd parent = root_parent(init->root, path, name);
    int result = parent < 0 ? parent : (int)SYS(symlinkat(target, parent, name));
    return result < 0 && result != -EEXIST ? fail(&init->failure, result, "make the link \"%s\"", path) : 0;
}

/*
 * A device that is there already must be the one that was asked for. Without the privilege to make nodes (user
 * namespaces) the host's node of the same name is bound in its place, if it is the same device.
 */
static int bind_host_device(struct init *init, const char *path, dev_t device) {
    scoped_fd tree = mount_clone(AT_FDCWD, path, 0);
    if (tree < 0) return tree;
    struct stat status;
    int result = (int)SYS(fstat(tree, &status));
    if (result < 0) return result;
    if (status.st_rdev != device) return -ENODEV;
    scoped_fd target = root_make(init->root, path, 0755, true);
    return target < 0 ? target : sys_move_mount(tree, target);
}

int step_mknod(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    mode_t type = take_u32(payload);
    uint32_t major = take_u32(payload), minor = take_u32(payload);
    mode_t mode = take_u32(payload);
    uid_t uid = take_u32(payload);
    gid_t gid = take_u32(payload);
    dev_t device = S_ISFIFO(type) ? 0 : makedev(major, minor);
    char name[NAME_MAX + 1];
    scoped_fd parent = root_parent(init->root, path, name);
    int result = parent < 0 ? parent : (int)SYS(mknodat(parent, name, type | mode, device));
    if (result == -EPERM && !S_ISFIFO(type)) {
        result = bind_host_device(init, path, device);
    } else if (result == 0) {
        result = (int)SYS(fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW));
    } else if (result == -EEXIST) {
        struct stat status;
        result = (int)SYS(fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW));
        bool same = result == 0 && (status.st_mode & S_IFMT) == type && (S_ISFIFO(type) || status.st_rdev == device);
        if (!same) result = -EEXIST;
    }
    return result < 0 ? fail(&init->failure, result, "make the device \"%s\" %u:%u", path, major, minor) : 0;
}

int step_pivot_root(struct init *init, struct cursor *payload) {
    (void)payload;
    scoped_fd old_root = (int)SYS(open("/", O_DIRECTORY | O_RDONLY | O_CLOEXEC));
    int result = old_root < 0 ? old_root : (int)SYS(fchdir(init->root));
    /* pivot_root(2), "pivot_root(".", ".")": the old root ends up over the new one and is taken off again. */
    if (result == 0) result = sys_pivot_root(".", ".");
    if (result == 0) result = (int)SYS(fchdir(old_root));
    /* Taking it off must not reach the mounts it was copied from. */
    if (result == 0) result = sys_mount(NULL, ".", NULL, MS_SLAVE | MS_REC, NULL);
    if (result == 0) result = sys_umount(".", UMOUNT_DETACH);
    if (result == 0) result = (int)SYS(chdir("/"));
    if (result < 0) return fail(&init->failure, result, "pivot into the new root");
    drop_fd(&init->root);
    init->root = (int)SYS(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (init->root < 0) return fail(&init->failure, init->root, "open the new root");
    stdio_reopen(init);
    return 0;
}

int step_root_attributes(struct init *init, struct cursor *payload) {
    uint64_t set = take_u64(payload), clear = take_u64(payload);
    int result = mount_change(init->root, set, clear, 0, 0);
    return result < 0 ? fail(&init->failure, result, "set the attributes of the root") : 0;
}

/* The container's /dev/null, which must be the null device and nothing that an image put there (CVE-2025-31133). */
static int null_device(struct init *init) {
    if (init->null_device >= 0) return init->null_device;
    scoped_fd fd = root_open(init->root, "/dev/null", O_PATH, RESOLVE_NO_SYMLINKS);
    if (fd < 0) return fail(&init->failure, fd, "open /dev/null");
    struct stat status;
    int result = (int)SYS(fstat(fd, &status));
    if (result == 0 && (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))) result = -EPERM;
    if (result < 0) return fail(&init->failure, result, "use /dev/null: it is not the null device");
    return init->null_device = take_fd(&fd);
}

/* One tmpfs for all masked directories; the first is a mount of its own, the others are copies of it. */
static int mask_directory(struct init *init) {
    if (init->mask_directory >= 0) return mount_clone(init->mask_directory, "", 0);
    scoped_fd mount = mount_new("tmpfs", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                "mode=0755,nr_blocks=1,nr_inodes=1", &init->failure);
    if (mount < 0) return mount;
    init->mask_directory = (int)SYS(fcntl(mount, F_DUPFD_CLOEXEC, 0));
    return init->mask_directory < 0 ? init->mask_directory : take_fd(&mount);
}

int step_mask(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    scoped_fd target = kernel_path_open(init, path);
    if (target == -ENOENT || target == -ENOTDIR) return 0;
    struct stat status;
    int result = target < 0 ? target : (int)SYS(fstat(target, &status));
    if (result < 0) return fail(&init->failure, result, "mask \"%s\": open it", path);
    scoped_fd cover = -1;
    if (S_ISDIR(status.st_mode)) {
        cover = mask_directory(init);
    } else {
        int null = null_device(init);
        cover = null < 0 ? null : mount_clone(null, "", 0);
    }
    result = cover < 0 ? cover : sys_move_mount(cover, target);
    return result < 0 ? fail(&init->failure, result, "mask \"%s\"", path) : 0;
}

int step_readonly(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    scoped_fd target = kernel_path_open(init, path);
    if (target == -ENOENT || target == -ENOTDIR) return 0;
    scoped_fd tree = target < 0 ? target : mount_clone(target, "", 1);
    int result = tree < 0 ? tree : mount_change(tree, MOUNT_ATTR_RDONLY, 0, 0, 1);
    if (result == 0) result = sys_move_mount(tree, target);
    return result < 0 ? fail(&init->failure, result, "make \"%s\" read-only", path) : 0;
}
