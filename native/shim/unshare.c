#include "unshare.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "idmap.h"
#include "init.h"
#include "scoped.h"
#include "syscalls.h"

enum { USER_HELPER, USER_MAP, GROUP_HELPER, GROUP_MAP, PROGRAM };
enum { FAILED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

static int complain(const struct failure *failure, int status) {
    dprintf(2, "onggi: %s: %s\n", failure->text, strerror((int)failure->error));
    return status;
}

static int write_maps(char **words, pid_t process, struct failure *failure) {
    int result = idmap_write_words(words[USER_HELPER], words[USER_MAP], process, "uid_map", failure);
    if (result == 0 && strcmp(words[GROUP_HELPER], "-") == 0) result = idmap_deny_groups(process, failure);
    if (result < 0) return result;
    return idmap_write_words(words[GROUP_HELPER], words[GROUP_MAP], process, "gid_map", failure);
}

/* The maps are written from outside, so by a child that stays there. It answers with a failure, or none. */
static _Noreturn void map_parent(int channel, char **words) {
    static struct failure failure;
    pid_t parent = getppid();
    char ready;
    if (SYS(read(channel, &ready, 1)) != 1) _exit(1);
    write_maps(words, parent, &failure);
    SYS(write(channel, &failure, sizeof failure));
    _exit(0);
}

static int await_maps(int channel, struct failure *failure) {
    struct failure answer;
    int result = sys_unshare(CLONE_NEWUSER | CLONE_NEWNS);
    if (result < 0) {
        /* The switches of Linux, Debian and Ubuntu. */
        return fail(failure, result, "make a user namespace, which user.max_user_namespaces, "
                    "kernel.unprivileged_userns_clone or kernel.apparmor_restrict_unprivileged_userns may forbid");
    }
    SYS(write(channel, "", 1));
    if (SYS(read(channel, &answer, sizeof answer)) != (long)sizeof answer) return fail(failure, ESRCH, "map ids");
    if (answer.error == 0) return 0;
    *failure = answer;
    return -1;
}

static int enter(char **words, struct failure *failure) {
    int ends[2];
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    if (result < 0) return fail(failure, result, "make a channel");
    scoped_fd ours = ends[0];
    pid_t child = (pid_t)SYS(fork());
    if (child == 0) {
        close(ours);
        map_parent(ends[1], words);
    }
    close(ends[1]);
    if (child < 0) return fail(failure, child, "fork");
    result = await_maps(ours, failure);
    /* Nothing is left of it when it waits still: its end of the channel is at an end. */
    drop_fd(&ours);
    SYS(waitpid(child, NULL, 0));
    if (result < 0) return result;
    result = sys_setresgid(0);
    if (result == 0) result = sys_setresuid(0);
    return result < 0 ? fail(failure, result, "become root in the user namespace") : 0;
}

int unshare_run(int count, char **arguments) {
    struct failure failure = {0};
    if (count <= PROGRAM) return FAILED;
    signals_reset();
    if (enter(arguments, &failure) < 0) return complain(&failure, FAILED);
    execvp(arguments[PROGRAM], arguments + PROGRAM);
    fail(&failure, errno, "execute \"%s\"", arguments[PROGRAM]);
    return complain(&failure, failure.error == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}
