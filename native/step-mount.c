/* Steps that mount: the root's file systems on host paths, everything else on descriptors below the root. */
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "init.h"
#include "kernel-mount.h"
#include "mount.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

enum { PROPAGATION_FLAGS = MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE, PROC_ROOT_INODE = 1 };

/* Files of procfs that lxcfs and the like replace; the rest of /proc stays as the kernel made it (CVE-2019-16884). */
static const char *const proc_targets[] = {
    "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo",   "/proc/stat",    "/proc/swaps",
    "/proc/uptime",  "/proc/loadavg",   "/proc/slabinfo",  "/proc/net/dev", "/proc/sys/kernel/ns_last_pid",
};

int step_propagation(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    uint32_t flags = take_u32(payload);
    int result = sys_mount(NULL, path, NULL, flags, NULL);
    return result < 0 ? fail(&init->failure, result, "set the propagation of \"%s\"", path) : 0;
}

/* The option string of overlayfs, at most a page (mount(2)). */
struct options {
    char text[4096];
    size_t used;
    bool full;
};

static void options_add(struct options *options, const char *text, bool escape) {
    for (; *text != '\0'; text++) {
        if (options->used + 3 > sizeof options->text) {
            options->full = true;
            return;
        }
        /* overlayfs.rst: colons separate layers, commas options; a backslash takes their meaning away. */
        if (escape && strchr("\\:,", *text) != NULL) options->text[options->used++] = '\\';
        options->text[options->used++] = *text;
    }
}

static void options_start(struct options *options, const char *key) {
    if (options->used > 0) options_add(options, ",", false);
    options_add(options, key, false);
}

static void options_path(struct options *options, const char *key, const char *path) {
    if (path == NULL) return;
    options_start(options, key);
    options_add(options, path, true);
}

int step_overlay(struct init *init, struct cursor *payload) {
    struct options options = {.used = 0};
    const char *directory = take_string(payload);
    options_start(&options, "lowerdir=");
    uint32_t lower = take_count(payload);
    for (uint32_t i = 0; i < lower; i++) {
        if (i > 0) options_add(&options, ":", false);
        options_add(&options, take_string(payload), true);
    }
    options_path(&options, "upperdir=", take_optional(payload));
    options_path(&options, "workdir=", take_optional(payload));
    const char *target = take_string(payload);
    for (uint32_t count = take_count(payload); count > 0; count--) options_start(&options, take_string(payload));
    uint32_t flags = take_u32(payload);
    if (options.full) return fail(&init->failure, E2BIG, "mount overlay of %u layers on \"%s\"", lower, target);
    options.text[options.used] = '\0';
    int result = (int)SYS(chdir(directory));
    if (result < 0) return fail(&init->failure, result, "enter the layer directory \"%s\"", directory);
    result = sys_mount("overlay", target, "overlay", flags, options.text);
    if (result < 0) return fail(&init->failure, result, "mount overlay of %u layers on \"%s\"", lower, target);
    return 0;
}

int step_root_bind(struct init *init, struct cursor *payload) {
    const char *source = take_string(payload);
    const char *target = take_string(payload);
    scoped_fd tree = mount_clone(AT_FDCWD, source, 1);
    if (tree < 0) return fail(&init->failure, tree, "open the root file system \"%s\"", source);
    scoped_fd place = (int)SYS(open(target, O_PATH | O_DIRECTORY | O_CLOEXEC));
    int result = place < 0 ? place : sys_move_mount(tree, place);
    return result < 0 ? fail(&init->failure, result, "bind \"%s\" on \"%s\"", source, target) : 0;
}

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

static int place_mount(struct init *init, int mount, const char *path, bool file, bool strict) {
    scoped_fd target = open_target(init, path, file, strict);
    if (target < 0) return target;
    int result = check_target(init, path, target, mount);
    if (result == 0) result = sys_move_mount(mount, target);
    return result < 0 ? result : kernel_mount_keep(init, mount, path);
}

static int mount_on(struct init *init, const char *type, const char *source, const char *target, uint32_t flags,
                    const char *data) {
    bool strict = strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0;
    scoped_fd mount = mount_new(type, source, flags & ~(uint32_t)(PROPAGATION_FLAGS | MS_REC), data, &init->failure);
    if (mount < 0) return mount;
    int result = place_mount(init, mount, target, false, strict);
    if (result == -ELOOP && strict)
        return fail(&init->failure, ELOOP, "mount \"%s\" on \"%s\": a symbolic link in the image", type, target);
    if (result == 0) result = mount_change(mount, 0, 0, flags & PROPAGATION_FLAGS, (flags & MS_REC) != 0);
    return result < 0 ? fail(&init->failure, result, "mount \"%s\" on \"%s\"", type, target) : 0;
}

int step_mount(struct init *init, struct cursor *payload) {
    const char *type = take_string(payload);
    const char *source = take_string(payload);
    const char *target = take_string(payload);
    uint32_t flags = take_u32(payload);
    const char *data = take_string(payload);
    bool optional = take_bool(payload);
    int result = mount_on(init, type, source, target, flags, data);
    return result < 0 && optional ? init_warn(init) : result;
}

struct bind {
    const char *source, *target;
    uint64_t set, clear;
    uint32_t propagation;
    bool recursive, recursive_attributes;
};

static int bind_tree(struct init *init, const struct bind *bind) {
    scoped_fd tree = mount_clone(AT_FDCWD, bind->source, bind->recursive);
    if (tree < 0) return fail(&init->failure, tree, "bind \"%s\": open it", bind->source);
    struct stat status;
    int result = (int)SYS(fstat(tree, &status));
    if (result == 0) result = mount_change(tree, bind->set, bind->clear, 0, bind->recursive_attributes);
    if (result < 0) return fail(&init->failure, result, "bind \"%s\": set its attributes", bind->source);
    result = place_mount(init, tree, bind->target, !S_ISDIR(status.st_mode), false);
    /* After the move: a mount that is attached to a shared one would become shared again. */
    uint32_t propagation = bind->propagation & PROPAGATION_FLAGS;
    if (result == 0) result = mount_change(tree, 0, 0, propagation, (bind->propagation & MS_REC) != 0);
    if (result < 0) return fail(&init->failure, result, "bind \"%s\" on \"%s\"", bind->source, bind->target);
    return 0;
}

int step_bind(struct init *init, struct cursor *payload) {
    struct bind bind = {0};
    bind.source = take_string(payload);
    bind.target = take_string(payload);
    bind.recursive = take_bool(payload);
    bind.set = take_u64(payload);
    bind.clear = take_u64(payload);
    bind.recursive_attributes = take_bool(payload);
    bind.propagation = take_u32(payload);
    if (take_bool(payload)) {
        int result = host_make_directory(bind.source, 0755);
        if (result < 0) return fail(&init->failure, result, "make the directory \"%s\"", bind.source);
    }
    return bind_tree(init, &bind);
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
    int result = mount < 0 ? mount : place_mount(init, mount, target, false, true);
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
    int result = mount < 0 ? mount : place_mount(init, mount, target, false, true);
    return result < 0 ? fail(&init->failure, result, "mount cgroup2 on \"%s\"", target) : 0;
}
