#include "idmap.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "init.h"
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

static void skip_map(struct cursor *payload) {
    for (uint32_t numbers = take_count(payload) * 3; numbers > 0; numbers--) take_u32(payload);
}

enum { NUMBER_TEXT = 12, HELPER_LINES = 340 };

/* PROGRAM PID, to be followed by the numbers; the texts live until the next call. */
static struct {
    char numbers[1 + HELPER_LINES * 3][NUMBER_TEXT];
    char *arguments[1 + HELPER_LINES * 3 + 2];
} call;

static void begin_call(const char *program, pid_t process) {
    call.arguments[0] = (char *)(uintptr_t)program;
    snprintf(call.numbers[0], NUMBER_TEXT, "%d", (int)process);
    call.arguments[1] = call.numbers[0];
}

/* PROGRAM PID INSIDE OUTSIDE SIZE ... NULL when there are too many. */
static char **helper_arguments(const char *program, pid_t process, struct cursor *payload) {
    uint32_t count = take_count(payload) * 3;
    if (count > HELPER_LINES * 3) return NULL;
    begin_call(program, process);
    for (uint32_t i = 1; i <= count; i++) {
        snprintf(call.numbers[i], NUMBER_TEXT, "%u", take_u32(payload));
        call.arguments[i + 1] = call.numbers[i];
    }
    call.arguments[count + 2] = NULL;
    return call.arguments;
}

static _Noreturn void execute_helper(char **arguments, int complaint) {
    static char *environment[] = {(char *)(uintptr_t)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    signals_reset();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) dup2(null, 0), dup2(null, 1);
    dup2(complaint, 2);
    execve(arguments[0], arguments, environment);
    dprintf(2, "%s\n", strerror(errno));
    _exit(127);
}

/* The first line of what the program says on stderr. */
static void read_complaint(int fd, char *text, size_t size) {
    size_t used = 0;
    char rest[256];
    while (true) {
        bool full = used == size - 1;
        long length = SYS(full ? read(fd, rest, sizeof rest) : read(fd, text + used, size - 1 - used));
        if (length <= 0) break;
        if (!full) used += (size_t)length;
    }
    text[used] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* newuidmap(1) and newgidmap(1) may write what /etc/subuid and /etc/subgid grant; this process may not. */
static int run_helper(char **arguments, struct failure *failure) {
    const char *program = arguments[0];
    int ends[2];
    int result = (int)SYS(pipe2(ends, O_CLOEXEC));
    if (result < 0) return fail(failure, result, "map ids by \"%s\"", program);
    scoped_fd complaints = ends[0];
    pid_t child = (pid_t)SYS(fork());
    if (child == 0) execute_helper(arguments, ends[1]);
    close(ends[1]);
    if (child < 0) return fail(failure, child, "map ids by \"%s\"", program);
    char text[256];
    read_complaint(complaints, text, sizeof text);
    int status = 0;
    SYS(waitpid(child, &status, 0));
    return status == 0 ? 0 : fail(failure, EPERM, "map ids by \"%s\": %s", program, text);
}

static int helper_map(const char *program, pid_t process, struct cursor *payload, struct failure *failure) {
    char **arguments = helper_arguments(program, process, payload);
    return arguments == NULL ? fail(failure, E2BIG, "map ids by \"%s\"", program) : run_helper(arguments, failure);
}

static int write_map(struct cursor *payload, pid_t process, const char *name, struct failure *failure) {
    struct map map = {.used = 0};
    int result = take_map(payload, &map);
    if (result < 0) return fail(failure, result, "write the id maps: too many lines");
    return write_file(process, name, map.text, map.used, failure);
}

int idmap_write_maps(struct cursor *payload, pid_t process, struct failure *failure) {
    int result = write_map(payload, process, "uid_map", failure);
    return result < 0 ? result : write_map(payload, process, "gid_map", failure);
}

int idmap_write(struct cursor *payload, pid_t process, struct failure *failure) {
    struct cursor users = *payload;
    skip_map(payload);
    struct cursor groups = *payload;
    skip_map(payload);
    bool allow = take_bool(payload);
    const char *setgroups = allow ? "allow" : "deny";
    const char *newuidmap = take_optional(payload), *newgidmap = take_optional(payload);
    int result = write_file(process, "setgroups", setgroups, strlen(setgroups), failure);
    /* Where the namespace above denies it, it can't be allowed (user_namespaces(7)), and few containers need it. */
    if (result == -EPERM && allow) failure_clear(failure);
    else if (result < 0) return result;
    result = newuidmap != NULL ? helper_map(newuidmap, process, &users, failure)
                               : write_map(&users, process, "uid_map", failure);
    if (result < 0) return result;
    return newgidmap != NULL ? helper_map(newgidmap, process, &groups, failure)
                             : write_map(&groups, process, "gid_map", failure);
}

int idmap_write_words(const char *helper, char *words, pid_t process, const char *name, struct failure *failure) {
    if (strcmp(helper, "-") == 0) return write_file(process, name, words, strlen(words), failure);
    begin_call(helper, process);
    size_t count = 0;
    for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL; count++) {
        if (count == HELPER_LINES * 3) return fail(failure, E2BIG, "map ids by \"%s\"", helper);
        call.arguments[count + 2] = word;
    }
    call.arguments[count + 2] = NULL;
    return run_helper(call.arguments, failure);
}

int idmap_deny_groups(pid_t process, struct failure *failure) {
    return write_file(process, "setgroups", "deny", strlen("deny"), failure);
}
