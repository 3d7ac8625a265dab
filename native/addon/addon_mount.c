/* Mounts on paths of the host, for those who look into containers and images from outside. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in a directory and comes back: mount(2) and fsconfig(2) take relative names, which keeps their arguments short. */
static int enter(const char *directory) {
    int before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (before == -1 || chdir(directory) == 0) return before;
    int error = errno;
    close(before);
    errno = error;
    return -1;
}

static int leave(int before, int result) {
    int error = errno;
    if (fchdir(before) == -1 && result != -1) result = -1;
    close(before);
    errno = error;
    return result;
}

static int set_text(int fs, const char *key, const char *value) {
    return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* What containers do first: a file of a lower layer goes, which leaves a whiteout, and a new one comes. */
static int use_overlay(int mount) {
    SCOPED_FD made = openat(mount, "made", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made == -1 || unlinkat(mount, "lower-file", 0) == -1) return -1;
    return renameat(mount, "made", mount, "lower-file");
}

static int try_overlay(bool user_attributes) {
    SCOPED_FD fs = fsopen("overlay", FSOPEN_CLOEXEC);
    if (fs == -1) return -1;
    if (set_text(fs, "lowerdir", "lower") == -1 || set_text(fs, "upperdir", "upper") == -1) return -1;
    if (set_text(fs, "workdir", "work") == -1) return -1;
    if (user_attributes && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == -1) return -1;
    if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == -1) return -1;
    SCOPED_FD mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
    return mount == -1 ? -1 : use_overlay(mount);
}

static napi_value run_try_overlay(napi_env env, const struct argument *a) {
    int before = enter(a[0].text);
    return check(env, "mount", before == -1 ? -1 : leave(before, try_overlay(a[1].number != 0)));
}

static napi_value run_mount_overlay(napi_env env, const struct argument *a) {
    int before = enter(a[0].text);
    unsigned long flags = a[3].number ? MS_RDONLY : 0;
    if (before == -1) return throw_errno(env, "chdir", errno);
    return check(env, "mount", leave(before, mount("overlay", a[1].text, "overlay", flags, a[2].text)));
}

/* A copy of a shared mount would spread what is mounted in it. */
static int attach(int tree, const char *target, bool read_only) {
    struct mount_attr attributes = {.attr_set = read_only ? MOUNT_ATTR_RDONLY : 0, .propagation = MS_PRIVATE};
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes) == -1) return -1;
    return move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
}

static napi_value run_bind_directory(napi_env env, const struct argument *a) {
    SCOPED_FD tree = open_tree(AT_FDCWD, a[0].text, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    return check(env, "open_tree", tree == -1 ? -1 : attach(tree, a[1].text, a[2].number != 0));
}

/* In a process of its own, since there is no way back into this program's mount namespace for a thread of several. */
static _Noreturn void clone_root(pid_t process, int answer) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)process);
    int namespace = open(path, O_RDONLY | O_CLOEXEC);
    int tree = namespace == -1 || setns(namespace, CLONE_NEWNS) == -1
                   ? -1
                   : open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    /* The table of descriptors is the parent's, too. */
    if (tree == -1) tree = -errno;
    if (namespace != -1) close(namespace);
    _exit(write(answer, &tree, sizeof tree) != sizeof tree);
}

static int open_root_of(pid_t process) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == -1) return -1;
    SCOPED_FD reader = ends[0];
    SCOPED_FD writer = ends[1];
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) clone_root(process, writer);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    if (child == -1) return -1;
    int tree = -EIO, status;
    RETRY(status, waitpid(child, NULL, 0));
    if (status == child) RETRY(status, (int)read(reader, &tree, sizeof tree));
    if (tree >= 0) return tree;
    errno = -tree;
    return -1;
}

static napi_value run_bind_root_of(napi_env env, const struct argument *a) {
    SCOPED_FD tree = open_root_of((pid_t)a[0].number);
    return check(env, "open_tree", tree == -1 ? -1 : attach(tree, a[1].text, false));
}

/* Two ids will do: the namespace is only to be one that is not ours. */
static int write_map(pid_t process, const char *map) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, map);
    SCOPED_FD fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd == -1 ? -1 : write_fully(fd, "0 100000 2", 10);
}

static int map_clone(const char *directory, pid_t holder) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)holder);
    SCOPED_FD namespace = open(path, O_RDONLY | O_CLOEXEC);
    if (namespace == -1 || write_map(holder, "uid_map") == -1 || write_map(holder, "gid_map") == -1) return -1;
    SCOPED_FD tree = open_tree(AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    return tree == -1 ? -1 : mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
}

static napi_value run_try_id_map(napi_env env, const struct argument *a) {
    pid_t holder = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
    if (holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) pause();
    }
    if (holder == -1) return throw_errno(env, "clone", errno);
    int result = map_clone(a[0].text, holder), error = errno, status;
    kill(holder, SIGKILL);
    RETRY(status, waitpid(holder, NULL, 0));
    errno = error;
    return check(env, "mount_setattr", result);
}

static napi_value run_unmount(napi_env env, const struct argument *a) {
    return check(env, "umount2", umount2(a[0].text, UMOUNT_NOFOLLOW | (a[1].number ? MNT_DETACH : 0)));
}

const struct call mount_calls[] = {
    {"tryOverlay", "sb", run_try_overlay},
    {"mountOverlay", "sssb", run_mount_overlay},
    {"bindDirectory", "ssb", run_bind_directory},
    {"bindRootOf", "is", run_bind_root_of},
    {"tryIdMap", "s", run_try_id_map},
    {"unmount", "sb", run_unmount},
    {0},
};
