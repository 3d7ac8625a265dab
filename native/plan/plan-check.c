#include "plan-check.h"

#include <string.h>

#include "plan-payload.h"
#include "syscalls.h"

#define IN(phase) (1u << (phase))

/*
 * The payload in letters: u u32, q u64, b bool, s string, o optional string, d blob, (...) list of what is inside.
 * The table repeats the comments of plan.h in a form that a loop can check.
 */
struct grammar {
    uint16_t op;
    uint16_t phases;
    const char *fields;
};

static const struct grammar grammars[] = {
    {OP_SHIM, IN(PHASE_KEEPER), "ssuoqubqusuuuddsb(s)bbbbusbuos"},
    {OP_CLONE, IN(PHASE_KEEPER), "u(usb)o(s)(uqu)o"},
    {OP_JOIN, IN(PHASE_KEEPER), "uquo(s)o"},
    {OP_LAUNCHER, IN(PHASE_KEEPER), "sbbubo"},
    {OP_RUNTIME, IN(PHASE_KEEPER), "sssssoou"},
    {OP_RESTORE, IN(PHASE_KEEPER), "od"},
    {OP_HEALTH, IN(PHASE_KEEPER), "soqqqquu(s)"},
    {OP_CGROUP_CREATE, IN(PHASE_PREPARE), "so"},
    {OP_WRITE, IN(PHASE_PREPARE), "sssbos"},
    {OP_CGROUP_DEVICE, IN(PHASE_PREPARE), "sds"},
    {OP_PORTS, IN(PHASE_PREPARE), "(bdudus)"},
    {OP_ID_MAP, IN(PHASE_ATTACH), "(uuu)(uuu)boo"},
    {OP_NETLINK, IN(PHASE_ATTACH) | IN(PHASE_INIT), "u(d(u)s)s"},
    {OP_INNER_NETLINK, IN(PHASE_ATTACH), "u(d(u)s)s"},
    {OP_INNER_SYSCTL, IN(PHASE_ATTACH), "ss"},
    {OP_HOOK, IN(PHASE_ATTACH) | IN(PHASE_INIT), "uus(s)(s)uss"},
    {OP_PROPAGATION, IN(PHASE_INIT), "sub"},
    {OP_OVERLAY, IN(PHASE_INIT), "s(s)oos(s)uu"},
    {OP_ROOT_BIND, IN(PHASE_INIT), "ssu"},
    {OP_ENTER_ROOT, IN(PHASE_INIT), "s"},
    {OP_MOUNT, IN(PHASE_INIT), "sssusbb"},
    {OP_BIND, IN(PHASE_INIT), "sbub(uuu)(uuu)sqqqqubsb"},
    {OP_CGROUP_MOUNT, IN(PHASE_INIT), "sb(ss(s))u"},
    {OP_MKDIR, IN(PHASE_INIT), "suuu"},
    {OP_SYMLINK, IN(PHASE_INIT), "ss"},
    {OP_MKNOD, IN(PHASE_INIT), "suuuuuu"},
    {OP_PIVOT_ROOT, IN(PHASE_INIT), ""},
    {OP_ROOT_ATTRIBUTES, IN(PHASE_INIT), "qq"},
    {OP_MASK, IN(PHASE_INIT), "s"},
    {OP_READONLY, IN(PHASE_INIT), "s"},
    {OP_SYSCTL, IN(PHASE_INIT), "ss"},
    {OP_HOSTNAME, IN(PHASE_INIT), "s"},
    {OP_DOMAINNAME, IN(PHASE_INIT), "s"},
    {OP_UNSHARE_CGROUP, IN(PHASE_INIT), ""},
    {OP_CONSOLE, IN(PHASE_INIT), "uub"},
    {OP_RLIMIT, IN(PHASE_INIT), "usqq"},
    {OP_OOM_SCORE_ADJ, IN(PHASE_INIT), "ub"},
    {OP_NO_NEW_PRIVILEGES, IN(PHASE_INIT), ""},
    {OP_UMASK, IN(PHASE_INIT), "u"},
    {OP_IDENTITY, IN(PHASE_INIT), "so(s)bqqqqq"},
    {OP_SECCOMP, IN(PHASE_INIT), "udsos"},
    {OP_WORKING_DIRECTORY, IN(PHASE_INIT), "sb"},
    {OP_FIND_EXECUTABLE, IN(PHASE_INIT), "s"},
    {OP_WAIT_START, IN(PHASE_INIT), ""},
    {OP_EXEC, IN(PHASE_INIT), "(s)(s)bo"},
    {OP_SCHEDULER, IN(PHASE_INIT), "uquuqqqs"},
    {OP_IO_PRIORITY, IN(PHASE_INIT), "uu"},
    {OP_CPU_AFFINITY, IN(PHASE_PREPARE) | IN(PHASE_INIT), "ds"},
    {OP_PERSONALITY, IN(PHASE_INIT), "us"},
    {OP_MEMORY_POLICY, IN(PHASE_INIT), "uds"},
    {OP_APPARMOR, IN(PHASE_INIT), "s"},
    {OP_SELINUX, IN(PHASE_INIT), "s"},
    {OP_REMOUNT, IN(PHASE_INIT), "sqqqqs"},
    {OP_CONFIG, IN(PHASE_INIT), "sso(s)bss"},
    {OP_NETWORK_DESCRIPTOR, IN(PHASE_INIT), "u"},
    {OP_CRIU_DESCRIPTORS, IN(PHASE_INIT), "uss"},
    {OP_RUNTIME_HOOKS, IN(PHASE_INIT), ""},
    {OP_MOVE_ROOT, IN(PHASE_INIT), ""},
    {OP_CGROUP_REMOVE, IN(PHASE_CLEANUP), "su"},
};

