/* Calls on files, by directory descriptor and name: what unpacking an image safely is made of. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6; the same number on every architecture */
#endif

/* Large enough for "/proc/self/fd/" and any int. */
#define FD_PATH_MAX 32

static void fd_path(char path[FD_PATH_MAX], int fd) {
    snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
}

static napi_value run_close(napi_env env, const struct argument *a) {
    /* No retry: Linux has freed the descriptor even when close(2) reports EINTR. */
    return close((int)a[0].number) == -1 && errno != EINTR ? throw_errno(env, "close", errno) : NULL;
}

static napi_value run_openat2(napi_env env, const struct argument *a) {
    struct open_how how = {
        .flags = (uint64_t)a[2].number | O_CLOEXEC,
        .mode = (uint64_t)a[3].number,
        .resolve = (uint64_t)a[4].number,
    };
    long fd;
    RETRY(fd, syscall(SYS_openat2, (int)a[0].number, a[1].text, &how, sizeof how));
    return check_number(env, "openat2", fd);
}

static napi_value run_mkdirat(napi_env env, const struct argument *a) {
    return check(env, "mkdirat", mkdirat((int)a[0].number, a[1].text, (mode_t)a[2].number));
}

static napi_value run_mknodat(napi_env env, const struct argument *a) {
    dev_t device = makedev((unsigned)a[3].number, (unsigned)a[4].number);
    return check(env, "mknodat", mknodat((int)a[0].number, a[1].text, (mode_t)a[2].number, device));
}

static napi_value run_symlinkat(napi_env env, const struct argument *a) {
    return check(env, "symlinkat", symlinkat(a[0].text, (int)a[1].number, a[2].text));
}

static napi_value run_linkat(napi_env env, const struct argument *a) {
    return check(env, "linkat", linkat((int)a[0].number, a[1].text, (int)a[2].number, a[3].text, 0));
}

static napi_value run_unlinkat(napi_env env, const struct argument *a) {
    return check(env, "unlinkat", unlinkat((int)a[0].number, a[1].text, a[2].number ? AT_REMOVEDIR : 0));
}

static napi_value run_renameat(napi_env env, const struct argument *a) {
    unsigned flags = a[4].number ? RENAME_NOREPLACE : 0;
    return check(env, "renameat2", renameat2((int)a[0].number, a[1].text, (int)a[2].number, a[3].text, flags));
}

static napi_value run_chownat(napi_env env, const struct argument *a) {
    uid_t uid = (uid_t)a[2].number;
    gid_t gid = (gid_t)a[3].number;
    return check(env, "fchownat", fchownat((int)a[0].number, a[1].text, uid, gid, AT_SYMLINK_NOFOLLOW));
}

/* chmod of what an O_PATH descriptor refers to; a symbolic link has no mode of its own. */
static int chmod_without_following(int directory, const char *name, mode_t mode) {
    SCOPED_FD fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) return -1;
    struct stat found;
    if (fstat(fd, &found) == -1) return -1;
    if (S_ISLNK(found.st_mode)) {
        errno = EOPNOTSUPP;
        return -1;
    }
    char path[FD_PATH_MAX];
    fd_path(path, fd);
    return chmod(path, mode);
}

static napi_value run_chmodat(napi_env env, const struct argument *a) {
    int directory = (int)a[0].number;
    mode_t mode = (mode_t)a[2].number;
    long result = syscall(SYS_fchmodat2, directory, a[1].text, mode, AT_SYMLINK_NOFOLLOW);
    /* ENOSYS before Linux 6.6; EPERM where a seccomp filter does not know the number. */
    if (result == -1 && (errno == ENOSYS || errno == EPERM)) {
        result = chmod_without_following(directory, a[1].text, mode);
    }
    return check(env, "fchmodat2", result);
}

static void read_times(struct timespec times[2], const struct argument *a) {
    times[0] = (struct timespec){.tv_sec = a[0].number, .tv_nsec = a[1].number};
    times[1] = (struct timespec){.tv_sec = a[2].number, .tv_nsec = a[3].number};
}

static napi_value run_utimensat(napi_env env, const struct argument *a) {
    struct timespec times[2];
    read_times(times, a + 2);
    return check(env, "utimensat", utimensat((int)a[0].number, a[1].text, times, AT_SYMLINK_NOFOLLOW));
}

static napi_value run_fchown(napi_env env, const struct argument *a) {
    return check(env, "fchown", fchown((int)a[0].number, (uid_t)a[1].number, (gid_t)a[2].number));
}

