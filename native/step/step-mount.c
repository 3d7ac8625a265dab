/* Steps that mount file systems and change mounts, on descriptors below the root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "copy.h"
#include "init.h"
#include "mount.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"
#include "target.h"

/* Up from `path` to the root of the mount that it lies in. */
static int find_mount(char *path) {
    while (true) {
        int root = sys_is_mount_root(path);
        if (root != 0 || strcmp(path, "/") == 0) return root < 0 ? root : 0;
        char *slash = strrchr(path, '/');
        if (slash == NULL) return -EINVAL;
        slash[slash == path ? 1 : 0] = '\0';
    }
}

int step_propagation(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    uint32_t flags = take_u32(payload);
    bool of_holder = take_bool(payload);
    char holder[PATH_MAX];
    int result = 0;
    if (of_holder) {
        /* As it is written, links and all, would be another way up. */
        result = realpath(path, holder) == NULL ? -errno : find_mount(holder);
    }
    if (result == 0) result = sys_mount(NULL, of_holder ? holder : path, NULL, flags, NULL);
    return result < 0 ? fail(&init->failure, result, "set the propagation of \"%s\"", path) : 0;
}

/* OP_MOUNT */
struct mount {
    const char *type, *source, *target, *data;
    uint32_t flags;
    bool optional, copy_up;
};

/*
 * The directory that a tmpfs is about to cover passes its mode on, unless the options say another, and with copy_up its
 * owner and content, before anybody can see the tmpfs.
 */
