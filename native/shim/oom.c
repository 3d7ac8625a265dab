#include "oom.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "protocol.h"
#include "scoped.h"
#include "syscalls.h"

static int open_file(const char *directory, const char *file, int flags) {
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s", directory, file);
    if (size < 0 || (size_t)size >= sizeof path) return -ENAMETOOLONG;
    return (int)SYS(open(path, flags | O_CLOEXEC));
}

/* The number after `key` at the start of a line ("oom_kill 3"); with an empty key, the file's one number. False: unread. */
static bool field_of(int fd, const char *key, uint64_t *value) {
    char text[1024];
    long length = SYS(pread(fd, text, sizeof text - 1, 0));
    *value = 0;
    if (length < 0) return false;
    text[length] = '\0';
    size_t key_length = strlen(key);
    for (const char *line = text; *line != '\0'; line += *line == '\n') {
        const char *number = line + key_length + (key_length > 0);
        bool found = key_length == 0 || (strncmp(line, key, key_length) == 0 && line[key_length] == ' ');
        if (found) *value = strtoull(number, NULL, 10);
        if (found) return true;
        line += strcspn(line, "\n");
    }
    return true;
}

/* 0 where there is none. */
static uint64_t read_field(const char *directory, const char *file, const char *key) {
    uint64_t value = 0;
    scoped_fd fd = open_file(directory, file, O_RDONLY);
    if (fd >= 0) field_of(fd, key, &value);
    return value;
}

/* v1/cgroups.rst, "memory.oom_control": the eventfd is signalled when the limit is hit, just before something is killed. */
static int register_eventfd(const char *directory) {
    scoped_fd fd = (int)SYS(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    scoped_fd oom = open_file(directory, "memory.oom_control", O_RDONLY);
    scoped_fd control = open_file(directory, "cgroup.event_control", O_WRONLY);
    char text[32];
    int length = snprintf(text, sizeof text, "%d %d", fd, oom);
    if (fd < 0 || oom < 0 || control < 0 || SYS(write(control, text, (size_t)length)) != length) return -1;
    return take_fd(&fd);
}

void oom_watch_open(struct oom_watch *watch, uint32_t version, const char *directory) {
    watch->counts = version == 2;
    if (version == 1) watch->fd = register_eventfd(directory);
    if (version == 2) watch->fd = open_file(directory, "memory.events", O_RDONLY);
    if (watch->fd < 0) watch->fd = -1;
}

/* Reading from a file of cgroup v2 arms its poll(2) again; from one whose cgroup is gone, nothing can be read. */
bool oom_watch_read(struct oom_watch *watch) {
    uint64_t found = 0;
    if (watch->fd < 0) return false;
    if (watch->counts ? !field_of(watch->fd, "oom_kill", &found) : SYS(read(watch->fd, &found, sizeof found)) != sizeof found) {
        if (watch->counts) drop_fd(&watch->fd);
        return false;
    }
    bool struck = found > watch->kills;
    if (watch->counts) watch->kills = found;
    watch->struck |= struck;
    return struck;
}

/*
 * Whether usage has once been at the limit. The failure counters of v1 don't always tell: newer kernels (seen: 6.18)
 * don't count failures at the limit of memory and swap. Charges come in batches of up to 64 pages (MEMCG_CHARGE_BATCH).
 */
static bool was_full(const char *directory, const char *usage, const char *limit) {
    uint64_t most = read_field(directory, limit, ""), reached = read_field(directory, usage, "");
    uint64_t batch = 64u * 4096u;
    return most != 0 && reached + batch >= most;
}

/*
 * cgroup-v2.rst: "oom_kill" counts kills by any OOM killer, "oom" and "max" of memory.events.local how often this
 * very group ran into its own limit. v1/memory.rst: the same by oom_kill of memory.oom_control and memory.failcnt.
 */
uint32_t oom_read(uint32_t version, const char *directory) {
    if (version == 2) {
        if (read_field(directory, "memory.events", "oom_kill") == 0) return 0;
        uint64_t own = read_field(directory, "memory.events.local", "oom") | read_field(directory, "memory.events.local", "max");
        return own != 0 ? EXIT_OOM_CGROUP : EXIT_OOM_HOST;
    }
    if (version == 1) {
        if (read_field(directory, "memory.oom_control", "oom_kill") == 0) return 0;
        bool own = read_field(directory, "memory.failcnt", "") != 0 || read_field(directory, "memory.memsw.failcnt", "") != 0 ||
                   was_full(directory, "memory.memsw.max_usage_in_bytes", "memory.memsw.limit_in_bytes");
        return own ? EXIT_OOM_CGROUP : EXIT_OOM_HOST;
    }
    return 0;
}
