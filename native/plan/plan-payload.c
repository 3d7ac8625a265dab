#include "plan-payload.h"

#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/un.h>

#include "health.h"
#include "log-config.h"
#include "overlay.h"
#include "syscalls.h"

#define NAMESPACES                                                                                                     \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWTIME)

static const char *absolute_problem(const char *path) {
    return path[0] == '/' ? NULL : "a host path is not absolute";
}

/* Descriptors are a scarce thing: more than these is a mistake. */
enum { PRESERVE_MAX = 1024, HOOK_SECONDS_MAX = 2000000 };

static const char *shim_problem(struct cursor payload) {
    take_string(&payload);
    const char *socket = take_string(&payload);
    if (strlen(socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path) return "the socket's path is longer than 107 bytes";
    const char *log_problem = log_config_problem(&payload);
    if (log_problem != NULL) return log_problem;
    const char *exit_file = take_string(&payload);
    take_bool(&payload);
    uint32_t arguments = take_count(&payload);
    for (uint32_t i = 0; i < arguments; i++) {
        const char *argument = take_string(&payload);
        if (i == 0 && argument[0] != '/') return "the reconcile command is not an absolute path";
    }
    bool terminal = take_bool(&payload);
    for (int i = 0; i < 3; i++) take_bool(&payload);
    if (take_u32(&payload) > 2) return "unknown version of the OOM source";
    take_string(&payload);
    if (take_bool(&payload) && terminal) return "a terminal beside stdio that is handed over";
    if (take_u32(&payload) > PRESERVE_MAX) return "more than 1024 descriptors to preserve";
    const char *events = take_optional(&payload);
    if (events != NULL && events[0] != '/') return "the event log is not absolute";
    const char *problem = absolute_problem(socket);
    /* None for exec: nobody asks for its status later. */
    return problem != NULL || exit_file[0] == '\0' ? problem : absolute_problem(exit_file);
}

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
    const char *directory = take_string(&payload), *freezer = take_optional(&payload);
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
    return problem;
}

/* Above all that the init has open itself. */
static const char *descriptor_problem(struct cursor payload) {
    uint32_t number = take_u32(&payload);
    return number >= 64 && number < 1024 ? NULL : "a descriptor below 64 or above 1023";
}

static const char *criu_problem(struct cursor payload) {
    const char *problem = descriptor_problem(payload);
    take_u32(&payload);
    const char *images = take_string(&payload), *work = take_string(&payload);
    if (problem == NULL) problem = absolute_problem(images);
    return problem == NULL ? absolute_problem(work) : problem;
}

static const char *restore_problem(struct cursor payload) {
    const char *group = take_optional(&payload);
    return group == NULL ? NULL : absolute_problem(group);
}

static const char *runtime_problem(struct cursor payload) {
    const char *program = take_string(&payload), *state = take_string(&payload);
    const char *id = take_string(&payload), *pid_file = take_string(&payload), *log = take_string(&payload);
    const char *console = take_optional(&payload), *group = take_optional(&payload);
    if (program[0] != '/' || state[0] != '/' || pid_file[0] != '/' || log[0] != '/') return "a path of the runtime is not absolute";
    if (id[0] == '\0' || id[0] == '-' || strchr(id, '/') != NULL) return "an ID that is none for a runtime";
    if (group != NULL && group[0] != '/') return "the cgroup of the container is not absolute";
    if (console == NULL) return NULL;
    if (strlen(console) >= sizeof((struct sockaddr_un *)NULL)->sun_path) return "the terminal's socket has a path longer than 107 bytes";
    return absolute_problem(console);
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

/* The keeper is in the namespaces of the machine but for that of the network. */
static const char *inner_sysctl_problem(struct cursor payload) {
    return strncmp(take_string(&payload), "net/", 4) == 0 ? NULL : "a kernel parameter of the machine";
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

static bool is_place(struct cursor *payload, uint32_t bytes) {
    bool fits = take_blob(payload).length == bytes;
    uint32_t port = take_u32(payload);
    return fits && port > 0 && port <= UINT16_MAX;
}

static const char *ports_problem(struct cursor payload) {
    for (uint32_t count = take_count(&payload); count > 0; count--) {
        take_bool(&payload);
        if (!is_place(&payload, 16)) return "no IPv6 address and port";
        if (!is_place(&payload, 4)) return "no IPv4 address and port";
        take_string(&payload);
    }
    return NULL;
}

const char *payload_problem(const struct record *record) {
    switch (record->op) {
    case OP_SHIM: return shim_problem(record->payload);
    case OP_LAUNCHER: return launcher_problem(record->payload);
    case OP_HEALTH: return health_problem(record->payload);
    case OP_RUNTIME: return runtime_problem(record->payload);
    case OP_RESTORE: return restore_problem(record->payload);
    case OP_CONFIG: {
        struct cursor path = record->payload;
        return absolute_problem(take_string(&path));
    }
    case OP_NETWORK_DESCRIPTOR: return descriptor_problem(record->payload);
    case OP_CRIU_DESCRIPTORS: return criu_problem(record->payload);
    case OP_HOOK: return hook_problem(record->payload, record->phase);
    case OP_CLONE: return clone_problem(record->payload);
    case OP_JOIN: return join_problem(record->payload);
    case OP_ID_MAP: return idmap_problem(record->payload);
    case OP_NETLINK:
    case OP_INNER_NETLINK: return netlink_problem(record->payload, record->phase);
    case OP_INNER_SYSCTL: return inner_sysctl_problem(record->payload);
    case OP_CGROUP_DEVICE: return blob_problem(record->payload, true);
    case OP_PORTS: return ports_problem(record->payload);
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
