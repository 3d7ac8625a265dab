#include "launch.h"

#include <sys/wait.h>

#include "affinity.h"
#include "cgroup.h"
#include "hook.h"
#include "idmap.h"
#include "inner-network.h"
#include "listener.h"
#include "message.h"
#include "netlink.h"
#include "ports.h"
#include "protocol.h"
#include "scoped.h"
#include "source.h"
#include "syscalls.h"

static int prepare_step(struct record *record, bool *optional, struct failure *failure) {
    switch (record->op) {
    case OP_CGROUP_CREATE: return cgroup_create(&record->payload, failure);
    case OP_WRITE: return cgroup_write(&record->payload, optional, failure);
    case OP_CPU_AFFINITY: return affinity_set(&record->payload, failure);
    case OP_PORTS: return ports_open(&record->payload, failure);
    case OP_CGROUP_DEVICE: return cgroup_attach_device_filter(&record->payload, failure);
    default: return fail(failure, ENOSYS, "step %u (op %u)", record->index, record->op);
    }
}

int launch_prepare(const struct plan *plan, warn_function *warn, void *keeper, struct failure *failure) {
    struct records records = plan_records(plan);
    struct record record;
    while (plan_next(&records, &record)) {
        if (record.phase != PHASE_PREPARE) continue;
        failure->phase = record.phase;
        failure->index = record.index;
        bool optional = false;
        int result = prepare_step(&record, &optional, failure);
        if (result == 0) continue;
        if (!optional) return result;
        warn(keeper, failure);
        failure_clear(failure);
    }
    return 0;
}

/* An init that is gone has said why, or its wait status will. */
static int tell(int report, enum message_type type) {
    int result = message_send(report, type, NULL, -1);
    return result == -EPIPE || result == -ECONNRESET ? 0 : result;
}

/* What criu restores has its ids already. */
static bool is_attached(const struct record *record, bool restores) {
    return record->phase == PHASE_ATTACH && record->op != OP_HOOK && !(restores && record->op == OP_ID_MAP);
}

int launch_attach_steps(const struct plan *plan, pid_t init, struct failure *failure) {
    struct records records = plan_records(plan);
    struct record record;
    bool restores = plan_find(plan, OP_RESTORE, &record);
    while (plan_next(&records, &record)) {
        if (!is_attached(&record, restores)) continue;
        failure->phase = record.phase;
        failure->index = record.index;
        int result = is_inner_network(record.op) ? inner_network_run(&record, init, failure)
                     : record.op == OP_ID_MAP ? idmap_write(&record.payload, init, failure)
                                            : netlink_run(&record.payload, init, failure);
        if (result < 0) return result;
    }
    return 0;
}

int launch_release(const struct plan *plan, pid_t init, int report, struct failure *failure) {
    scoped_fd namespace = -1;
    int result = bind_sources_namespace(plan, init, &namespace, failure);
    if (result == 0) result = tell(report, MESSAGE_ATTACHED);
    return result < 0 ? result : bind_sources_send(plan, init, namespace, report, failure);
}

int launch_attach(const struct plan *plan, pid_t init, int report, struct failure *failure) {
    int result = launch_attach_steps(plan, init, failure);
    return result < 0 ? result : launch_release(plan, init, report, failure);
}

int launch_hooks(const struct plan *plan, pid_t init, int report, int cancel, struct failure *failure) {
    struct records records = plan_records(plan);
    struct record record;
    while (plan_next(&records, &record)) {
        if (record.phase != PHASE_ATTACH || record.op != OP_HOOK) continue;
        failure->phase = record.phase;
        failure->index = record.index;
        int result = hook_run(&record.payload, init, -1, cancel, failure);
        if (result < 0) return result;
    }
    return tell(report, MESSAGE_HOOKED);
}

int launch_deliver(const struct plan *plan, uint32_t index, pid_t init, int report, int listener,
                   struct failure *failure) {
    failure->phase = PHASE_INIT;
    failure->index = index;
    int result = listener_deliver(plan, init, listener, failure);
    if (result == 0) result = tell(report, MESSAGE_DELIVERED);
    return result < 0 ? fail(failure, result, "tell the init that the agent has the listener") : 0;
}

bool launch_clean_up(const struct plan *plan, uint32_t skipped, warn_function *warn, void *keeper) {
    bool done = true;
    struct records records = plan_records(plan);
    struct record record;
    while (plan_next(&records, &record)) {
        if (record.op != OP_CGROUP_REMOVE) continue;
        struct failure failure = {.phase = record.phase, .index = record.index + skipped};
        if (cgroup_remove(&record.payload, &failure) == 0) continue;
        warn(keeper, &failure);
        done = false;
    }
    return done;
}

void launch_conclude(struct ending *ending, int status) {
    if (WIFSIGNALED(status)) {
        ending->signal = (uint32_t)WTERMSIG(status);
        ending->exit_code = 128 + ending->signal;
        if (WCOREDUMP(status)) ending->flags |= EXIT_CORE_DUMPED;
    } else {
        ending->exit_code = (uint32_t)WEXITSTATUS(status);
    }
}

void launch_died(struct failure *failure, int status) {
    failure->phase = PHASE_KEEPER;
    failure->index = 1;
    const char *how = WIFSIGNALED(status) ? "was killed by signal" : "exited with status";
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    /* init_leave() and seccomp(2). */
    bool filtered = WIFSIGNALED(status) && (number == SIGILL || number == SIGSYS);
    if (filtered) fail(failure, EPERM, "the seccomp filter keeps the init from executing the command");
    else fail(failure, ESRCH, "the init %s %d before it executed the command", how, number);
}
