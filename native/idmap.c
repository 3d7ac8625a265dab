#include "idmap.h"

#include <stdio.h>
#include <string.h>

#include "scoped.h"
#include "syscalls.h"

/* One write(2) takes the whole map, of at most a page and 340 lines. */
struct map {
    char text[4096];
    size_t used;
};

static int take_map(struct cursor *payload, struct map *map) {
    for (uint32_t count = take_count(payload); count > 0; count--) {
        uint32_t inside = take_u32(payload), outside = take_u32(payload), size = take_u32(payload);
        size_t space = sizeof map->text - map->used;
        int length = snprintf(map->text + map->used, space, "%u %u %u\n", inside, outside, size);
        if (length < 0 || (size_t)length >= space) return -E2BIG;
        map->used += (size_t)length;
    }
    return 0;
}

static int write_file(pid_t process, const char *name, const char *text, size_t length, struct failure *failure) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, name);
    scoped_fd fd = (int)SYS(open(path, O_WRONLY | O_CLOEXEC));
    long result = fd < 0 ? fd : SYS(write(fd, text, length));
    return result < 0 ? fail(failure, (int)result, "write the id map to \"%s\"", path) : 0;
}

int idmap_write_maps(struct cursor *payload, pid_t process, struct failure *failure) {
    struct map users = {.used = 0}, groups = {.used = 0};
    int result = take_map(payload, &users);
    if (result == 0) result = take_map(payload, &groups);
    if (result < 0) return fail(failure, result, "write the id maps: too many lines");
    result = write_file(process, "uid_map", users.text, users.used, failure);
    return result < 0 ? result : write_file(process, "gid_map", groups.text, groups.used, failure);
}

static void skip_map(struct cursor *payload) {
    for (uint32_t numbers = take_count(payload) * 3; numbers > 0; numbers--) take_u32(payload);
}

int idmap_write(struct cursor *payload, pid_t process, struct failure *failure) {
    struct cursor maps = *payload;
    skip_map(payload);
    skip_map(payload);
    const char *setgroups = take_bool(payload) ? "allow" : "deny";
    int result = write_file(process, "setgroups", setgroups, strlen(setgroups), failure);
    return result < 0 ? result : idmap_write_maps(&maps, process, failure);
}
