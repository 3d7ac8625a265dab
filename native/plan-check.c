#include "plan-check.h"

#include "log-config.h"

#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/un.h>

#include "health.h"
#include "overlay.h"
#include "syscalls.h"

#define IN(phase) (1u << (phase))
#define NAMESPACES                                                                                                     \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWTIME)

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
    {OP_SHIM, IN(PHASE_KEEPER), "ssuoqubqusuuudds(s)bbbbus"},
    {OP_CLONE, IN(PHASE_KEEPER), "u(usb)o(s)(uqu)o"},
    {OP_JOIN, IN(PHASE_KEEPER), "uquo(s)o"},
    {OP_LAUNCHER, IN(PHASE_KEEPER), "sbbubo"},
    {OP_HEALTH, IN(PHASE_KEEPER), "sosqqqquu(s)"},
    {OP_CGROUP_CREATE, IN(PHASE_PREPARE), "s"},
    {OP_WRITE, IN(PHASE_PREPARE), "sssbos"},
    {OP_CGROUP_DEVICE, IN(PHASE_PREPARE), "sds"},
    {OP_ID_MAP, IN(PHASE_ATTACH), "(uuu)(uuu)boo"},
    {OP_NETLINK, IN(PHASE_ATTACH) | IN(PHASE_INIT), "u(d(u)s)s"},
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
    {OP_EXEC, IN(PHASE_INIT), "(s)(s)b"},
    {OP_SCHEDULER, IN(PHASE_INIT), "uquuqqqs"},
    {OP_IO_PRIORITY, IN(PHASE_INIT), "uu"},
    {OP_CPU_AFFINITY, IN(PHASE_PREPARE) | IN(PHASE_INIT), "ds"},
    {OP_PERSONALITY, IN(PHASE_INIT), "us"},
    {OP_MEMORY_POLICY, IN(PHASE_INIT), "uds"},
    {OP_APPARMOR, IN(PHASE_INIT), "s"},
    {OP_SELINUX, IN(PHASE_INIT), "s"},
    {OP_REMOUNT, IN(PHASE_INIT), "sqqqqs"},
    {OP_RUNTIME_HOOKS, IN(PHASE_INIT), ""},
    {OP_MOVE_ROOT, IN(PHASE_INIT), ""},
    {OP_CGROUP_REMOVE, IN(PHASE_CLEANUP), "s"},
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

static const char *absolute_problem(const char *path) {
    return path[0] == '/' ? NULL : "a host path is not absolute";
}

