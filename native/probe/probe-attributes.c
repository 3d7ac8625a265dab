/* How the kernel schedules the probe and what else it keeps of a process that no file of /proc tells. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

enum {
    PERSONALITY_QUERY = -1,
    IOPRIO_PROCESS = 1, /* IOPRIO_WHO_PROCESS, <linux/ioprio.h> */
    DESCRIBE_KEY = 6, /* KEYCTL_DESCRIBE, <linux/keyctl.h> */
    SESSION_KEYRING = -3, /* KEY_SPEC_SESSION_KEYRING */
};

/* <linux/sched/types.h>, which musl's sched.h contradicts. */
struct scheduling {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most;
};

void probe_attributes(void) {
    struct scheduling now = {.size = sizeof now};
    if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) < 0) probe_die("sched_getattr");
    probe_key("scheduler");
    printf("{\"policy\":%u,\"flags\":%llu,\"nice\":%d,\"priority\":%u,\"runtime\":%llu,\"deadline\":%llu,\"period\":%llu}",
           now.policy, (unsigned long long)now.flags, now.nice, now.priority, (unsigned long long)now.runtime,
           (unsigned long long)now.deadline, (unsigned long long)now.period);
    probe_field("ioPriority", syscall(SYS_ioprio_get, IOPRIO_PROCESS, 0));
    probe_field("personality", personality((unsigned long)PERSONALITY_QUERY));
    probe_field("secureBits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
    char keyring[256] = "";
    long length = syscall(SYS_keyctl, DESCRIBE_KEY, SESSION_KEYRING, keyring, sizeof keyring - 1);
    probe_key("sessionKeyring");
    probe_string(length < 0 ? strerror(errno) : keyring);
}
