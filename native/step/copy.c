#include "copy.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>

#include "scoped.h"
#include "syscalls.h"

/* Each level takes three descriptors. */
enum { DEPTH_MAX = 200, CHUNK = 1 << 20 };

/* To the end, where `length` is 0. What comes where the file became shorter meanwhile is left out. */
static int copy_piece(int from, int to, off_t length) {
    off_t left = length;
    for (;;) {
        size_t chunk = length != 0 && left < CHUNK ? (size_t)left : CHUNK;
        long copied = SYS(sendfile(to, from, NULL, chunk));
        if (copied <= 0) return (int)copied;
        left -= copied;
        if (length != 0 && left <= 0) return 0;
    }
}

/* Holes stay holes: in a tmpfs each page counts. */
static int copy_content(int from, int to, const struct stat *status) {
    off_t size = status->st_size;
    if (status->st_blocks * 512 >= size) return copy_piece(from, to, 0);
    int result = 0;
    for (off_t hole = 0; result == 0 && hole < size;) {
        off_t data = (off_t)SYS(lseek(from, hole, SEEK_DATA));
        if (data == -ENXIO) break;
        /* A file system that does not tell. */
        if (data < 0) data = hole, hole = size;
        else hole = (off_t)SYS(lseek(from, data, SEEK_HOLE));
        if (hole <= data) return -EIO;
        SYS(lseek(from, data, SEEK_SET));
        SYS(lseek(to, data, SEEK_SET));
        result = copy_piece(from, to, hole - data);
    }
    return result < 0 ? result : (int)SYS(ftruncate(to, size));
}

static int copy_file(int from, int to, const char *name) {
    /* O_NONBLOCK: should it have become a pipe since it was looked at. */
    scoped_fd source = (int)SYS(openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (source < 0) return source;
    struct stat status;
    int result = (int)SYS(fstat(source, &status));
    if (result < 0) return result;
    if (!S_ISREG(status.st_mode)) return -EINVAL;
    scoped_fd target = (int)SYS(openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return target < 0 ? target : copy_content(source, target, &status);
}

static int copy_link(int from, int to, const char *name) {
    char target[PATH_MAX];
    long length = SYS(readlinkat(from, name, target, sizeof target - 1));
    if (length < 0) return (int)length;
    target[length] = '\0';
    return (int)SYS(symlinkat(target, to, name));
}

/*
 * The owner first: to change it takes the set-user-id bit away. Never through a link: a volume may be another
 * container's too, which may have put one there meanwhile (as CVE-2021-32760 of containerd).
 */
static int copy_attributes(int to, const char *name, const struct stat *status) {
    int result = (int)SYS(fchownat(to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW));
    if (result == 0 && !S_ISLNK(status->st_mode)) result = (int)SYS(fchmodat(to, name, status->st_mode & 07777, AT_SYMLINK_NOFOLLOW));
    const struct timespec times[] = {status->st_atim, status->st_mtim};
    return result < 0 ? result : (int)SYS(utimensat(to, name, times, AT_SYMLINK_NOFOLLOW));
}

static int copy_entries(int from, int to, int depth);

static int copy_subdirectory(int from, int to, const char *name, int depth) {
    if (depth == DEPTH_MAX) return -ELOOP;
    scoped_fd source = (int)SYS(openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    int result = source < 0 ? source : (int)SYS(mkdirat(to, name, 0700));
    if (result < 0) return result;
    scoped_fd target = (int)SYS(openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return target < 0 ? target : copy_entries(source, target, depth + 1);
}

static int copy_entry(int from, int to, const char *name, int depth) {
    struct stat status;
    int result = (int)SYS(fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW));
    if (result < 0) return result;
    if (S_ISSOCK(status.st_mode)) return 0;
    if (S_ISDIR(status.st_mode)) result = copy_subdirectory(from, to, name, depth);
    else if (S_ISREG(status.st_mode)) result = copy_file(from, to, name);
    else if (S_ISLNK(status.st_mode)) result = copy_link(from, to, name);
    else result = (int)SYS(mknodat(to, name, status.st_mode & (S_IFMT | 0777), status.st_rdev));
    return result < 0 ? result : copy_attributes(to, name, &status);
}

static int copy_entries(int from, int to, int depth) {
    int listed = (int)SYS(openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (listed < 0) return listed;
    scoped_directory directory = fdopendir(listed);
    if (directory == NULL) return close(listed), -ENOMEM;
    const struct dirent *entry;
    int result = 0;
    while (result == 0 && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        result = copy_entry(from, to, entry->d_name, depth);
    }
    return result;
}

int copy_directory(int from, int to) {
    return copy_entries(from, to, 0);
}

int directory_is_empty(int directory) {
    int listed = (int)SYS(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (listed < 0) return listed;
    scoped_directory stream = fdopendir(listed);
    if (stream == NULL) return close(listed), -ENOMEM;
    const struct dirent *entry;
    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) return 0;
    }
    return 1;
}
