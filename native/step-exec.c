/* The last step: the command itself. */
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "init.h"
#include "message.h"
#include "reaper.h"
#include "syscalls.h"

/* A NULL-terminated array of the strings of a list, with room for one more. */
static char **take_vector(struct cursor *payload) {
    uint32_t count = take_count(payload);
    char **vector = calloc((size_t)count + 2, sizeof *vector);
    if (vector == NULL) return NULL;
    for (uint32_t i = 0; i < count; i++) vector[i] = (char *)take_string(payload);
    return vector;
}

/* HOME is a matter of the container's /etc/passwd, so the plan can't have it; a HOME of the user's own stays. */
static void add_home(char **environment, char *home) {
    size_t count = 0;
    for (; environment[count] != NULL; count++) {
        if (strncmp(environment[count], "HOME=", 5) == 0) return;
    }
    if (home[0] != '\0') environment[count] = home;
}

int step_exec(struct init *init, struct cursor *payload) {
    char **arguments = take_vector(payload);
    char **environment = take_vector(payload);
    bool reaper = take_bool(payload);
    if (arguments == NULL || environment == NULL) return fail(&init->failure, ENOMEM, "allocate the arguments");
    char home[PATH_MAX + 5];
    snprintf(home, sizeof home, "HOME=%s", init->home);
    add_home(environment, init->home[0] == '\0' ? init->home : home);
    const char *path = init->executable[0] == '\0' ? arguments[0] : init->executable;
    umask(init->umask);
    struct command command = {path, arguments, environment};
    if (reaper) return reaper_run(init, &command);
    return command_execute(init, &command);
}

int command_execute(struct init *init, const struct command *command) {
    int result = sys_close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    if (result == 0) result = message_send(init->report, MESSAGE_EXECUTING, NULL, -1);
    if (result == 0) result = (int)SYS(execve(command->path, command->arguments, command->environment));
    return fail(&init->failure, result, "execute \"%s\"", command->path);
}
