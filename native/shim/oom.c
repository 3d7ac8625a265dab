#include "oom.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "scoped.h"
#include "syscalls.h"

/* The number after `key` at the start of a line ("oom_kill 3"); with an empty key, the file's one number. */
static uint64_t read_field(const char *directory, const char *file, const char *key) {
    char path[PATH_MAX], text[1024];
    int size = snprintf(path, sizeof path, "%s/%s", directory, file);
    if (size < 0 || (size_t)size >= sizeof path) return 0;
    scoped_fd fd = (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0) return 0;
    long length = SYS(read(fd, text, sizeof text - 1));
    if (length <= 0) return 0;
    text[length] = '\0';
    size_t key_length = strlen(key);
    for (const char *line = text; *line != '\0';) {
        if (key_length == 0) return strtoull(line, NULL, 10);
        if (strncmp(line, key, key_length) == 0 && line[key_length] == ' ') return strtoull(line + key_length + 1, NULL, 10);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return 0;
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
