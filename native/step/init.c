#include "init.h"

#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "frame.h"
#include "label.h"
#include "message.h"
#include "path.h"
#include "scoped.h"
#include "syscalls.h"

/* Descriptors of the init from here up, one after the other; everything above the last is closed at once. */
enum { FIRST_FD = 3 };

static const struct {
    uint16_t op;
    step_function *run;
} steps[] = {
    {OP_NETLINK, step_netlink},
    {OP_PROPAGATION, step_propagation},
    {OP_OVERLAY, step_overlay},
    {OP_ROOT_BIND, step_root_bind},
    {OP_ENTER_ROOT, step_enter_root},
    {OP_MOUNT, step_mount},
    {OP_BIND, step_bind},
    {OP_CGROUP_MOUNT, step_cgroup_mount},
    {OP_MKDIR, step_mkdir},
    {OP_SYMLINK, step_symlink},
    {OP_MKNOD, step_mknod},
    {OP_PIVOT_ROOT, step_pivot_root},
    {OP_ROOT_ATTRIBUTES, step_root_attributes},
    {OP_MASK, step_mask},
    {OP_READONLY, step_readonly},
    {OP_SYSCTL, step_sysctl},
    {OP_HOSTNAME, step_hostname},
    {OP_DOMAINNAME, step_domainname},
    {OP_UNSHARE_CGROUP, step_unshare_cgroup},
    {OP_CONSOLE, step_console},
    {OP_RLIMIT, step_rlimit},
    {OP_OOM_SCORE_ADJ, step_oom_score_adj},
    {OP_NO_NEW_PRIVILEGES, step_no_new_privileges},
    {OP_UMASK, step_umask},
    {OP_IDENTITY, step_identity},
    {OP_SECCOMP, step_seccomp},
    {OP_WORKING_DIRECTORY, step_working_directory},
    {OP_FIND_EXECUTABLE, step_find_executable},
    {OP_WAIT_START, step_wait_start},
    {OP_EXEC, step_exec},
    {OP_SCHEDULER, step_scheduler},
    {OP_IO_PRIORITY, step_io_priority},
    {OP_CPU_AFFINITY, step_cpu_affinity},
    {OP_PERSONALITY, step_personality},
    {OP_MEMORY_POLICY, step_memory_policy},
    {OP_APPARMOR, step_apparmor},
    {OP_SELINUX, step_selinux},
    {OP_RUNTIME_HOOKS, step_runtime_hooks},
    {OP_MOVE_ROOT, step_move_root},
    {OP_HOOK, step_hook},
    {OP_REMOUNT, step_remount},
    {OP_CONFIG, step_config},
    {OP_NETWORK_DESCRIPTOR, step_network_descriptor},
    {OP_CRIU_DESCRIPTORS, step_criu_descriptors},
};

static step_function *step_of(uint16_t op) {
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].op == op) return steps[i].run;
    }
    return NULL;
}

void process_harden(bool dies_with_parent) {
    if (dies_with_parent) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void signals_reset(void) {
    /* Straight to the kernel: libc keeps some real-time signals to itself and would leave them ignored. */
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        uint64_t mask;
    } action = {0};
    for (int signal = 1; signal <= 64; signal++) syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &action.mask, NULL, sizeof action.mask);
}

void init_leave(void) {
    syscall(SYS_exit_group, 1);
    /* The container's filter denies even that, and the C library would try it for ever. */
    __builtin_trap();
}

void init_await(struct init *init, uint32_t type) {
    struct message message;
    int result = message_receive(init->report, &message, NULL, 0);
    /* The keeper is gone, or what came is not what is due: either way nobody is left to report to. */
    if (result != 1 || message.type != type) init_leave();
}

int init_say(const struct init *init, enum message_type type, const struct failure *failure) {
    if (init->report >= 0) return message_send(init->report, type, failure, -1);
    switch (type) {
    case MESSAGE_WARN: return frame_failure(init->reply, FRAME_WARN, failure);
    case MESSAGE_FAIL: return frame_failure(init->reply, FRAME_FAIL, failure);
    default: return frame_status(init->reply, STATE_RUNNING, 0, 0);
    }
}

