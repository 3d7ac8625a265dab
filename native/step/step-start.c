/* The steps that wait for others: the hooks, and the word to start. */
#include "hook.h"
#include "init.h"
#include "protocol.h"
#include "frame.h"
#include "scoped.h"
#include "syscalls.h"

int step_runtime_hooks(struct init *init, struct cursor *payload) {
    (void)payload;
    int result = init_say(init, MESSAGE_MOUNTED, NULL);
    if (result < 0) return fail(&init->failure, result, "report that the mounts are made");
    init_await(init, MESSAGE_HOOKED);
    return 0;
}

int step_hook(struct init *init, struct cursor *payload) {
    struct cursor kind = *payload;
    /* A createContainer hook has a path of the host and the container before its eyes. */
    int directory = take_u32(&kind) == HOOK_CREATE_CONTAINER ? init->root : -1;
    return hook_run(payload, getpid(), directory, -1, &init->failure);
}

/*
 * The keeper leaves now, and somebody else says START, in a frame through a fifo. Only read(2) and write(2) from here
 * to the exec: a filter may be loaded that allows little more. The fifo is open for writing here as well, so a starter
 * that goes away without a word leaves nothing but the wait.
 */
static int await_starter(struct init *init) {
    drop_fd(&init->report);
    unsigned char frame[FRAME_HEADER];
    size_t used = 0;
    while (used < sizeof frame) {
        long got = SYS(read(init->start, frame + used, sizeof frame - used));
        if (got <= 0) return got < 0 ? (int)got : -EPIPE;
        used += (size_t)got;
    }
    /* Before the answer: who has heard it finds nobody waiting any more. */
    drop_fd(&init->start);
    return frame[0] == FRAME_START ? 0 : -EBADMSG;
}

int step_wait_start(struct init *init, struct cursor *payload) {
    (void)payload;
    bool alone = init->start >= 0;
    int result = alone ? init_settle(init) : 0;
    if (result == 0) result = init_say(init, MESSAGE_CREATED, NULL);
    if (result < 0) return fail(&init->failure, result, "report that the container is created");
    if (!alone) init_await(init, MESSAGE_START);
    else result = await_starter(init);
    return result < 0 ? fail(&init->failure, result, "wait for the start") : 0;
}
