/* The last step: the command itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

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

/* All else is closed at the exec from here on. */
static int leave_open(struct init *init, int fd, int number) {
    int result = init_settle(init);
    return result < 0 ? result : (int)SYS(dup2(fd, number));
}

int step_network_descriptor(struct init *init, struct cursor *payload) {
    scoped_fd found = (int)SYS(open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
    int result = found < 0 ? found : leave_open(init, found, (int)take_u32(payload));
    return result < 0 ? fail(&init->failure, result, "open the network namespace for the command") : 0;
}

static int leave_directory_open(struct init *init, const char *path, int number) {
    scoped_fd found = (int)SYS(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int result = found < 0 ? found : leave_open(init, found, number);
    return result < 0 ? fail(&init->failure, result, "open \"%s\" for criu", path) : 0;
}

/* By this process: of who has made the socket, criu takes the directories, and they have to be of criu's mounts. */
int step_criu_descriptors(struct init *init, struct cursor *payload) {
    int number = (int)take_u32(payload), ends[2];
    int result = leave_directory_open(init, take_string(payload), number + 1);
    if (result == 0) result = leave_directory_open(init, take_string(payload), number + 2);
    if (result < 0) return result;
    result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    if (result < 0) return fail(&init->failure, result, "make a socket for criu");
    scoped_fd its = ends[0], keeper = ends[1];
    result = leave_open(init, its, number);
    if (result >= 0) result = message_send(init->report, MESSAGE_CRIU, NULL, keeper);
    return result < 0 ? fail(&init->failure, result, "connect the keeper with criu") : 0;
}

int command_execute(struct init *init, const struct command *command) {
    int result = init_settle(init);
    if (result == 0) result = init_say(init, MESSAGE_EXECUTING, NULL);
    if (result == 0) result = (int)SYS(execve(command->path, command->arguments, command->environment));
    return fail(&init->failure, result, "execute \"%s\"", command->path);
}
