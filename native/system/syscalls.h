/*
 * System calls that libc does not wrap, and the constants that its headers lack. The only file that says syscall()
 * for them; musl and glibc (the sanitizer build) both compile it. <sys/mount.h> is never included: its constants
 * clash with those of <linux/mount.h>.
 */
#ifndef ONGGI_SYSCALLS_H
#define ONGGI_SYSCALLS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/*
 * One call, retried when a signal interrupts it: its value, or the errno as a negative number. This is the error
 * convention of the whole program: 0, a descriptor or a count on success, -errno on failure.
 */
#define SYS(call)                                                                                                      \
    __extension__({                                                                                                    \
        long sys_value;                                                                                                \
        do {                                                                                                           \
            sys_value = (long)(call);                                                                                  \
        } while (sys_value == -1 && errno == EINTR);                                                                   \
        sys_value == -1 ? -(long)errno : sys_value;                                                                    \
    })

/* File system magics: <linux/magic.h> */
#define MAGIC_PROC 0x9fa0
#define MAGIC_DEVPTS 0x1cd1
#define MAGIC_NSFS 0x6e736673
#define MAGIC_CGROUP 0x27e0eb
#define MAGIC_CGROUP2 0x63677270

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#define UMOUNT_DETACH 2 /* MNT_DETACH */

#define KEY_JOIN_SESSION 1 /* KEYCTL_JOIN_SESSION_KEYRING, <linux/keyctl.h> */
#define KEY_SET_PERMISSION 5 /* KEYCTL_SETPERM */
#define KEY_POSSESSOR_ALL 0x3f000000u /* <linux/key.h> of the kernel, keyctl_setperm(3) */
#define KEY_OWNER_SEARCH 0x00080000u

static inline int sys_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return (int)SYS(syscall(SYS_openat2, directory, path, &how, sizeof how));
}

static inline int sys_fsopen(const char *type) {
    return (int)SYS(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

static inline int sys_fsconfig(int fs, unsigned command, const char *key, const char *value) {
    return (int)SYS(syscall(SYS_fsconfig, fs, command, key, value, 0));
}

static inline int sys_fsconfig_fd(int fs, const char *key, int fd) {
    return (int)SYS(syscall(SYS_fsconfig, fs, FSCONFIG_SET_FD, key, NULL, fd));
}

/*
 * Whether `path` is the root of a mount: 1, 0 or -errno. The layout is that of struct statx, which musl lacks and whose
 * kernel header can't be included beside musl's.
 */
static inline int sys_is_mount_root(const char *path) {
    struct {
        uint32_t mask, block_size;
        uint64_t attributes;
        uint8_t rest[240];
    } status = {0};
    const uint64_t mount_root = 0x2000; /* STATX_ATTR_MOUNT_ROOT, Linux 5.8 */
    int result = (int)SYS(syscall(SYS_statx, AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &status));
    return result < 0 ? result : (status.attributes & mount_root) != 0;
}

/* The file system of a mount, to be configured anew. */
static inline int sys_fspick(int mount) {
    return (int)SYS(syscall(SYS_fspick, mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
}

static inline int sys_fsmount(int fs, unsigned attributes) {
    return (int)SYS(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}

static inline int sys_open_tree(int directory, const char *path, unsigned flags) {
    return (int)SYS(syscall(SYS_open_tree, directory, path, flags | OPEN_TREE_CLOEXEC));
}

/* Moves a mount that a descriptor names onto what another descriptor names; no path is looked up. */
static inline int sys_move_mount(int mount, int target) {
    return (int)SYS(syscall(SYS_move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}

static inline int sys_mount_setattr(int mount, unsigned flags, const struct mount_attr *attributes) {
    return (int)SYS(syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH, attributes, sizeof *attributes));
}

static inline int sys_mount(const char *source, const char *target, const char *type, unsigned long flags,
                            const char *data) {
    return (int)SYS(syscall(SYS_mount, source, target, type, flags, data));
}

static inline int sys_umount(const char *target, int flags) {
    return (int)SYS(syscall(SYS_umount2, target, flags));
}

static inline int sys_pivot_root(const char *new_root, const char *put_old) {
    return (int)SYS(syscall(SYS_pivot_root, new_root, put_old));
}

static inline int sys_setns(int fd, int types) {
    return (int)SYS(syscall(SYS_setns, fd, types));
}

static inline int sys_unshare(int types) {
    return (int)SYS(syscall(SYS_unshare, types));
}

static inline int sys_pidfd_open(pid_t pid) {
    return (int)SYS(syscall(SYS_pidfd_open, pid, 0));
}

static inline int sys_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)SYS(syscall(SYS_close_range, first, last, flags));
}

static inline int sys_bpf(int command, union bpf_attr *attributes) {
    return (int)SYS(syscall(SYS_bpf, command, attributes, sizeof *attributes));
}

/* Identity calls go to the kernel directly: libc's versions synchronise threads, which this program has not. */
static inline int sys_setresuid(uid_t uid) {
    return (int)SYS(syscall(SYS_setresuid, uid, uid, uid));
}

static inline int sys_setresgid(gid_t gid) {
    return (int)SYS(syscall(SYS_setresgid, gid, gid, gid));
}

static inline int sys_setgroups(size_t count, const gid_t *groups) {
    return (int)SYS(syscall(SYS_setgroups, count, groups));
}

#endif
