/* Calls that file systems have for copies: btrfs subvolumes, shared extents; and quotas of projects. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* Linux 5.14; the same number on every architecture */
#endif

/* The name is one component; the kernel wants it in a buffer of fixed size. */
static int volume_call(int directory, unsigned long request, const char *name, int source) {
    struct btrfs_ioctl_vol_args arguments = {.fd = source};
    size_t length = strlen(name);
    if (length > BTRFS_PATH_NAME_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(arguments.name, name, length);
    return ioctl(directory, request, &arguments);
}

static napi_value run_create_subvolume(napi_env env, const struct argument *a) {
    return check(env, "ioctl", volume_call((int)a[0].number, BTRFS_IOC_SUBVOL_CREATE, a[1].text, 0));
}

static napi_value run_snapshot_subvolume(napi_env env, const struct argument *a) {
    return check(env, "ioctl", volume_call((int)a[1].number, BTRFS_IOC_SNAP_CREATE, a[2].text, (int)a[0].number));
}

static napi_value run_remove_subvolume(napi_env env, const struct argument *a) {
    return check(env, "ioctl", volume_call((int)a[0].number, BTRFS_IOC_SNAP_DESTROY, a[1].text, 0));
}

/* One run of data; holes between runs stay holes. */
static int copy_run(int from, int to, off_t start, off_t end) {
    while (start < end) {
        off_t target = start;
        long copied;
        RETRY(copied, copy_file_range(from, &start, to, &target, (size_t)(end - start), 0));
        if (copied == -1) return -1;
        if (copied == 0) return 0; /* it has shrunk meanwhile */
    }
    return 0;
}

static int copy_runs(int from, int to) {
    off_t size = lseek(from, 0, SEEK_END);
    if (size == -1 || ftruncate(to, size) == -1) return -1;
    for (off_t end = 0; end < size;) {
        off_t start = lseek(from, end, SEEK_DATA);
        if (start == -1) return errno == ENXIO ? 0 : -1;
        end = lseek(from, start, SEEK_HOLE);
        if (end == -1 || copy_run(from, to, start, end) == -1) return -1;
    }
    return 0;
}

/* Shared extents where the file system has them (ioctl_ficlone(2)), else the bytes. */
static napi_value run_copy_content(napi_env env, const struct argument *a) {
    int from = (int)a[0].number, to = (int)a[1].number;
    if (ioctl(to, FICLONE, from) == 0) return NULL;
    return check(env, "copy_file_range", copy_runs(from, to));
}

/* What is made below the directory from now on belongs to the project, too. */
static napi_value run_set_project(napi_env env, const struct argument *a) {
    struct fsxattr attributes;
    if (ioctl((int)a[0].number, FS_IOC_FSGETXATTR, &attributes) == -1) return throw_errno(env, "ioctl", errno);
    attributes.fsx_projid = (uint32_t)a[1].number;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return check(env, "ioctl", ioctl((int)a[0].number, FS_IOC_FSSETXATTR, &attributes));
}

static napi_value run_project(napi_env env, const struct argument *a) {
    struct fsxattr attributes;
    if (ioctl((int)a[0].number, FS_IOC_FSGETXATTR, &attributes) == -1) return throw_errno(env, "ioctl", errno);
    return check_number(env, "ioctl", attributes.fsx_projid);
}

/* Bytes, both limits; 0 is none. */
static napi_value run_limit_project(napi_env env, const struct argument *a) {
    uint64_t blocks = ((uint64_t)a[2].number + QIF_DQBLKSIZE - 1) / QIF_DQBLKSIZE;
    struct if_dqblk limits = {.dqb_bhardlimit = blocks, .dqb_bsoftlimit = blocks, .dqb_valid = QIF_BLIMITS};
    unsigned command = QCMD(Q_SETQUOTA, PRJQUOTA);
    return check(env, "quotactl_fd", syscall(SYS_quotactl_fd, (int)a[0].number, command, (int)a[1].number, &limits));
}

/* Whether the limits of projects are kept: EACCES or so where they are only counted is told by the state, not by the limit. */
static napi_value run_project_quota(napi_env env, const struct argument *a) {
    struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
    unsigned command = QCMD(Q_XGETQSTATV, PRJQUOTA);
    long result = syscall(SYS_quotactl_fd, (int)a[0].number, command, 0, &state);
    if (result == -1) {
        if (errno == ENOSYS || errno == EOPNOTSUPP || errno == ESRCH || errno == EINVAL || errno == ENOTBLK)
            return make_boolean(env, false);
        return throw_errno(env, "quotactl_fd", errno);
    }
    return make_boolean(env, (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0);
}

const struct call snapshot_calls[] = {
    {"createSubvolume", "dn", run_create_subvolume},
    {"snapshotSubvolume", "fdn", run_snapshot_subvolume},
    {"removeSubvolume", "dn", run_remove_subvolume},
    {"copyContent", "ff", run_copy_content},
    {"setProject", "fu", run_set_project},
    {"project", "f", run_project},
    {"limitProject", "fut", run_limit_project},
    {"projectQuota", "f", run_project_quota},
    {0},
};