static const char *shim_problem(struct cursor payload) {
    take_string(&payload);
    const char *socket = take_string(&payload);
    if (strlen(socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) return "the socket's path is longer than 107 bytes";
    const char *log_problem = log_config_problem(&payload);
    if (log_problem != NULL) return log_problem;
    const char *exit_file = take_string(&payload);
    uint32_t arguments = take_count(&payload);
    for (uint32_t i = 0; i < arguments; i++) {
        const char *argument = take_string(&payload);
        if (i == 0 && argument[0] != '/') return "the reconcile command is not an absolute path";
    }
    for (int i = 0; i < 4; i++) take_bool(&payload);
    if (take_u32(&payload) > 2) return "unknown version of the OOM source";
    const char *problem = absolute_problem(socket);
    /* None for exec: nobody asks for its status later. */
    return problem != NULL || exit_file[0] == '\0' ? problem : absolute_problem(exit_file);
}

/* Descriptors are a scarce thing: more than these is a mistake. */
enum { PRESERVE_MAX = 1024, HOOK_SECONDS_MAX = 2000000 };

static const char *launcher_problem(struct cursor payload) {
    take_string(&payload);
    bool terminal = take_bool(&payload), console_socket = take_bool(&payload);
    if (take_u32(&payload) > PRESERVE_MAX) return "more than 1024 descriptors to preserve";
    bool stay = take_bool(&payload);
    const char *start = take_optional(&payload);
    if (terminal && !console_socket && !stay) return "a terminal that nobody would relay";
    if (stay && start != NULL) return "a start fifo beside a launcher that stays";
    return start == NULL ? NULL : absolute_problem(start);
}

/* Milliseconds: what is longer than a century is a mistake, and must not overflow when added to a clock. */
#define HEALTH_MS_MAX (100ull * 366 * 24 * 3600 * 1000)

static const char *health_problem(struct cursor payload) {
    const char *directory = take_string(&payload), *freezer = take_optional(&payload), *events = take_string(&payload);
    uint64_t interval = take_u64(&payload), timeout = take_u64(&payload);
    uint64_t start_period = take_u64(&payload), start_interval = take_u64(&payload);
    take_u32(&payload);
    uint32_t action = take_u32(&payload), words = take_count(&payload);
    if (interval < 1 || start_interval < 1) return "health checks without a pause";
    if (interval > HEALTH_MS_MAX || timeout > HEALTH_MS_MAX || start_period > HEALTH_MS_MAX || start_interval > HEALTH_MS_MAX)
        return "a time of the health checks is out of range";
    if (action > HEALTH_RUN || words > HEALTH_COMMAND_MAX) return "unknown action of the health checks";
    const char *problem = absolute_problem(directory);
    if (problem == NULL && freezer != NULL) problem = absolute_problem(freezer);
    if (problem == NULL && words > 0) problem = absolute_problem(take_string(&payload));
    return problem != NULL ? problem : absolute_problem(events);
}

static const char *hook_problem(struct cursor payload, uint16_t phase) {
    uint32_t kind = take_u32(&payload);
    take_u32(&payload);
    const char *path = take_string(&payload);
    uint32_t arguments = take_count(&payload);
    for (uint32_t i = 0; i < arguments; i++) take_string(&payload);
    for (uint32_t count = take_count(&payload); count > 0; count--) take_string(&payload);
    if (kind > HOOK_START_CONTAINER) return "unknown kind of hook";
    if ((kind <= HOOK_CREATE_RUNTIME) != (phase == PHASE_ATTACH)) return "a hook in the wrong phase";
    if (arguments == 0) return "a hook without arguments";
    if (take_u32(&payload) > HOOK_SECONDS_MAX) return "a hook's timeout is out of range";
    return absolute_problem(path);
}

static bool single_namespace(uint32_t type) {
    return (type & (type - 1)) == 0 && type != 0 && (type & ~(uint32_t)(NAMESPACES | CLONE_NEWCGROUP)) == 0;
}

static const char *clone_problem(struct cursor payload) {
    uint32_t flags = take_u32(&payload);
    if ((flags & ~(uint32_t)NAMESPACES) != 0) return "flags that are not namespaces";
    for (uint32_t count = take_count(&payload); count > 0; count--) {
        uint32_t type = take_u32(&payload);
        if (!single_namespace(type) || (type & flags) != 0) return "a namespace to join is unknown or also new";
        take_string(&payload);
        take_bool(&payload);
    }
    take_optional(&payload);
    for (uint32_t count = take_count(&payload); count > 0; count--) take_string(&payload);
    uint32_t offsets = take_count(&payload);
    if (offsets > 0 && (flags & CLONE_NEWTIME) == 0) return "clock offsets without a time namespace";
    return NULL;
}

static const char *join_problem(struct cursor payload) {
    uint32_t pid = take_u32(&payload);
    take_u64(&payload);
    uint32_t flags = take_u32(&payload);
    if (pid == 0 || pid > INT32_MAX) return "not a process id";
    return (flags & ~(uint32_t)(NAMESPACES | CLONE_NEWCGROUP)) == 0 ? NULL : "flags that are not namespaces";
}

/* Each message must itself be whole netlink messages, and the places of the pid must lie in it, past a header. */
static const char *netlink_problem(struct cursor payload, uint16_t phase) {
    uint32_t protocol = take_u32(&payload);
    if (protocol != NETLINK_ROUTE && protocol != NETLINK_NETFILTER) return "unknown netlink protocol";
    for (uint32_t count = take_count(&payload); count > 0; count--) {
        struct blob message = take_blob(&payload);
        uint32_t left = message.length;
        if (left == 0) return "an empty netlink message";
        while (left > 0) {
            struct nlmsghdr header;
            if (left < sizeof header) return "a netlink message is cut short";
            memcpy(&header, message.bytes + (message.length - left), sizeof header);
            uint32_t aligned = (header.nlmsg_len + 3u) & ~3u;
            if (header.nlmsg_len < sizeof header || header.nlmsg_len > left || aligned > left)
                return "a netlink message's length does not fit";
            left -= aligned;
        }
        uint32_t places = take_count(&payload);
        /* The init doesn't know its pid on the host, nor would the number mean that process to its kernel calls. */
        if (places > 0 && phase == PHASE_INIT) return "a host pid in a netlink message of the init";
        for (uint32_t i = 0; i < places; i++) {
            uint32_t place = take_u32(&payload);
            if (place < sizeof(struct nlmsghdr) || message.length < 4 || place > message.length - 4)
                return "the place of a pid lies outside of its message";
        }
        take_string(&payload);
    }
    return NULL;
}

static const char *blob_problem(struct cursor payload, bool has_path) {
    if (has_path) take_string(&payload);
    else take_u32(&payload);
    struct blob program = take_blob(&payload);
    if (program.length == 0 || program.length % 8 != 0 || program.length / 8 > 0xffff)
        return "a BPF program is not 1 to 65535 instructions of 8 bytes";
    return NULL;
}

static const char *bind_problem(struct cursor payload) {
    take_string(&payload);
    take_bool(&payload);
    uint32_t mapping = take_u32(&payload);
    take_bool(&payload);
    uint32_t lines = take_count(&payload);
    if (mapping > MAP_KEEPER) return "unknown mapping of a bind";
    return (mapping == MAP_GIVEN) == (lines > 0) ? NULL : "a mapping of a bind without lines, or lines without it";
}

static const char *root_problem(uint32_t mapping) {
    return mapping == MAP_NONE || mapping == MAP_OWN || mapping == MAP_KEEPER ? NULL : "unknown mapping of a root";
}

static const char *root_bind_problem(struct cursor payload) {
    take_string(&payload);
    take_string(&payload);
    return root_problem(take_u32(&payload));
}

static const char *overlay_problem(struct cursor payload) {
    struct overlay overlay;
    overlay_read(&payload, &overlay);
    return root_problem(overlay.mapping);
}

static const char *affinity_problem(struct cursor payload) {
    uint32_t length = take_blob(&payload).length;
    return length > 0 && length <= 1024 ? NULL : "a set of CPUs is not 1 to 1024 bytes";
}

static const char *memory_policy_problem(struct cursor payload) {
    take_u32(&payload);
    return take_blob(&payload).length <= 128 ? NULL : "a set of memory nodes is more than 128 bytes";
}

static const char *seccomp_problem(struct cursor payload) {
    const char *problem = blob_problem(payload, false);
    bool listens = (take_u32(&payload) & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0;
    take_blob(&payload);
    take_string(&payload);
    const char *path = take_optional(&payload);
    if (problem != NULL) return problem;
    /* Without an agent nobody would close the descriptor, and the filter's calls would wait for ever. */
    if (listens != (path != NULL)) return "a listener without an agent, or an agent without a listener";
    return path == NULL ? NULL : absolute_problem(path);
}

static const char *idmap_problem(struct cursor payload) {
    for (int map = 0; map < 2; map++) {
        for (uint32_t numbers = take_count(&payload) * 3; numbers > 0; numbers--) take_u32(&payload);
    }
    take_bool(&payload);
    for (int helper = 0; helper < 2; helper++) {
        const char *path = take_optional(&payload);
        if (path != NULL && path[0] != '/') return "a program that maps ids is not an absolute path";
    }
    return NULL;
}

static const char *record_problem(const struct record *record) {
    const struct grammar *grammar = grammar_of(record->op);
    if (grammar == NULL) return "unknown op";
    if (record->phase > PHASE_CLEANUP || (grammar->phases & IN(record->phase)) == 0) return "an op in the wrong phase";
    struct cursor payload = record->payload;
    if (!fields_fit(&payload, grammar->fields)) return "a field does not fit or a string is malformed";
    if (payload.left != 0) return "bytes after the last field";
    switch (record->op) {
    case OP_SHIM: return shim_problem(record->payload);
    case OP_LAUNCHER: return launcher_problem(record->payload);
    case OP_HEALTH: return health_problem(record->payload);
    case OP_HOOK: return hook_problem(record->payload, record->phase);
    case OP_CLONE: return clone_problem(record->payload);
    case OP_JOIN: return join_problem(record->payload);
    case OP_ID_MAP: return idmap_problem(record->payload);
    case OP_NETLINK: return netlink_problem(record->payload, record->phase);
    case OP_CGROUP_DEVICE: return blob_problem(record->payload, true);
    case OP_SECCOMP: return seccomp_problem(record->payload);
    case OP_BIND: return bind_problem(record->payload);
    case OP_OVERLAY: return overlay_problem(record->payload);
    case OP_ROOT_BIND: return root_bind_problem(record->payload);
    case OP_CPU_AFFINITY: return affinity_problem(record->payload);
    case OP_MEMORY_POLICY: return memory_policy_problem(record->payload);
    case OP_EXEC: {
        struct cursor arguments = record->payload;
        return take_count(&arguments) > 0 ? NULL : "no command";
    }
    default: return NULL;
    }
}

/* What the order of the records has shown so far. */
struct order {
    uint16_t phase;
    bool shim, joins, rooted, pivoted, waits, executes;
    bool hooks, runs_hooks; /* in the phase attach; OP_RUNTIME_HOOKS */
    bool leaves, start_fifo; /* of the launcher: nobody stays; where the start comes from */
};

static bool needs_root(uint16_t op) {
    return (op >= OP_MOUNT && op <= OP_READONLY) || op == OP_CONSOLE || op == OP_REMOUNT;
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
    if (record->phase < order->phase) return "phases decrease";
    order->phase = record->phase;
    if (record->op == OP_LAUNCHER) note_launcher(order, record->payload);
    order->shim |= record->op == OP_SHIM;
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
