/* Steps that say when and how the kernel runs the process: scheduler, I/O priority, CPUs, memory, execution domain. */
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>

#include "affinity.h"
#include "init.h"
#include "syscalls.h"

/* sched_setattr(2); libc has it not, or under another name. */
struct attributes {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most; /* of utilisation: never set, the specification has no field for them */
};

int step_scheduler(struct init *init, struct cursor *payload) {
    struct attributes attributes = {.size = sizeof attributes};
    attributes.policy = take_u32(payload);
    attributes.flags = take_u64(payload);
    attributes.nice = (int32_t)take_u32(payload);
    attributes.priority = take_u32(payload);
    attributes.runtime = take_u64(payload);
    attributes.deadline = take_u64(payload);
    attributes.period = take_u64(payload);
    const char *name = take_string(payload);
    int result = (int)SYS(syscall(SYS_sched_setattr, 0, &attributes, 0));
    return result < 0 ? fail(&init->failure, result, "set the scheduling policy \"%s\"", name) : 0;
}

int step_io_priority(struct init *init, struct cursor *payload) {
    enum { WHO_PROCESS = 1, CLASS_SHIFT = 13 }; /* <linux/ioprio.h> */
    uint32_t class = take_u32(payload), level = take_u32(payload);
    int result = (int)SYS(syscall(SYS_ioprio_set, WHO_PROCESS, 0, class << CLASS_SHIFT | level));
    return result < 0 ? fail(&init->failure, result, "set the I/O priority class %u, level %u", class, level) : 0;
}

int step_cpu_affinity(struct init *init, struct cursor *payload) {
    return affinity_set(payload, &init->failure);
}

int step_personality(struct init *init, struct cursor *payload) {
    uint32_t persona = take_u32(payload);
    const char *name = take_string(payload);
    int result = (int)SYS(personality(persona));
    return result < 0 ? fail(&init->failure, result, "set the execution domain \"%s\"", name) : 0;
}

int step_memory_policy(struct init *init, struct cursor *payload) {
    enum { MASK_BYTES = 128 }; /* MAX_NUMNODES of the greatest kernels; plan-check.c knows the same limit */
    uint32_t mode = take_u32(payload);
    struct blob mask = take_blob(payload);
    const char *words = take_string(payload);
    unsigned long nodes[MASK_BYTES / sizeof(unsigned long)] = {0};
    if (mask.length > sizeof nodes) return fail(&init->failure, EINVAL, "set the memory policy \"%s\"", words);
    memcpy(nodes, mask.bytes, mask.length);
    /* The kernel takes one bit less than it is told of (mm/mempolicy.c, get_nodes). */
    unsigned long bits = mask.length == 0 ? 0 : sizeof nodes * 8 + 1;
    int result = (int)SYS(syscall(SYS_set_mempolicy, mode, mask.length == 0 ? NULL : nodes, bits));
    return result < 0 ? fail(&init->failure, result, "set the memory policy \"%s\"", words) : 0;
}