static napi_value run_fchmod(napi_env env, const struct argument *a) {
    return check(env, "fchmod", fchmod((int)a[0].number, (mode_t)a[1].number));
}

static napi_value run_futimens(napi_env env, const struct argument *a) {
    struct timespec times[2];
    read_times(times, a + 1);
    return check(env, "futimens", futimens((int)a[0].number, times));
}

static napi_value run_setxattrat(napi_env env, const struct argument *a) {
    SCOPED_FD fd = openat((int)a[0].number, a[1].text, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) return throw_errno(env, "setxattrat", errno);
    /* fsetxattr(2) refuses O_PATH; the magic link ends at the entry itself, be it a symbolic link or not. */
    char path[FD_PATH_MAX];
    fd_path(path, fd);
    return check(env, "setxattrat", setxattr(path, a[2].text, a[3].bytes, a[3].length, 0));
}

static napi_value run_write_all(napi_env env, const struct argument *a) {
    return check(env, "write", write_fully((int)a[0].number, a[1].bytes, a[1].length));
}

static napi_value run_skip(napi_env env, const struct argument *a) {
    return check(env, "lseek", lseek((int)a[0].number, (off_t)a[1].number, SEEK_CUR));
}

static napi_value run_start_writeback(napi_env env, const struct argument *a) {
    /* Only a hint: what can't be begun now is written when it is synced. */
    int result = sync_file_range((int)a[0].number, a[1].number, a[2].number, SYNC_FILE_RANGE_WRITE);
    return result == -1 && errno == EBADF ? throw_errno(env, "sync_file_range", errno) : NULL;
}

static napi_value run_syncfs(napi_env env, const struct argument *a) {
    return check(env, "syncfs", syncfs((int)a[0].number));
}

/* More than any file of /proc, of a cgroup or of ours that is read whole. */
enum { TEXT_MAX = 64 << 20 };

/* Doubles the room until read(2) has met the end: files of /proc don't tell their size. */
static ssize_t read_whole(int fd, char **text) {
    size_t room = 0, length = 0;
    for (;;) {
        if (length == room) {
            room = room == 0 ? 8192 : room * 2;
            char *larger = room > TEXT_MAX ? NULL : realloc(*text, room);
            if (larger == NULL) return errno = room > TEXT_MAX ? EFBIG : ENOMEM, -1;
            *text = larger;
        }
        ssize_t found;
        RETRY(found, read(fd, *text + length, room - length));
        if (found <= 0) return found == 0 ? (ssize_t)length : -1;
        length += (size_t)found;
    }
}

static napi_value read_text(napi_env env, int file) {
    SCOPED_FD fd = file;
    if (fd == -1) return throw_errno(env, "open", errno);
    char *text = NULL;
    ssize_t length = read_whole(fd, &text);
    napi_value value = NULL;
    if (length == -1) {
        throw_errno(env, "read", errno);
    } else if (napi_create_string_utf8(env, text, (size_t)length, &value) != napi_ok) {
        value = NULL;
    }
    free(text);
    return value;
}

static int open_to_read(const char *path) {
    return open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

static napi_value run_read_text(napi_env env, const struct argument *a) {
    return read_text(env, open_to_read(a[0].text));
}

/* To throw takes JavaScript's engine a tenth of a millisecond, and many files are asked for that are mostly not there. */
static napi_value run_read_text_if_there(napi_env env, const struct argument *a) {
    int fd = open_to_read(a[0].text);
    return fd == -1 && (errno == ENOENT || errno == ENOTDIR) ? NULL : read_text(env, fd);
}

const struct call file_calls[] = {
    {"readText", "s", run_read_text},
    {"readTextIfThere", "s", run_read_text_if_there},
    {"close", "f", run_close},
    {"openat2", "dsuou", run_openat2},
    {"mkdirat", "dno", run_mkdirat},
    {"mknodat", "dnouu", run_mknodat},
    {"symlinkat", "sdn", run_symlinkat},
    {"linkat", "dndn", run_linkat},
    {"unlinkat", "dnb", run_unlinkat},
    {"renameat", "dndnb", run_renameat},
    {"chownat", "dnuu", run_chownat},
    {"chmodat", "dno", run_chmodat},
    {"utimensat", "dntutu", run_utimensat},
    {"fchown", "fuu", run_fchown},
    {"fchmod", "fo", run_fchmod},
    {"futimens", "ftutu", run_futimens},
    {"setxattrat", "dnsy", run_setxattrat},
    {"writeAll", "fy", run_write_all},
    {"skip", "ft", run_skip},
    {"startWriteback", "ftt", run_start_writeback},
    {"syncfs", "f", run_syncfs},
    {0},
};
