#include "capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>

#include "syscalls.h"

enum { CAPABILITIES_MAX = 64 };

#define BIT(capability) (UINT64_C(1) << (capability))

int capabilities_bound(const struct capability_sets *sets, struct failure *failure) {
    for (int capability = 0; capability < CAPABILITIES_MAX; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held < 0) break; /* past the last one of this kernel */
        if (held == 0 || (sets->bounding & BIT(capability)) != 0) continue;
        int result = (int)SYS(prctl(PR_CAPBSET_DROP, capability, 0, 0, 0));
        if (result < 0) return fail(failure, result, "drop capability %d from the bounding set", capability);
    }
    return 0;
}

static int set_three(const struct capability_sets *sets) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    for (int half = 0; half < 2; half++) {
        data[half].effective = (uint32_t)(sets->effective >> 32 * half);
        data[half].permitted = (uint32_t)(sets->permitted >> 32 * half);
        data[half].inheritable = (uint32_t)(sets->inheritable >> 32 * half);
    }
    return (int)SYS(syscall(SYS_capset, &header, data));
}

static int get_all(struct capability_sets *sets) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {0};
    int result = (int)SYS(syscall(SYS_capget, &header, data));
    if (result < 0) return result;
    *sets = (struct capability_sets){
        .effective = (uint64_t)data[1].effective << 32 | data[0].effective,
        .permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted,
        .inheritable = (uint64_t)data[1].inheritable << 32 | data[0].inheritable,
    };
    for (int capability = 0; capability < CAPABILITIES_MAX; capability++) {
        int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held < 0) break;
        if (held > 0) sets->bounding |= BIT(capability);
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) > 0) sets->ambient |= BIT(capability);
    }
    return 0;
}

static int set_ambient(uint64_t ambient) {
    int result = (int)SYS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    for (int capability = 0; capability < CAPABILITIES_MAX && result == 0; capability++) {
        if (ambient & BIT(capability)) result = (int)SYS(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
    }
    return result;
}

/* The first capability in which two sets differ. */
static int difference(uint64_t first, uint64_t second) {
    return first == second ? -1 : __builtin_ctzll(first ^ second);
}

int capabilities_apply(const struct capability_sets *sets, struct failure *failure) {
    int result = set_three(sets);
    if (result < 0) return fail(failure, result, "set the capabilities: onggi itself lacks one of them");
    result = set_ambient(sets->ambient);
    if (result < 0) return fail(failure, result, "set the ambient capabilities");
    struct capability_sets found = {0};
    result = get_all(&found);
    if (result < 0) return fail(failure, result, "read the capabilities back");
    const struct {
        const char *name;
        int capability;
    } differences[] = {
        {"bounding", difference(sets->bounding, found.bounding)},
        {"effective", difference(sets->effective, found.effective)},
        {"permitted", difference(sets->permitted, found.permitted)},
        {"inheritable", difference(sets->inheritable, found.inheritable)},
        {"ambient", difference(sets->ambient, found.ambient)},
    };
    for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++) {
        if (differences[i].capability < 0) continue;
        return fail(failure, EPERM, "set the capabilities: capability %d of the %s set is not as asked",
                    differences[i].capability, differences[i].name);
    }
    return 0;
}
