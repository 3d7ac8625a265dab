#include "cgroup.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <time.h>

#include "path.h"
#include "scoped.h"
#include "syscalls.h"

enum { DEPTH_MAX = 32, CREATE_TRIES = 20, REMOVE_TRIES = 60, KILL_ROUNDS = 8 };

static int read_file(int directory, const char *name, char *text, size_t size) {
    scoped_fd fd = (int)SYS(openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd < 0) return fd;
    long length = SYS(read(fd, text, size - 1));
    if (length < 0) return (int)length;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

static int write_file(int directory, const char *name, const char *value) {
    scoped_fd fd = (int)SYS(openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd < 0) return fd;
    long written = SYS(write(fd, value, strlen(value)));
    return written < 0 ? (int)written : 0;
}

/* f_type of a cgroup directory: MAGIC_CGROUP for v1, MAGIC_CGROUP2, or -EXDEV for anything else. */
static long hierarchy_type(int directory) {
    struct statfs status;
    long result = SYS(fstatfs(directory, &status));
    if (result < 0) return result;
    bool known = status.f_type == MAGIC_CGROUP || status.f_type == MAGIC_CGROUP2;
    return known ? (long)status.f_type : -EXDEV;
}

/*
 * A new v1 cpuset has neither CPUs nor memory nodes and takes no task (cpuset(7)); it gets those of its parent. The
 * parent may have been made a moment ago by another start, which has not come to give it any: then it gets them here.
 */
static int inherit_file(int parent, int child, const char *name, int depth) {
    char own[4096], above[4096];
    int result = read_file(child, name, own, sizeof own);
    if (result < 0 || own[0] != '\0') return result;
    result = read_file(parent, name, above, sizeof above);
    if (result == 0 && above[0] == '\0' && depth > 0) {
        scoped_fd grandparent = (int)SYS(openat(parent, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (grandparent < 0) return grandparent;
        result = inherit_file(grandparent, parent, name, depth - 1);
        if (result == 0) result = read_file(parent, name, above, sizeof above);
    }
    return result < 0 ? result : write_file(child, name, above);
}

static int inherit_cpuset(int parent, int child) {
    int result = inherit_file(parent, child, "cpuset.cpus", DEPTH_MAX);
    if (result == 0) result = inherit_file(parent, child, "cpuset.mems", DEPTH_MAX);
    return result == -ENOENT ? 0 : result; /* not the cpuset hierarchy, or not even that of its parent */
}

static int make_component(int parent, const char *name) {
    int result = (int)SYS(mkdirat(parent, name, 0755));
    if (result < 0 && result != -EEXIST) return result;
    scoped_fd child = (int)SYS(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (child < 0) return child;
    long type = hierarchy_type(child);
    result = type < 0 ? (int)type : 0;
    if (type == MAGIC_CGROUP && hierarchy_type(parent) == MAGIC_CGROUP) result = inherit_cpuset(parent, child);
    return result < 0 ? result : take_fd(&child);
}

/* From the deepest directory that exists downwards. */
static int make_directories(const char *path) {
    char prefix[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof prefix) return -ENAMETOOLONG;
    memcpy(prefix, path, length + 1);
    scoped_fd directory = -ENOENT;
    size_t end = length;
    while (directory == -ENOENT && end > 1) {
        end--;
        while (end > 1 && prefix[end] != '/') end--;
        prefix[end] = '\0';
        directory = (int)SYS(open(prefix, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    if (directory < 0) return directory;
    char *rest = prefix + end + 1, *name;
    memcpy(prefix, path, length + 1);
    while ((name = strsep(&rest, "/")) != NULL) {
        if (*name == '\0') continue;
        int child = make_component(directory, name);
        if (child < 0) return child;
        close(directory);
        directory = child;
    }
    return 0;
}

/* A kernel that keeps no such attributes leaves it without: nothing that the container needs depends on it. */
static void mark(const char *path, const char *value) {
    size_t length = strlen(value);
    if (setxattr(path, "trusted.onggi.container", value, length, 0) == 0) return;
    setxattr(path, "user.onggi.container", value, length, 0);
}

int cgroup_create(struct cursor *payload, struct failure *failure) {
    const char *path = take_string(payload);
    const char *value = take_optional(payload);
    int result = -ENOENT;
    /* An empty parent is removed by whoever ends last, which may be between two components of ours. */
    for (int i = 0; i < CREATE_TRIES && (result == -ENOENT || result == -ENODEV); i++) result = make_directories(path);
    if (result < 0) return fail(failure, result, "create the cgroup \"%s\"", path);
    if (value != NULL) mark(path, value);
    return 0;
}

int cgroup_write(struct cursor *payload, bool *optional, struct failure *failure) {
    const char *path = take_string(payload);
    const char *value = take_string(payload);
    const char *what = take_string(payload);
    *optional = take_bool(payload);
    const char *fallback = take_optional(payload);
    const char *fallback_value = take_string(payload);
    int result = write_file(AT_FDCWD, path, value);
    if (result == -ENOENT && fallback != NULL) {
        path = fallback;
        value = fallback_value;
        result = write_file(AT_FDCWD, path, value);
    }
    return result < 0 ? fail(failure, result, "%s: write \"%s\" to \"%s\"", what, value, path) : 0;
}

static int load_device_filter(struct blob program, char *log, size_t size) {
    static const char license[] = "Apache-2.0";
    union bpf_attr attributes = {
        .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
        .insn_cnt = program.length / sizeof(struct bpf_insn),
        .insns = (uintptr_t)program.bytes,
        .license = (uintptr_t)license,
    };
    int fd = sys_bpf(BPF_PROG_LOAD, &attributes);
    if (fd >= 0) return fd;
    /* Once more for the verifier's reasons; the first try is silent because a log costs time. */
    attributes.log_buf = (uintptr_t)log;
    attributes.log_size = (uint32_t)size;
    attributes.log_level = 1;
    return sys_bpf(BPF_PROG_LOAD, &attributes);
}

int cgroup_attach_device_filter(struct cursor *payload, struct failure *failure) {
    const char *path = take_string(payload);
    struct blob program = take_blob(payload);
    const char *what = take_string(payload);
    char log[256] = "";
    scoped_fd directory = (int)SYS(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory < 0) return fail(failure, directory, "%s: open \"%s\"", what, path);
    scoped_fd filter = load_device_filter(program, log, sizeof log);
    if (filter < 0) return fail(failure, filter, "%s: load the device filter: %s", what, log);
    union bpf_attr attributes = {
        .target_fd = (uint32_t)directory,
        .attach_bpf_fd = (uint32_t)filter,
        .attach_type = BPF_CGROUP_DEVICE,
        .attach_flags = BPF_F_ALLOW_MULTI,
    };
    int result = sys_bpf(BPF_PROG_ATTACH, &attributes);
    return result < 0 ? fail(failure, result, "%s: attach the device filter to \"%s\"", what, path) : 0;
}

int cgroup_open_file(const char *directory, const char *name) {
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof path) return -ENAMETOOLONG;
    return (int)SYS(open(path, O_WRONLY | O_CLOEXEC));
}

/* Signals what cgroup.procs lists; how many there were, or -errno. */
static int kill_listed(int directory) {
    scoped_fd fd = (int)SYS(openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC));
    if (fd < 0) return fd;
    char text[4096];
    int killed = 0;
    long length;
    pid_t pid = 0;
    while ((length = SYS(read(fd, text, sizeof text))) > 0) {
        for (long i = 0; i < length; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
                continue;
            }
            if (pid > 1 && pid != getpid() && kill(pid, SIGKILL) == 0) killed++;
            pid = 0;
        }
    }
    return length < 0 ? (int)length : killed;
}

static void kill_here(int directory) {
    if (write_file(directory, "cgroup.kill", "1") == 0) return;
    /* A frozen v1 group does not even die; and a process may fork while the list is read. */
    write_file(directory, "freezer.state", "THAWED");
    for (int round = 0; round < KILL_ROUNDS && kill_listed(directory) > 0; round++) {}
}

static int wait_briefly(int round) {
    struct timespec pause = {.tv_nsec = (round < 10 ? 1 : 50) * 1000000L};
    return nanosleep(&pause, NULL);
}

/* A killed process leaves its group only when it is reaped or at least dead: EBUSY until then. */
static int remove_here(int parent, const char *name, int directory) {
    int result = -EBUSY;
    for (int round = 0; round < REMOVE_TRIES; round++) {
        result = (int)SYS(unlinkat(parent, name, AT_REMOVEDIR));
        if (result != -EBUSY) break;
        kill_here(directory);
        wait_briefly(round);
    }
    return result == -ENOENT ? 0 : result;
}

typedef int visit_function(int parent, const char *name, int directory);

static int visit_nothing(int parent, const char *name, int directory) {
    (void)parent;
    (void)name;
    kill_here(directory);
    return 0;
}

/* Visits a directory after its descendants. */
static int walk(int parent, const char *name, visit_function *visit, int depth) {
    if (depth > DEPTH_MAX) return -ELOOP;
    scoped_fd directory = (int)SYS(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (directory < 0) return directory == -ENOENT ? 0 : directory;
    int listing = (int)SYS(fcntl(directory, F_DUPFD_CLOEXEC, 0));
    if (listing < 0) return listing;
    scoped_directory entries = fdopendir(listing);
    if (entries == NULL) return close(listing), -ENOMEM;
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        int result = walk(directory, entry->d_name, visit, depth + 1);
        if (result < 0) return result;
    }
    return visit(parent, name, directory);
}

static int check_hierarchy(const char *path) {
    scoped_fd directory = (int)SYS(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory < 0) return directory;
    long type = hierarchy_type(directory);
    return type < 0 ? (int)type : 0;
}

int cgroup_kill(const char *path) {
    int result = check_hierarchy(path);
    return result < 0 ? result : walk(AT_FDCWD, path, visit_nothing, 0);
}

static int remove_tree(const char *path) {
    int result = check_hierarchy(path);
    if (result == -ENOENT) return 0;
    /* The common case is one empty directory: no listing then. */
    if (result == 0) result = (int)SYS(rmdir(path));
    if (result == -EBUSY || result == -ENOTEMPTY) result = walk(AT_FDCWD, path, remove_here, 0);
    return result;
}

/* Other containers may be in them; whoever ends last removes them. */
static int remove_above(const char *path, uint32_t levels) {
    char above[PATH_MAX];
    int length = snprintf(above, sizeof above, "%s", path);
    if (length >= (int)sizeof above) return -ENAMETOOLONG;
    for (uint32_t level = 0; level < levels; level++) {
        char *end = strrchr(above, '/');
        if (end == NULL || end == above) return 0;
        *end = '\0';
        int result = (int)SYS(rmdir(above));
        if (result == -EBUSY || result == -ENOTEMPTY) return 0;
        if (result < 0 && result != -ENOENT) return result;
    }
    return 0;
}

int cgroup_remove(struct cursor *payload, struct failure *failure) {
    const char *path = take_string(payload);
    uint32_t levels = take_u32(payload);
    int result = remove_tree(path);
    if (result == 0) result = remove_above(path, levels);
    return result < 0 ? fail(failure, result, "remove the cgroup \"%s\"", path) : 0;
}
