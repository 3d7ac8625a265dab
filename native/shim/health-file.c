/*
 * The directory of a container's health checks:
 *
 *   plan    how a check is made, for the launcher
 *   status  "WORD STREAK COUNT\n"
 *   0 to 4  one of the last checks each: "START END CODE\n" (ns since the epoch), then what it has printed
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "health.h"
#include "scoped.h"
#include "syscalls.h"
#include "timestamp.h"

const char *health_word(enum health_status status) {
    static const char *const words[] = {"starting", "healthy", "unhealthy"};
    return words[status];
}

static int write_parts(int fd, const struct iovec *parts, int count) {
    size_t wanted = 0;
    for (int i = 0; i < count; i++) wanted += parts[i].iov_len;
    long written = SYS(writev(fd, parts, count));
    if (written < 0) return (int)written;
    return (size_t)written == wanted ? 0 : -ENOSPC;
}

/* Readers see the one before or the whole. */
static void replace(const char *directory, const char *name, const struct iovec *parts, int count) {
    scoped_fd at = (int)SYS(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (at < 0) return;
    scoped_fd fd = (int)SYS(openat(at, ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd >= 0 && write_parts(fd, parts, count) == 0) SYS(renameat(at, ".new", at, name));
}

static struct iovec text_part(const char *text) {
    return (struct iovec){(char *)text, strlen(text)};
}

void health_keep_check(const struct health *health, const struct result *result) {
    const struct check *check = &health->check;
    char name[2] = {(char)('0' + health->count % HEALTH_CHECKS), '\0'}, head[80];
    snprintf(head, sizeof head, "%llu %llu %d\n", (unsigned long long)check->began, (unsigned long long)timestamp_ns(), result->code);
    struct iovec parts[] = {
        text_part(head), text_part(result->reason), {(char *)check->text, check->used}, text_part(check->cut ? "..." : "")};
    replace(health->options.directory, name, parts, 4);
}

void health_keep_status(const struct health *health) {
    char text[80];
    snprintf(text, sizeof text, "%s %u %llu\n", health_word(health->status), health->streak, (unsigned long long)health->count);
    struct iovec part = text_part(text);
    replace(health->options.directory, "status", &part, 1);
}