static int open_covered(struct init *init, const struct mount *mount) {
    if (strcmp(mount->type, "tmpfs") != 0) return -ENOENT;
    return root_open(init->root, mount->target, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
}

static int copy_up(int covered, const struct stat *status, int made) {
    scoped_fd root = (int)SYS(openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root < 0) return root;
    int result = copy_directory(covered, root);
    return result < 0 ? result : (int)SYS(fchown(root, status->st_uid, status->st_gid));
}

/*
 * The file system of message queues was made with the IPC namespace, and it takes no other label by an option of the mount
 * ("same superblock, different security settings"); its root does.
 */
static int label_queues(int made, const char *data) {
    char label[512];
    if (sscanf(data, "context=\"%511[^\"]", label) != 1) return 0;
    scoped_fd root = (int)SYS(openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int result = root < 0 ? root : (int)SYS(fsetxattr(root, "security.selinux", label, strlen(label) + 1, 0));
    return result == -EOPNOTSUPP ? 0 : result;
}

static int make_queues(struct init *init, const struct mount *mount, uint32_t flags) {
    scoped_fd made = mount_new(mount->type, mount->source, flags, "", &init->failure);
    if (made < 0) return made;
    int result = label_queues(made, mount->data);
    return result < 0 ? result : take_fd(&made);
}

static int make_mount(struct init *init, const struct mount *mount) {
    /* The rest is for whoever sets the mount up; a read-only one could not be filled. */
    uint32_t flags = mount->flags & ~(uint32_t)(PROPAGATION_FLAGS | MS_REC | (mount->copy_up ? MS_RDONLY : 0));
    if (strcmp(mount->type, "mqueue") == 0) return make_queues(init, mount, flags);
    scoped_fd covered = open_covered(init, mount);
    if (covered < 0) return mount_new(mount->type, mount->source, flags, mount->data, &init->failure);
    struct stat status;
    int result = (int)SYS(fstat(covered, &status));
    if (result < 0) return result;
    char data[4096 + 16];
    snprintf(data, sizeof data, "mode=%o,%s", status.st_mode & 07777u, mount->data);
    scoped_fd made = mount_new(mount->type, mount->source, flags, data, &init->failure);
    if (made < 0 || !mount->copy_up) return take_fd(&made);
    result = copy_up(covered, &status, made);
    if (result < 0) return fail(&init->failure, result, "copy what is in \"%s\" up into the tmpfs", mount->target);
    if (mount->flags & MS_RDONLY) result = mount_change(made, MOUNT_ATTR_RDONLY, 0, 0, 0);
    return result < 0 ? result : take_fd(&made);
}

static int mount_on(struct init *init, const struct mount *mount) {
    const char *type = mount->type, *target = mount->target;
    bool strict = strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0;
    scoped_fd made = make_mount(init, mount);
    if (made < 0) return fail(&init->failure, made, "mount \"%s\" on \"%s\"", type, target);
    int result = target_place(init, made, target, false, strict);
    if (result == -ELOOP && strict)
        return fail(&init->failure, ELOOP, "mount \"%s\" on \"%s\": a symbolic link in the image", type, target);
    if (result == 0) result = mount_change(made, 0, 0, mount->flags & PROPAGATION_FLAGS, (mount->flags & MS_REC) != 0);
    return result < 0 ? fail(&init->failure, result, "mount \"%s\" on \"%s\"", type, target) : 0;
}

int step_mount(struct init *init, struct cursor *payload) {
    struct mount mount = {0};
    mount.type = take_string(payload);
    mount.source = take_string(payload);
    mount.target = take_string(payload);
    mount.flags = take_u32(payload);
    mount.data = take_string(payload);
    mount.optional = take_bool(payload);
    mount.copy_up = take_bool(payload);
    int result = mount_on(init, &mount);
    return result < 0 && mount.optional ? init_warn(init) : result;
}

int step_remount(struct init *init, struct cursor *payload) {
    const char *target = take_string(payload);
    uint64_t set = take_u64(payload), clear = take_u64(payload);
    uint64_t tree_set = take_u64(payload), tree_clear = take_u64(payload);
    const char *data = take_string(payload);
    scoped_fd mount = root_open(init->root, target, O_PATH, 0);
    if (mount < 0) return fail(&init->failure, mount, "remount \"%s\": open it", target);
    int result = *data == '\0' ? 0 : mount_reconfigure(mount, data, &init->failure);
    if (result == 0) result = mount_change(mount, set, clear, 0, 0);
    if (result == 0) result = mount_change(mount, tree_set, tree_clear, 0, 1);
    if (result == -EINVAL) return fail(&init->failure, result, "remount \"%s\": nothing is mounted there", target);
    return result < 0 ? fail(&init->failure, result, "remount \"%s\"", target) : 0;
}

/* One v1 hierarchy: a directory in the tmpfs, the mount on it, links for the single controllers of a group. */
static int mount_hierarchy(struct init *init, int directory, struct cursor *payload, uint32_t flags) {
    const char *name = take_string(payload);
    const char *options = take_string(payload);
    int result = (int)SYS(mkdirat(directory, name, 0755));
    if (result < 0) return fail(&init->failure, result, "make the mount point of the cgroup hierarchy \"%s\"", name);
    scoped_fd mount = mount_new("cgroup", "cgroup", flags, options, &init->failure);
    if (mount < 0) return mount;
    scoped_fd target = (int)SYS(openat(directory, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC));
    result = target < 0 ? target : sys_move_mount(mount, target);
    if (result < 0) return fail(&init->failure, result, "mount the cgroup hierarchy \"%s\"", name);
    for (uint32_t count = take_count(payload); count > 0; count--) {
        result = (int)SYS(symlinkat(name, directory, take_string(payload)));
        if (result < 0) return fail(&init->failure, result, "link to the cgroup hierarchy \"%s\"", name);
    }
    return 0;
}

static int mount_hierarchies(struct init *init, struct cursor *payload, const char *target) {
    struct cursor list = *payload;
    for (uint32_t count = take_count(payload); count > 0; count--) {
        take_string(payload);
        take_string(payload);
        for (uint32_t links = take_count(payload); links > 0; links--) take_string(payload);
    }
    uint32_t flags = take_u32(payload);
    uint32_t writable = flags & ~(uint32_t)MS_RDONLY;
    scoped_fd mount = mount_new("tmpfs", "cgroup", writable, "mode=755", &init->failure);
    int result = mount < 0 ? mount : target_place(init, mount, target, false, true);
    if (result < 0) return fail(&init->failure, result, "mount the directory of the cgroup hierarchies on \"%s\"", target);
    for (uint32_t count = take_count(&list); count > 0; count--) {
        result = mount_hierarchy(init, mount, &list, flags);
        if (result < 0) return result;
    }
    if ((flags & MS_RDONLY) == 0) return 0;
    result = mount_change(mount, MOUNT_ATTR_RDONLY, 0, 0, 0);
    return result < 0 ? fail(&init->failure, result, "make \"%s\" read-only", target) : 0;
}

int step_cgroup_mount(struct init *init, struct cursor *payload) {
    const char *target = take_string(payload);
    bool unified = take_bool(payload);
    if (!unified) return mount_hierarchies(init, payload, target);
    take_count(payload); /* no legacy hierarchies then */
    uint32_t flags = take_u32(payload);
    scoped_fd mount = mount_new("cgroup2", "cgroup", flags, "", &init->failure);
    int result = mount < 0 ? mount : target_place(init, mount, target, false, true);
    return result < 0 ? fail(&init->failure, result, "mount cgroup2 on \"%s\"", target) : 0;
}
