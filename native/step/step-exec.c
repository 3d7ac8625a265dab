/* The last step: the command itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "init.h"
#include "message.h"
#include "reaper.h"
#include "scoped.h"
#include "syscalls.h"

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
    const char *program = take_optional(payload);
    if (arguments == NULL || environment == NULL) return fail(&init->failure, ENOMEM, "allocate the arguments");
    char home[PATH_MAX + 5];
    snprintf(home, sizeof home, "HOME=%s", init->home);
    add_home(environment, init->home[0] == '\0' ? init->home : home);
    const char *path = init->executable[0] == '\0' ? arguments[0] : init->executable;
    struct command command = {path, arguments, environment};
    if (reaper) return reaper_run(init, &command, program);
    return command_execute(init, &command);
}

int step_network_descriptor(struct init *init, struct cursor *payload) {
    int number = (int)take_u32(payload);
    /* All else is closed at the exec from here on. */
    int result = init_settle(init);
    scoped_fd found = result < 0 ? result : (int)SYS(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    if (found >= 0) result = (int)SYS(dup2(found, number));
    else result = found;
    return result < 0 ? fail(&init->failure, result, "open the network namespace for the command") : 0;
}

int command_execute(struct init *init, const struct command *command) {
    int result = init_settle(init);
    if (result == 0) result = init_say(init, MESSAGE_EXECUTING, NULL);
    if (result == 0) result = (int)SYS(execve(command->path, command->arguments, command->environment));
    return fail(&init->failure, result, "execute \"%s\"", command->path);
}