int init_settle(struct init *init) {
    if (init->settled) return 0;
    init->settled = true;
    umask(init->umask);
    if (init->left_alone) prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    int result = sys_close_range(FIRST_FD + init->preserve, ~0u, CLOSE_RANGE_CLOEXEC);
    for (uint32_t i = 0; i < init->preserve && result == 0; i++) result = (int)SYS(fcntl((int)(FIRST_FD + i), F_SETFD, 0));
    return result;
}

static void await_attached(struct init *init) {
    if (init->attached) return;
    init_await(init, MESSAGE_ATTACHED);
    init->attached = true;
}

int init_await_descriptor(struct init *init, uint32_t type) {
    await_attached(init);
    struct message message;
    int fd = -1;
    int result = message_receive(init->report, &message, &fd, 0);
    if (result != 1 || message.type != type || fd < 0) init_leave();
    return fd;
}

int init_warn(struct init *init) {
    int result = init_say(init, MESSAGE_WARN, &init->failure);
    failure_clear(&init->failure);
    return result == -EPIPE ? result : 0;
}

static _Noreturn void give_up(struct init *init) {
    init_say(init, MESSAGE_FAIL, &init->failure);
    init_leave();
}

/* Moves a descriptor to a fixed place. The source is closed later, with everything above the kept ones. */
static int place_fd(int fd, int place) {
    if (fd == place) return (int)SYS(fcntl(fd, F_SETFD, FD_CLOEXEC));
    return (int)SYS(dup3(fd, place, O_CLOEXEC));
}

/*
 * Keeps stdio, what is to be preserved, the message socket, the fifos and the cgroup files, in that order from 0 up,
 * and closes everything else: lock, log and listening socket of the shim must not live on in the container. The
 * preserved ones must be out of the way of those behind them already, as those of a launcher are.
 */
int init_arrange(struct init_start *start) {
    int first = FIRST_FD + (int)start->preserve;
    int *kept[4 + LEGACY_CGROUPS_MAX];
    size_t count = 0;
    kept[count++] = &start->report;
    if (start->start >= 0) kept[count++] = &start->start;
    if (start->reply >= 0) kept[count++] = &start->reply;
    for (size_t i = 0; i < start->cgroup_count; i++) kept[count++] = &start->cgroups[i];
    if (start->channel >= 0) kept[count++] = &start->channel;
    start->arranged = true;
    for (int i = 0; i < 3; i++) {
        int result = start->stdio[i] < 0 ? 0 : (int)SYS(dup2(start->stdio[i], i));
        if (result < 0) return result;
    }
    /* First out of the way of the final places, then onto them. */
    int base = first + (int)start->preserve + (int)count + FIRST_FD;
    for (size_t i = 0; i < count; i++) {
        int moved = (int)SYS(fcntl(*kept[i], F_DUPFD_CLOEXEC, base));
        if (moved < 0) return moved;
        *kept[i] = moved;
    }
    for (uint32_t i = 0; i < start->preserve; i++) {
        int result = place_fd(start->preserved + (int)i, FIRST_FD + (int)i);
        if (result < 0) return result;
    }
    for (size_t i = 0; i < count; i++) {
        int result = place_fd(*kept[i], first + (int)i);
        if (result < 0) return result;
        *kept[i] = first + (int)i;
    }
    return sys_close_range((unsigned)first + (unsigned)count, ~0u, 0);
}

int init_join_cgroups(struct init_start *start) {
    int result = 0;
    for (size_t i = 0; i < start->cgroup_count; i++) {
        if (result >= 0) result = (int)SYS(write(start->cgroups[i], "0", 1));
        drop_fd(&start->cgroups[i]);
    }
    start->cgroup_count = 0;
    return result < 0 ? result : 0;
}

/* Root of the user namespace: only now do the ids of this process mean something inside. */
static int become_root(void) {
    int result = sys_setresgid(0);
    if (result == 0) result = sys_setresuid(0);
    process_harden(true);
    return result;
}

/*
 * keyrings(7): without a session keyring of its own the container would share the caller's keys. One that has a name is
 * joined again by `exec`, for which its owner needs the permission to search it, and no other.
 */
