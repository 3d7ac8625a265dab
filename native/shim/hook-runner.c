/*
 * The hooks of the attach phase beside the loop of the shim, which goes on to serve its clients: one of them may be
 * about to kill a container whose hook never ends.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launch.h"
#include "scoped.h"
#include "shim.h"
#include "syscalls.h"

/* Lock, log, listener and clients are the shim's alone: a connection that it closes must end. */
static void keep_only(int one, int other) {
    unsigned low = (unsigned)(one < other ? one : other), high = (unsigned)(one < other ? other : one);
    if (low > 3) sys_close_range(3, low - 1, 0);
    if (high > low + 1) sys_close_range(low + 1, high - 1, 0);
    sys_close_range(high + 1, ~0u, 0);
}

static _Noreturn void run(const struct shim *shim, int channel) {
    struct failure failure = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "onggi-hooks", 0, 0, 0);
    keep_only(shim->report, channel);
    int result = launch_hooks(&shim->plan, shim->init, shim->report, channel, &failure);
    message_send(channel, result == 0 ? MESSAGE_HOOKED : MESSAGE_FAIL, result == 0 ? NULL : &failure, -1);
    _exit(0);
}

int hooks_start(struct shim *shim) {
    int pair[2];
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    if (result < 0) return result;
    pid_t pid = (pid_t)SYS(fork());
    if (pid == 0) run(shim, pair[1]);
    close(pair[1]);
    if (pid < 0) return close(pair[0]), pid;
    shim->hook_runner = pair[0];
    return 0;
}

int hooks_take(struct shim *shim, struct failure *failure) {
    struct message message;
    int result = message_receive(shim->hook_runner, &message, NULL, MSG_DONTWAIT);
    if (result == -EAGAIN) return 0;
    drop_fd(&shim->hook_runner);
    if (result == 1 && message.type == MESSAGE_FAIL) *failure = message.failure;
    else if (result != 1) fail(failure, ESRCH, "the process that runs the hooks ended");
    return 1;
}
