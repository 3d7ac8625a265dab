/* The filter of system calls. */
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "init.h"
#include "listener.h"
#include "syscalls.h"

struct filter {
    uint32_t flags;
    struct sock_fprog program;
};

/* 0, the listener's descriptor, or -errno. */
static int load(void *argument) {
    struct filter *filter = argument;
    int result = (int)SYS(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &filter->program));
    /* TSYNC names a thread that can't follow by its id; this program has one thread. */
    bool listens = (filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
    return result > 0 && !listens ? -ESRCH : result;
}

int step_seccomp(struct init *init, struct cursor *payload) {
    struct filter filter = {.flags = take_u32(payload)};
    struct blob blob = take_blob(payload);
    const char *what = take_string(payload);
    bool listens = take_optional(payload) != NULL;
    /* The program lies unaligned in the plan; the kernel copies it byte by byte. */
    filter.program.len = (unsigned short)(blob.length / sizeof(struct sock_filter));
    filter.program.filter = (struct sock_filter *)(void *)blob.bytes;
    int result = init_settle(init);
    if (result < 0) return fail(&init->failure, result, "close the descriptors of the init");
    result = listens ? listener_install(init, load, &filter) : load(&filter);
    return result < 0 ? fail(&init->failure, result, "load the seccomp filter: %s", what) : 0;
}