static int join_keyring(const struct init_start *start) {
    bool named = start->keyring[0] != '\0';
    int result = (int)SYS(syscall(SYS_keyctl, KEY_JOIN_SESSION, named ? start->keyring : NULL));
    if (result < 0 || !named || start->joins) return result;
    return (int)SYS(syscall(SYS_keyctl, KEY_SET_PERMISSION, result, KEY_POSSESSOR_ALL | KEY_OWNER_SEARCH));
}

static int enter_keyring(struct init *init, const struct init_start *start) {
    int result = label_keyring(init, true);
    if (result < 0) return result;
    result = join_keyring(start);
    if (result < 0 && result != -ENOSYS) {
        fail(&init->failure, result, "join a session keyring of its own");
        result = init_warn(init);
        if (result < 0) return result;
    }
    return label_keyring(init, false);
}

static int prepare(struct init *init, struct init_start *start) {
    /* Before the id maps the files of /proc must stay the caller's, who may not be root; nobody else is inside yet. */
    if (start->maps_ids) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    else process_harden(true);
    prctl(PR_SET_NAME, "onggi-init", 0, 0, 0);
    signals_reset();
    drop_fd(&start->channel);
    int result = start->arranged ? 0 : init_arrange(start);
    init->report = start->report;
    init->start = start->start;
    init->reply = start->reply;
    if (result < 0) return fail(&init->failure, result, "arrange the descriptors of the init");
    result = init_join_cgroups(start);
    if (result < 0) return fail(&init->failure, result, "join the cgroups");
    setsid();
    umask(0);
    if (start->maps_ids) await_attached(init);
    if (start->maps_ids || start->joins_user) {
        struct record record;
        if (plan_find(start->plan, OP_OOM_SCORE_ADJ, &record)) init->oom_score_adj = oom_score_adj_open(init);
        result = become_root();
        if (result < 0) return fail(&init->failure, result, "become root in the user namespace");
    }
    if (start->joins) {
        init->root = (int)SYS(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (init->root < 0) return fail(&init->failure, init->root, "open the container's root");
        stdio_reopen(init);
    }
    return start->keyring == NULL ? 0 : enter_keyring(init, start);
}

static bool is_null_device(int fd) {
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

void stdio_reopen(const struct init *init) {
    for (int fd = 0; fd < 3; fd++) {
        if (!is_null_device(fd)) continue;
        /* O_NONBLOCK: a pipe that the image put there must not hold up the init. */
        scoped_fd own = root_open(init->root, "/dev/null", (fd == 0 ? O_RDONLY : O_WRONLY) | O_NONBLOCK, 0);
        if (own < 0 || !is_null_device(own)) continue;
        fcntl(own, F_SETFL, 0);
        SYS(dup2(own, fd));
    }
}

static bool needs_attached(uint16_t op) {
    return op == OP_NETLINK || op == OP_RUNTIME_HOOKS || op == OP_WAIT_START || op == OP_EXEC;
}

static int run_steps(struct init *init) {
    struct records records = plan_records(init->plan);
    struct record record;
    while (plan_next(&records, &record)) {
        if (record.phase != PHASE_INIT) continue;
        init->failure.phase = record.phase;
        init->failure.index = record.index;
        if (needs_attached(record.op)) await_attached(init);
        step_function *run = step_of(record.op);
        int result = run == NULL ? -ENOSYS : run(init, &record.payload);
        if (result < 0) return fail(&init->failure, result, "step %u (op %u)", record.index, record.op);
    }
    return fail(&init->failure, EBADMSG, "the plan ended without executing anything");
}

void init_run(const struct init_start *given) {
    static struct init init;
    struct init_start start = *given;
    init = (struct init){
        .plan = start.plan, .report = start.report, .start = -1, .reply = -1, .root = -1, .proc = -1};
    for (int i = 0; i < KERNEL_MOUNTS; i++) init.kernel_mounts[i] = -1;
    init.preserve = start.preserve;
    init.left_alone = start.left_alone;
    init.to_be_seen = start.to_be_seen;
    init.oom_score_adj = init.null_device = init.mask_directory = -1;
    init.umask = 022;
    init.failure.index = 1; /* OP_CLONE or OP_JOIN */
    if (prepare(&init, &start) < 0 || run_steps(&init) < 0) give_up(&init);
    init_leave();
}
