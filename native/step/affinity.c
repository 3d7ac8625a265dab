#include "affinity.h"

#include <string.h>

#include "syscalls.h"

/* As many CPUs as a kernel can be built for (CONFIG_NR_CPUS); plan-check.c knows the same limit. */
enum { MASK_BYTES = 1024 };

int affinity_set(struct cursor *payload, struct failure *failure) {
    struct blob mask = take_blob(payload);
    const char *list = take_string(payload);
    unsigned long aligned[MASK_BYTES / sizeof(unsigned long)] = {0};
    if (mask.length > sizeof aligned) return fail(failure, EINVAL, "run on the CPUs \"%s\"", list);
    memcpy(aligned, mask.bytes, mask.length);
    int result = (int)SYS(syscall(SYS_sched_setaffinity, 0, sizeof aligned, aligned));
    return result < 0 ? fail(failure, result, "run on the CPUs \"%s\"", list) : 0;
}