static const struct grammar *grammar_of(uint16_t op) {
    for (size_t i = 0; i < sizeof grammars / sizeof grammars[0]; i++) {
        if (grammars[i].op == op) return &grammars[i];
    }
    return NULL;
}

static const char *after_list(const char *fields) {
    for (int depth = 1; depth > 0; fields++) {
        if (*fields == '(') depth++;
        if (*fields == ')') depth--;
    }
    return fields;
}

/* Walks one payload by its letters until the end of the text or of the list; true when everything fits. */
static bool fields_fit(struct cursor *cursor, const char *fields) {
    for (; *fields != '\0' && *fields != ')' && !cursor->bad; fields++) {
        if (*fields == 'u') take_u32(cursor);
        if (*fields == 'q') take_u64(cursor);
        if (*fields == 'b') take_bool(cursor);
        if (*fields == 's') take_string(cursor);
        if (*fields == 'o') take_optional(cursor);
        if (*fields == 'd') take_blob(cursor);
        if (*fields != '(') continue;
        for (uint32_t count = take_count(cursor); count > 0 && !cursor->bad; count--) fields_fit(cursor, fields + 1);
        fields = after_list(fields + 1) - 1;
    }
    return !cursor->bad;
}

static const char *record_problem(const struct record *record) {
    const struct grammar *grammar = grammar_of(record->op);
    if (grammar == NULL) return "unknown op";
    if (record->phase > PHASE_CLEANUP || (grammar->phases & IN(record->phase)) == 0) return "an op in the wrong phase";
    struct cursor payload = record->payload;
    if (!fields_fit(&payload, grammar->fields)) return "a field does not fit or a string is malformed";
    return payload.left == 0 ? payload_problem(record) : "bytes after the last field";
}

/* What the order of the records has shown so far. */
struct order {
    uint16_t phase;
    bool shim, joins, foreign, rooted, pivoted, waits, executes; /* foreign: OP_RUNTIME or OP_RESTORE */
    bool settles; /* OP_NETWORK_DESCRIPTOR or OP_CRIU_DESCRIPTORS */
    bool hooks, runs_hooks; /* in the phase attach; OP_RUNTIME_HOOKS */
    bool leaves, start_fifo; /* of the launcher: nobody stays; where the start comes from */
};

static bool needs_root(uint16_t op) {
    return (op >= OP_MOUNT && op <= OP_READONLY) || op == OP_CONFIG || op == OP_CONSOLE || op == OP_REMOUNT;
}

static bool pivots(uint16_t op) {
    return op == OP_PIVOT_ROOT || op == OP_MOVE_ROOT;
}

static void note_launcher(struct order *order, struct cursor payload) {
    take_string(&payload);
    take_bool(&payload);
    take_bool(&payload);
    take_u32(&payload);
    order->leaves = !take_bool(&payload);
    order->start_fifo = take_optional(&payload) != NULL;
}

/* createContainer has a path of the host, startContainer one of the container. */
static const char *hook_order_problem(const struct order *order, struct cursor payload) {
    if (order->joins) return "a hook for a process that joins";
    if (take_u32(&payload) == HOOK_CREATE_CONTAINER) return order->pivoted ? "a createContainer hook after the pivot" : NULL;
    return order->pivoted ? NULL : "a startContainer hook before the pivot";
}

