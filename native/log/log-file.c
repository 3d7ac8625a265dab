#include "log-file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <sys/wait.h>

#include "log-compress.h"
#include "scoped.h"
#include "syscalls.h"

static int open_file(struct log_file *file) {
    file->fd = (int)SYS(open(file->config->path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
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

int log_file_open(struct log_file *file, const struct log_config *config) {
    file->config = config;
    return open_file(file);
}

static void numbered(const struct log_file *file, uint32_t number, const char *suffix, char path[PATH_MAX]) {
    if (number == 0) snprintf(path, PATH_MAX, "%s%s", file->config->path, suffix);
    else snprintf(path, PATH_MAX, "%s.%u%s", file->config->path, number, suffix);
}

static bool move_up(const struct log_file *file, uint32_t number, const char *suffix) {
    char from[PATH_MAX], to[PATH_MAX];
    numbered(file, number - 1, suffix, from);
    numbered(file, number, suffix, to);
    return SYS(rename(from, to)) == 0;
}

/* Of both names that a number can have, that of a file that could not be compressed is the plain one. */
static void drop(const struct log_file *file, uint32_t number, const char *suffix) {
    char path[PATH_MAX];
    numbered(file, number, suffix, path);
    unlink(path);
}

static void compress_first(struct log_file *file) {
    char path[PATH_MAX], target[PATH_MAX];
    numbered(file, 1, "", path);
    numbered(file, 1, ".gz", target);
    pid_t pid = (pid_t)SYS(fork());
    if (pid == 0) {
        /* The shim's lock above all. */
        sys_close_range(3, ~0u, 0);
        nice(19);
        _exit(compress_file(path, target) < 0);
    }
    file->compressor = pid < 0 ? 0 : pid;
}

/* If a rename fails the entries go on into the old file: too long a log is better than none. */
void log_file_rotate(struct log_file *file) {
    const struct log_config *config = file->config;
    /* What it has to do is little, and the names must not change meanwhile. */
    if (file->compressor > 0) SYS(waitpid(file->compressor, NULL, 0));
    file->compressor = 0;
    if (config->files <= 1) {
        if (SYS(ftruncate(file->fd, 0)) == 0) file->size = 0;
        return;
    }
    for (uint32_t number = config->files - 1; number > 0; number--) {
        if (config->compress && number > 1 && move_up(file, number, ".gz")) drop(file, number, "");
        if (move_up(file, number, "") && config->compress) drop(file, number, ".gz");
    }
    int old = file->fd;
    if (open_file(file) < 0) file->fd = old;
    else close(old);
    if (config->compress) compress_first(file);
}

void log_file_reaped(struct log_file *file, pid_t pid) {
    if (pid == file->compressor) file->compressor = 0;
}

size_t log_whole_records(const char *bytes, size_t length) {
    size_t whole = 0;
    while (length - whole >= 8) {
        const uint8_t *head = (const uint8_t *)bytes + whole;
        size_t record = ((size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]) + 8;
        if (record > length - whole) break;
        whole += record;
    }
    return whole;
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
