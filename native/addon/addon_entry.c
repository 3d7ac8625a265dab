/* Reading what an entry of a directory is: facts, target, extended attributes. Nothing here opens the entry itself. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

/* XATTR_LIST_MAX and XATTR_SIZE_MAX of <linux/limits.h>: the kernel hands out no more. */
enum { ATTRIBUTE_MAX = 65536 };

/* A path of the entry for calls without an *at form. The last component is the entry itself, which l*xattr(2) don't follow. */
static int entry_path(char path[PATH_MAX], int directory, const char *name) {
    int length = directory == AT_FDCWD ? snprintf(path, PATH_MAX, "%s", name)
                                       : snprintf(path, PATH_MAX, "/proc/self/fd/%d/%s", directory, name);
    if (length < PATH_MAX) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

/* The order is that of `entryFactsFields` in kernel/entry-facts.ts. Inodes in two halves: a double holds 53 bits. */
static napi_value make_facts(napi_env env, const struct stat *found) {
    const double facts[] = {
        found->st_mode,
        found->st_uid,
        found->st_gid,
        (double)found->st_size,
        (double)found->st_nlink,
        major(found->st_rdev),
        minor(found->st_rdev),
        (double)(found->st_ino >> 32),
        (double)(found->st_ino & UINT32_MAX),
        (double)found->st_dev,
        (double)found->st_mtim.tv_sec,
        (double)found->st_mtim.tv_nsec,
        (double)found->st_blocks,
        (double)found->st_ctim.tv_sec,
        (double)found->st_ctim.tv_nsec,
    };
    return make_bytes(env, facts, sizeof facts);
}

static napi_value run_entry_facts(napi_env env, const struct argument *a) {
    struct stat found;
    if (fstatat((int)a[0].number, a[1].text, &found, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) == -1)
        return throw_errno(env, "fstatat", errno);
    return make_facts(env, &found);
}

static napi_value run_descriptor_facts(napi_env env, const struct argument *a) {
    struct stat found;
    return fstat((int)a[0].number, &found) == -1 ? throw_errno(env, "fstat", errno) : make_facts(env, &found);
}

/* Not by the device: a bind of the same file system has its parent's. */
static napi_value run_is_mount_point(napi_env env, const struct argument *a) {
    struct statx found;
    int result = statx((int)a[0].number, a[1].text, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, 0, &found);
    return check_number(env, "statx", result == -1 ? -1 : (found.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0);
}

static napi_value run_readlinkat(napi_env env, const struct argument *a) {
    char target[PATH_MAX];
    ssize_t length = readlinkat((int)a[0].number, a[1].text, target, sizeof target);
    return length == -1 ? throw_errno(env, "readlinkat", errno) : make_bytes(env, target, (size_t)length);
}

static napi_value run_listxattrat(napi_env env, const struct argument *a) {
    char path[PATH_MAX];
    if (entry_path(path, (int)a[0].number, a[1].text) == -1) return throw_errno(env, "llistxattr", errno);
    /* Most entries have none, and then no buffer is needed. */
    ssize_t length = llistxattr(path, NULL, 0);
    if (length <= 0) return length == 0 ? make_bytes(env, NULL, 0) : throw_errno(env, "llistxattr", errno);
    char *names = malloc(ATTRIBUTE_MAX);
    if (names == NULL) return throw_errno(env, "llistxattr", ENOMEM);
    length = llistxattr(path, names, ATTRIBUTE_MAX);
    napi_value result =
        length == -1 ? throw_errno(env, "llistxattr", errno) : make_bytes(env, names, (size_t)length);
    free(names);
    return result;
}

static napi_value run_getxattrat(napi_env env, const struct argument *a) {
    char path[PATH_MAX];
    if (entry_path(path, (int)a[0].number, a[1].text) == -1) return throw_errno(env, "lgetxattr", errno);
    char *value = malloc(ATTRIBUTE_MAX);
    if (value == NULL) return throw_errno(env, "lgetxattr", ENOMEM);
    ssize_t length = lgetxattr(path, a[2].text, value, ATTRIBUTE_MAX);
    napi_value result;
    if (length >= 0) result = make_bytes(env, value, (size_t)length);
    else if (errno == ENODATA || errno == EOPNOTSUPP) result = NULL;
    else result = throw_errno(env, "lgetxattr", errno);
    free(value);
    return result;
}

static napi_value run_clone_mount(napi_env env, const struct argument *a) {
    return check_number(env, "open_tree", open_tree(AT_FDCWD, a[0].text, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

const struct call entry_calls[] = {
    {"entryFacts", "dn", run_entry_facts},
    {"descriptorFacts", "f", run_descriptor_facts},
    {"isMountPoint", "dn", run_is_mount_point},
    {"readlinkat", "dn", run_readlinkat},
    {"listxattrat", "dn", run_listxattrat},
    {"getxattrat", "dns", run_getxattrat},
    {"cloneMount", "s", run_clone_mount},
    {0},
};
