/* Steps that bind: a directory or file of the host, on a path of the container or as its root. */
#include "copy.h"
#include "idmap.h"
#include "init.h"
#include "message.h"
#include "mount.h"
#include "path.h"
#include "scoped.h"
#include "source.h"
#include "syscalls.h"
#include "target.h"

int step_root_bind(struct init *init, struct cursor *payload) {
    const char *source = take_string(payload);
    const char *target = take_string(payload);
    if (take_u32(payload) != MAP_NONE) return root_receive(init, target);
    scoped_fd tree = mount_clone(AT_FDCWD, source, 1);
    if (tree < 0) return fail(&init->failure, tree, "open the root file system \"%s\"", source);
    return root_place(init, tree, target);
}

/*
 * The host's directory or file as a detached mount; by the keeper where ids have to be mapped. `below` is a path that
 * the content of the source has a say in: no link of it leads out.
 */
static int open_source(struct init *init, const struct bind_source *source, const char *below) {
    return source->mapping != MAP_NONE ? init_await_descriptor(init, MESSAGE_MOUNT) : bind_source_open(source, below);
}

/*
 * An empty volume begins as a copy of the directory that the image has there: not of what an earlier mount has put above
 * it, which is the host's or another volume's.
 */
static int copy_covered(struct init *init, int tree, const char *target) {
    scoped_fd volume = (int)SYS(openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int empty = volume < 0 ? volume : directory_is_empty(volume);
    if (empty <= 0) return empty;
    scoped_fd root = mount_clone(init->root, "", 0);
    if (root < 0) return root;
    scoped_fd covered = root_open(root, target, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
    if (covered == -ENOENT || covered == -ENOTDIR) return 0;
    if (covered < 0) return covered;
    struct stat status;
    int result = copy_directory(covered, volume);
    if (result == 0) result = (int)SYS(fstat(covered, &status));
    if (result == 0) result = (int)SYS(fchown(volume, status.st_uid, status.st_gid));
    return result == 0 ? (int)SYS(fchmod(volume, status.st_mode & 07777)) : result;
}

int step_bind(struct init *init, struct cursor *payload) {
    struct bind_source source;
    bind_source_read(payload, &source);
    const char *target = take_string(payload);
    uint64_t set = take_u64(payload), clear = take_u64(payload);
    uint64_t tree_set = take_u64(payload), tree_clear = take_u64(payload);
    uint32_t propagation = take_u32(payload);
    bool make = take_bool(payload);
    if (make && source.mapping == MAP_NONE) {
        int made = host_make_directory(source.path, 0755);
        if (made < 0) return fail(&init->failure, made, "make the directory \"%s\"", source.path);
    }
    const char *below = take_string(payload);
    bool copy_up = take_bool(payload);
    scoped_fd tree = open_source(init, &source, below);
    if (tree < 0) return fail(&init->failure, tree, "bind \"%s%s%s\": open it", source.path, *below ? "/" : "", below);
    struct stat status;
    int result = (int)SYS(fstat(tree, &status));
    if (result == 0 && copy_up && S_ISDIR(status.st_mode)) result = copy_covered(init, tree, target);
    if (result < 0) return fail(&init->failure, result, "copy what is in \"%s\" into the volume \"%s\"", target, source.path);
    if (result == 0) result = mount_change(tree, set, clear, 0, 0);
    if (result == 0) result = mount_change(tree, tree_set, tree_clear, 0, 1);
    if (result < 0) return fail(&init->failure, result, "bind \"%s\": set its attributes", source.path);
    result = target_place(init, tree, target, !S_ISDIR(status.st_mode), false);
    /* After the move: a mount that is attached to a shared one would become shared again. */
    if (result == 0) result = mount_change(tree, 0, 0, propagation & PROPAGATION_FLAGS, (propagation & MS_REC) != 0);
    return result < 0 ? fail(&init->failure, result, "bind \"%s\" on \"%s\"", source.path, target) : 0;
}
