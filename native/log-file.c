#include "log-file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "scoped.h"
#include "syscalls.h"

static int open_file(struct log_file *file) {
    file->fd = (int)SYS(open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (file->fd < 0) return file->fd;
    struct stat status;
    int result = (int)SYS(fstat(file->fd, &status));
    if (result == 0 && !S_ISREG(status.st_mode)) result = -EINVAL;
    if (result < 0) {
        drop_fd(&file->fd);
        return result;
    }
    file->size = (uint64_t)status.st_size;
    return 0;
}

int log_file_open(struct log_file *file, const char *path, uint64_t max, uint32_t files) {
    file->path = path;
    file->max = max;
    file->files = files;
    return open_file(file);
}

static void numbered(const struct log_file *file, uint32_t number, char path[PATH_MAX]) {
    if (number == 0) snprintf(path, PATH_MAX, "%s", file->path);
    else snprintf(path, PATH_MAX, "%s.%u", file->path, number);
}

/* If a rename fails the entries go on into the old file: too long a log is better than none. */
void log_file_rotate(struct log_file *file) {
    char from[PATH_MAX], to[PATH_MAX];
    if (file->files <= 1) {
        if (SYS(ftruncate(file->fd, 0)) == 0) file->size = 0;
        return;
    }
    for (uint32_t number = file->files - 1; number > 0; number--) {
        numbered(file, number - 1, from);
        numbered(file, number, to);
        SYS(rename(from, to));
    }
    int old = file->fd;
    if (open_file(file) < 0) file->fd = old;
    else close(old);
}

size_t log_whole_lines(const char *bytes, size_t length) {
    const char *newline = memrchr(bytes, '\n', length);
    return newline == NULL ? 0 : (size_t)(newline - bytes) + 1;
}

void log_file_append(struct log_file *file, const char *bytes, size_t length, log_whole *whole) {
    size_t done = 0;
    long written = 1;
    while (done < length && written > 0) {
        written = SYS(write(file->fd, bytes + done, length - done));
        if (written > 0) done += (size_t)written;
    }
    size_t kept = done == length ? done : whole(bytes, done);
    file->size += kept;
    if (kept < done) SYS(ftruncate(file->fd, (off_t)file->size));
}
