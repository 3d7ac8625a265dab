/* Step: the root file system out of layers, made here or, where ids have to be mapped, by the keeper. */
#include "init.h"
#include "message.h"
#include "mount.h"
#include "overlay.h"
#include "scoped.h"
#include "syscalls.h"

/*
 * An init that has no way to the target puts it over the root of its own mount namespace. Paths still begin at what is
 * covered by that; what is found in the new root is found by its descriptor. One that becomes criu is root of the machine.
 */
int root_receive(struct init *init, const char *target) {
    struct record record;
    if (plan_find(init->plan, OP_RESTORE, &record)) {
        scoped_fd tree = init_await_descriptor(init, MESSAGE_MOUNT);
        return root_place(init, tree, target);
    }
    init->root = init_await_descriptor(init, MESSAGE_MOUNT);
    return root_place(init, init->root, "/");
}

int root_place(struct init *init, int tree, const char *target) {
    scoped_fd place = (int)SYS(open(target, O_PATH | O_DIRECTORY | O_CLOEXEC));
    int result = place < 0 ? place : sys_move_mount(tree, place);
    /* pivot_root(2) takes no shared mount, and a copy of a shared one is shared. */
    if (result == 0) result = mount_change(tree, 0, 0, MS_PRIVATE, 0);
    return result < 0 ? fail(&init->failure, result, "put the root file system on \"%s\"", target) : 0;
}

int step_overlay(struct init *init, struct cursor *payload) {
    struct overlay overlay;
    overlay_read(payload, &overlay);
    return overlay.mapping == MAP_NONE ? overlay_mount(&overlay, &init->failure) : root_receive(init, overlay.target);
}
