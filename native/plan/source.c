#include "source.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "apart.h"
#include "idmap.h"
#include "keeper-root.h"
#include "message.h"
#include "mount.h"
#include "overlay.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

void bind_source_read(struct cursor *payload, struct bind_source *source) {
    source->path = take_string(payload);
    source->recursive = take_bool(payload);
    source->mapping = take_u32(payload);
    source->mapping_recursive = take_bool(payload);
    source->maps = *payload;
    for (int map = 0; map < 2; map++) {
        for (uint32_t count = take_count(payload); count > 0; count--) {
            for (int field = 0; field < 3; field++) take_u32(payload);
        }
    }
}

int bind_source_open(const struct bind_source *source, const char *below) {
    if (*below == '\0') return mount_clone(AT_FDCWD, source->path, source->recursive);
    scoped_fd top = (int)SYS(open(source->path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (top < 0) return top;
    scoped_fd place = root_open(top, below, O_PATH, 0);
    return place < 0 ? place : mount_clone(place, "", source->recursive);
}

/* What follows in OP_BIND. */
static const char *take_below(struct cursor *payload, bool *make) {
    take_string(payload);
    for (int attributes = 0; attributes < 4; attributes++) take_u64(payload);
    take_u32(payload);
    *make = take_bool(payload);
    return take_string(payload);
}

static int open_user_namespace(pid_t process) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)process);
    return (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
}

