/* Who the command runs as. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "accounts.h"
#include "capabilities.h"
#include "init.h"
#include "kernel-mount.h"
#include "scoped.h"
#include "syscalls.h"

/* Majors of pseudoterminal slaves: Documentation/admin-guide/devices.txt */
enum { PTY_MAJOR_FIRST = 136, PTY_MAJOR_LAST = 143 };

/*
 * Gives the pipes or the terminal of stdio to the user, so that it can open /dev/stdout again. Shared things such as
 * /dev/null stay as they are, and an id without a mapping in the user namespace can't own anything.
 */
static int own_stdio(struct init *init, uid_t uid) {
    for (int fd = 0; fd < 3; fd++) {
        struct stat status;
        int result = (int)SYS(fstat(fd, &status));
        if (result < 0) return fail(&init->failure, result, "look at descriptor %d", fd);
        unsigned device = major(status.st_rdev);
        bool pty = S_ISCHR(status.st_mode) && device >= PTY_MAJOR_FIRST && device <= PTY_MAJOR_LAST;
        if (status.st_uid == uid || (!S_ISFIFO(status.st_mode) && !pty)) continue;
        result = (int)SYS(fchown(fd, uid, (gid_t)-1));
        if (result < 0 && result != -EPERM && result != -EINVAL)
            return fail(&init->failure, result, "give descriptor %d to user %u", fd, uid);
    }
    return 0;
}

/*
 * A user namespace may forbid setgroups (user_namespaces(7)); that is no loss as long as the process is in no group
 * that it should not be in.
 */
static int apply_groups(const struct group_list *groups) {
    int result = sys_setgroups(groups->count, groups->ids);
    if (result != -EPERM) return result;
    gid_t held[GROUPS_MAX];
    int count = (int)SYS(syscall(SYS_getgroups, GROUPS_MAX, held));
    if (count < 0) return count;
    struct group_list wanted = *groups;
    size_t before = wanted.count;
    for (int i = 0; i < count; i++) {
        if (group_add(&wanted, held[i]) < 0 || wanted.count != before) return -EPERM;
    }
    return 0;
}

static int apply(struct init *init, const struct account *account, const struct group_list *groups,
                 const struct capability_sets *sets) {
    int result = capabilities_bound(sets, &init->failure);
    if (result < 0) return result;
    result = apply_groups(groups);
    if (result < 0) return fail(&init->failure, result, "set %zu supplementary groups", groups->count);
    result = sys_setresgid(account->gid);
    if (result < 0) return fail(&init->failure, result, "become group %u", account->gid);
    /* The permitted set survives the change of user, to be cut down to what was asked right after. */
    result = (int)SYS(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
    if (result == 0) result = sys_setresuid(account->uid);
    if (result < 0) return fail(&init->failure, result, "become user %u", account->uid);
    result = capabilities_apply(sets, &init->failure);
    prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
    process_harden(!init->settled || !init->left_alone);
    /* pasta(1) is about to open /proc/PID/ns as the user whom the namespace belongs to (ptrace(2), "access mode"). */
    if (init->to_be_seen) prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    return result;
}

/* User, group and supplementary groups as the payload has them, up to the bool. 0 or -errno. */
static int resolve(struct init *init, struct cursor *payload, struct account *account, struct group_list *groups) {
    const char *user = take_string(payload);
    const char *group = take_optional(payload);
    groups->count = 0;
    int result = account_find(init->root, user, group != NULL, account, &init->failure);
    if (result == 0 && group != NULL) result = group_find(init->root, group, &account->gid, &init->failure);
    struct cursor additional = *payload;
    for (uint32_t count = take_count(payload); count > 0; count--) take_string(payload);
    /* The primary group is in the list too: without it, dropping it would lift a denial (CVE-2022-36109). */
    if (take_bool(payload) && result == 0) result = group_add(groups, account->gid);
    if (result == 0 && group == NULL) result = groups_of(init->root, account, groups, &init->failure);
    for (uint32_t count = take_count(&additional); count > 0 && result == 0; count--) {
        gid_t gid = 0;
        result = group_find(init->root, take_string(&additional), &gid, &init->failure);
        if (result == 0) result = group_add(groups, gid);
    }
    return result < 0 ? fail(&init->failure, result, "collect the groups of user \"%s\"", user) : 0;
}

int step_identity(struct init *init, struct cursor *payload) {
    static struct account account;
    static struct group_list groups;
    int result = resolve(init, payload, &account, &groups);
    if (result < 0) return result;
    struct capability_sets sets;
    sets.bounding = take_u64(payload);
    sets.effective = take_u64(payload);
    sets.permitted = take_u64(payload);
    sets.inheritable = take_u64(payload);
    sets.ambient = take_u64(payload);
    memcpy(init->home, account.home, sizeof init->home);
    result = kernel_mounts_check(init);
    if (result == 0) result = own_stdio(init, account.uid);
    return result < 0 ? result : apply(init, &account, &groups, &sets);
}

int step_config(struct init *init, struct cursor *payload) {
    static struct account account;
    static struct group_list groups;
    const char *path = take_string(payload);
    int result = resolve(init, payload, &account, &groups);
    if (result < 0) return result;
    const char *before = take_string(payload), *after = take_string(payload);
    scoped_fd fd = (int)SYS(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (fd < 0) return fail(&init->failure, fd, "write \"%s\"", path);
    dprintf(fd, "%s{\"uid\":%u,\"gid\":%u,\"additionalGids\":[", before, account.uid, account.gid);
    for (size_t i = 0; i < groups.count; i++) dprintf(fd, "%s%u", i == 0 ? "" : ",", groups.ids[i]);
    result = dprintf(fd, "]}%s", after) < 0 ? -errno : 0;
    return result < 0 ? fail(&init->failure, result, "write \"%s\"", path) : 0;
}