static const char *init_problem(const struct order *order, const struct record *record) {
    if (order->executes) return "a step after OP_EXEC";
    if (order->settles && record->op != OP_EXEC && record->op != OP_CRIU_DESCRIPTORS) return "a step between a descriptor and OP_EXEC";
    if (order->foreign && (pivots(record->op) || record->op == OP_WAIT_START || record->op == OP_NETLINK)) return "a step that is the runtime's";
    if (needs_root(record->op) && !order->rooted && !order->joins) return "a container path before OP_ENTER_ROOT";
    if (record->op == OP_ENTER_ROOT && (order->rooted || order->joins)) return "a second root";
    if (pivots(record->op) && (order->pivoted || order->joins)) return "a second OP_PIVOT_ROOT";
    if (record->op == OP_WAIT_START && order->waits) return "a second OP_WAIT_START";
    if (record->op == OP_WAIT_START && order->leaves && !order->start_fifo) return "a start that nobody could say";
    if (record->op == OP_RUNTIME_HOOKS && (order->runs_hooks || order->pivoted)) return "OP_RUNTIME_HOOKS twice or late";
    return record->op == OP_HOOK ? hook_order_problem(order, record->payload) : NULL;
}

static const char *order_problem(struct order *order, const struct record *record) {
    bool keeps = record->op == OP_SHIM || record->op == OP_LAUNCHER;
    bool spawns = record->op == OP_CLONE || record->op == OP_JOIN;
    if ((record->index == 0) != keeps) return "the first record, and no other, must be OP_SHIM or OP_LAUNCHER";
    if ((record->index == 1) != spawns) return "the second record, and no other, must be OP_CLONE or OP_JOIN";
    if (record->op == OP_HEALTH && (record->index != 2 || !order->shim || order->joins)) return "OP_HEALTH elsewhere than in the plan of a container";
    bool foreign = record->op == OP_RUNTIME || record->op == OP_RESTORE;
    bool kept = order->shim || record->op == OP_RESTORE;
    if (foreign && (record->index > 3 || order->foreign || !kept || order->joins)) return "OP_RUNTIME elsewhere than in the plan of a container";
    bool inner = order->shim ? order->foreign : !order->joins;
    bool inside = record->op == OP_INNER_NETLINK || record->op == OP_INNER_SYSCTL;
    if (inside && !inner) return "OP_INNER_NETLINK or OP_INNER_SYSCTL where the init has done its own";
    if (record->phase < order->phase) return "phases decrease";
    order->phase = record->phase;
    if (record->op == OP_LAUNCHER) note_launcher(order, record->payload);
    order->shim |= record->op == OP_SHIM;
    order->foreign |= foreign;
    order->joins |= record->op == OP_JOIN;
    if (record->phase == PHASE_ATTACH && order->joins) return "an attach step for a process that joins";
    order->hooks |= record->phase == PHASE_ATTACH && record->op == OP_HOOK;
    if (record->phase != PHASE_INIT) return NULL;
    const char *problem = init_problem(order, record);
    if (problem != NULL) return problem;
    order->rooted |= record->op == OP_ENTER_ROOT;
    order->pivoted |= pivots(record->op);
    order->runs_hooks |= record->op == OP_RUNTIME_HOOKS;
    order->waits |= record->op == OP_WAIT_START;
    order->settles |= record->op == OP_NETWORK_DESCRIPTOR || record->op == OP_CRIU_DESCRIPTORS;
    order->executes |= record->op == OP_EXEC;
    return NULL;
}

static int refuse(struct failure *failure, const struct record *record, const char *problem) {
    failure->phase = record->phase;
    failure->index = record->index;
    return fail(failure, EBADMSG, "plan: record %u (op %u): %s", record->index, record->op, problem);
}

int plan_check(const struct plan *plan, struct failure *failure) {
    struct records records = plan_records(plan);
    struct record record = {0};
    struct order order = {0};
    while (plan_next(&records, &record)) {
        const char *problem = record_problem(&record);
        if (problem == NULL) problem = order_problem(&order, &record);
        if (problem != NULL) return refuse(failure, &record, problem);
    }
    if (records.rest.bad || records.index != plan->count) return refuse(failure, &record, "the plan ends inside a record");
    if (records.rest.left != 0) return refuse(failure, &record, "bytes after the last record");
    if (!order.executes) return refuse(failure, &record, "no OP_EXEC");
    if (order.hooks && !order.runs_hooks) return refuse(failure, &record, "hooks without OP_RUNTIME_HOOKS");
    if (order.start_fifo && !order.waits) return refuse(failure, &record, "a start fifo without OP_WAIT_START");
    return 0;
}