pid_t user_namespace_hold(struct cursor maps, struct failure *failure) {
    pid_t holder = (pid_t)SYS(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
    if (holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        while (true) pause();
    }
    if (holder < 0) return fail(failure, holder, "make a user namespace for an id-mapped mount");
    int result = idmap_write_maps(&maps, holder, failure);
    if (result == 0) return holder;
    user_namespace_release(holder);
    return result;
}

void user_namespace_release(pid_t holder) {
    kill(holder, SIGKILL);
    SYS(waitpid(holder, NULL, 0));
}

static int make_user_namespace(struct cursor maps, struct failure *failure) {
    pid_t holder = user_namespace_hold(maps, failure);
    if (holder < 0) return holder;
    int namespace = open_user_namespace(holder);
    user_namespace_release(holder);
    return namespace;
}

/* What an ordinary user's keeper opens: it may clone mounts in a user namespace of its own only. */
struct looking {
    const struct bind_source *source;
    const char *below;
    int namespace;
};

/* The ids stay the user's: what the user can reach is found, whatever ids the container has. */
static int open_inside(const void *request, struct failure *failure) {
    const struct looking *looking = request;
    int result = sys_setns(looking->namespace, CLONE_NEWUSER);
    if (result == 0) result = sys_unshare(CLONE_NEWNS);
    if (result < 0) return fail(failure, result, "enter the container's user namespace");
    return bind_source_open(looking->source, looking->below);
}

static int open_as_keeper(const struct bind_source *source, const char *below, int namespace, struct failure *failure) {
    if (namespace < 0) return bind_source_open(source, below);
    struct looking looking = {source, below, namespace};
    return apart_open(open_inside, &looking, "open what is bound", failure);
}

static int open_mapped(const struct bind_source *source, const char *below, pid_t process, struct failure *failure) {
    scoped_fd namespace =
        source->mapping == MAP_OWN ? open_user_namespace(process) : make_user_namespace(source->maps, failure);
    if (namespace < 0) return namespace;
    scoped_fd tree = bind_source_open(source, below);
    if (tree < 0) return tree;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    int result = sys_mount_setattr(tree, source->mapping_recursive ? AT_RECURSIVE : 0, &attributes);
    /* The file system says EINVAL when it does not do it, EPERM when the mount is mapped already. */
    if (result < 0) return fail(failure, result, "map the ids of \"%s\": its file system may not allow it", source->path);
    return take_fd(&tree);
}

/* Whether a descriptor is the root of a mount: 1, 0 or -errno. */
static int is_mount_root(int fd) {
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return sys_is_mount_root(path);
}

/* The mount at a path of another container. No link of it leads anywhere, and a mere directory of it is not taken. */
static int find_foreign(int root, const char *below) {
    scoped_fd place = root_open(root, below, O_PATH, RESOLVE_NO_SYMLINKS);
    if (place < 0) return place;
    int mounted = is_mount_root(place);
    if (mounted < 0) return mounted;
    return mounted ? take_fd(&place) : -ENOENT;
}

/* In a process of its own: mounts of a namespace are cloned inside it, and there is no way back to that of the host. */
static _Noreturn void clone_foreign(int channel, pid_t owner, const char *below, bool recursive) {
    char path[48];
    scoped_fd result = -EINVAL;
    snprintf(path, sizeof path, "/proc/%d/root", (int)owner);
    scoped_fd root = (int)SYS(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    scoped_fd process = sys_pidfd_open(owner);
    scoped_fd place = root < 0 ? -ESRCH : find_foreign(root, below);
    if (place < 0) result = place;
    else if (process < 0) result = process;
    else {
        int entered = sys_setns(process, CLONE_NEWNS);
        /* Without root it is of a user namespace that is ours to enter. */
        if (entered == -EPERM) entered = sys_setns(process, CLONE_NEWUSER | CLONE_NEWNS);
        result = entered < 0 ? entered : mount_clone(place, "", recursive);
    }
    struct failure failure = {0};
    if (result < 0) fail(&failure, result, "take it out of the container of process %d", (int)owner);
    message_send(channel, result < 0 ? MESSAGE_FAIL : MESSAGE_MOUNT, &failure, result < 0 ? -1 : result);
    _exit(0);
}

static int open_foreign(const struct bind_source *source, struct failure *failure) {
    int owner = 0, start = 0, ends[2];
    if (sscanf(source->path, "/proc/%d/root/%n", &owner, &start) != 1 || start == 0 || owner <= 0) return -EINVAL;
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
    if (result < 0) return result;
    scoped_fd ours = ends[0], theirs = ends[1];
    pid_t child = (pid_t)SYS(fork());
    if (child == 0) clone_foreign(theirs, owner, source->path + start, source->recursive);
    drop_fd(&theirs);
    if (child < 0) return child;
    struct message message = {0};
    int tree = -1;
    result = message_receive(ours, &message, &tree, 0);
    SYS(waitpid(child, NULL, 0));
    if (result > 0 && message.type == MESSAGE_MOUNT && tree >= 0) return tree;
    if (result > 0 && message.type == MESSAGE_FAIL) {
        uint32_t phase = failure->phase, index = failure->index;
        *failure = message.failure;
        failure->phase = phase;
        failure->index = index;
        return -(int)failure->error;
    }
    return result < 0 ? result : -ESRCH;
}

/* The init, and the user namespace in which an ordinary user opens what it waits for; -1 for root. */
struct keeping {
    pid_t process;
    int namespace;
};

/* enum bind_mapping */
static uint32_t mapping_of_root(const struct record *record) {
    struct cursor payload = record->payload;
    struct overlay overlay = {.mapping = MAP_NONE};
    if (record->op == OP_OVERLAY) overlay_read(&payload, &overlay);
    if (record->op != OP_ROOT_BIND) return overlay.mapping;
    take_string(&payload);
    take_string(&payload);
    return take_u32(&payload);
}

static int open_root(const struct record *record, uint32_t mapping, const struct keeping *keeping, struct failure *failure) {
    if (keeping->namespace >= 0 && record->op == OP_ROOT_BIND) {
        struct cursor payload = record->payload;
        struct bind_source source = {.path = take_string(&payload)};
        int tree = open_as_keeper(&source, "", keeping->namespace, failure);
        return tree < 0 ? fail(failure, tree, "open the root file system \"%s\"", source.path) : tree;
    }
    pid_t process = keeping->process;
    scoped_fd namespace = mapping == MAP_OWN ? open_user_namespace(process) : -1;
    if (mapping == MAP_OWN && namespace < 0) return fail(failure, namespace, "open the container's user namespace");
    return record->op == OP_OVERLAY ? keeper_overlay(record->payload, namespace, failure)
                                    : keeper_bind(record->payload, namespace, failure);
}

/* MAP_KEEPER makes what is missing, as the init would. */
static int open_bound(const struct bind_source *source, struct cursor rest, const struct keeping *keeping,
                      struct failure *failure) {
    bool make;
    const char *below = take_below(&rest, &make);
    if (source->mapping != MAP_KEEPER) return open_mapped(source, below, keeping->process, failure);
    int result = make ? host_make_directory(source->path, 0755) : 0;
    return result < 0 ? result : open_as_keeper(source, below, keeping->namespace, failure);
}

/* The mount that a step waits for, in `tree`, which stays as it is when it waits for none. 0 or -errno with `failure`. */
static int open_waited(const struct record *record, const struct keeping *keeping, int *tree, struct failure *failure) {
    struct bind_source source = {.mapping = MAP_NONE};
    struct cursor payload = record->payload;
    uint32_t root = mapping_of_root(record);
    if (record->op == OP_BIND) bind_source_read(&payload, &source);
    if (source.mapping == MAP_NONE && root == MAP_NONE) return 0;
    failure->phase = record->phase;
    failure->index = record->index;
    if (root != MAP_NONE) *tree = open_root(record, root, keeping, failure);
    else if (source.mapping == MAP_FOREIGN) *tree = open_foreign(&source, failure);
    else *tree = open_bound(&source, payload, keeping, failure);
    if (*tree >= 0) return 0;
    return root != MAP_NONE ? *tree : fail(failure, *tree, "bind \"%s\": open it", source.path);
}

static bool is_kept(const struct record *record) {
    struct bind_source source = {.mapping = MAP_NONE};
    struct cursor payload = record->payload;
    if (record->op == OP_BIND) bind_source_read(&payload, &source);
    return source.mapping == MAP_KEEPER || mapping_of_root(record) == MAP_KEEPER;
}

/* The path of the one that is joined, or NULL. */
static const char *joined_user_namespace(const struct plan *plan) {
    struct record record;
    if (!plan_find(plan, OP_CLONE, &record)) return NULL;
    take_u32(&record.payload);
    for (uint32_t count = take_count(&record.payload); count > 0; count--) {
        uint32_t type = take_u32(&record.payload);
        const char *path = take_string(&record.payload);
        take_bool(&record.payload);
        if (type == CLONE_NEWUSER) return path;
    }
    return NULL;
}

int bind_sources_namespace(const struct plan *plan, pid_t process, int *namespace, struct failure *failure) {
    *namespace = -1;
    if (geteuid() == 0) return 0;
    struct records records = plan_records(plan);
    struct record record;
    bool wanted = false;
    while (!wanted && plan_next(&records, &record)) wanted = is_kept(&record);
    if (!wanted) return 0;
    const char *joined = joined_user_namespace(plan);
    *namespace = joined == NULL ? open_user_namespace(process) : (int)SYS(open(joined, O_RDONLY | O_CLOEXEC));
    return *namespace < 0 ? fail(failure, *namespace, "open the container's user namespace") : 0;
}

int bind_sources_send(const struct plan *plan, pid_t process, int namespace, int report, struct failure *failure) {
    const struct keeping keeping = {process, namespace};
    struct records records = plan_records(plan);
    struct record record;
    while (plan_next(&records, &record)) {
        scoped_fd tree = -1;
        int result = open_waited(&record, &keeping, &tree, failure);
        if (result < 0) return result;
        if (tree < 0) continue;
        result = message_send(report, MESSAGE_MOUNT, NULL, tree);
        if (result == -EPIPE || result == -ECONNRESET) return 0;
        if (result < 0) return fail(failure, result, "hand a mount to the init");
    }
    return 0;
}
