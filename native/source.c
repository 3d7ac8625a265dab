#include "source.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "idmap.h"
#include "message.h"
#include "mount.h"
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

static int open_user_namespace(pid_t process) {
    char path[32];
    snprintf(path, sizeof path, "/proc/%d/ns/user", (int)process);
    return (int)SYS(open(path, O_RDONLY | O_CLOEXEC));
}

/* A user namespace of the given maps: it lives as long as its descriptor, the process that it began with is not needed. */
static int make_user_namespace(struct cursor maps, struct failure *failure) {
    pid_t holder = (pid_t)SYS(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
    if (holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        while (true) pause();
    }
    if (holder < 0) return fail(failure, holder, "make a user namespace for an id-mapped mount");
    int result = idmap_write_maps(&maps, holder, failure);
    int namespace = result < 0 ? result : open_user_namespace(holder);
    kill(holder, SIGKILL);
    SYS(waitpid(holder, NULL, 0));
    return namespace;
}

static int open_mapped(const struct bind_source *source, pid_t process, struct failure *failure) {
    scoped_fd namespace =
        source->mapping == MAP_OWN ? open_user_namespace(process) : make_user_namespace(source->maps, failure);
    if (namespace < 0) return namespace;
    scoped_fd tree = mount_clone(AT_FDCWD, source->path, source->recursive);
    if (tree < 0) return tree;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace};
    int result = sys_mount_setattr(tree, source->mapping_recursive ? AT_RECURSIVE : 0, &attributes);
    /* The file system says EINVAL when it does not do it, EPERM when the mount is mapped already. */
    if (result < 0) return fail(failure, result, "map the ids of \"%s\": its file system may not allow it", source->path);
    return take_fd(&tree);
}

int bind_sources_send(const struct plan *plan, pid_t process, int report, struct failure *failure) {
    struct records records = plan_records(plan);
    struct record record;
    while (plan_next(&records, &record)) {
        if (record.op != OP_BIND) continue;
        struct bind_source source;
        bind_source_read(&record.payload, &source);
        if (source.mapping == MAP_NONE) continue;
        failure->phase = record.phase;
        failure->index = record.index;
        scoped_fd tree = open_mapped(&source, process, failure);
        if (tree < 0) return fail(failure, tree, "bind \"%s\": open it", source.path);
        int result = message_send(report, MESSAGE_MOUNT, NULL, tree);
        if (result == -EPIPE || result == -ECONNRESET) return 0;
        if (result < 0) return fail(failure, result, "hand \"%s\" to the init", source.path);
    }
    return 0;
}
