/*
 * The plan: the binary format between the TypeScript that decides and the C that acts.
 *
 * A plan is one contiguous run of bytes on a descriptor (a sealed memfd). All integers are little-endian and
 * unaligned; nothing in it is trusted: every length and count is checked against the bytes that are left, strings
 * must hold no NUL but the final one, an unknown op, phase or a payload that is not used up is refused.
 *
 *   header   u8[4] "OGPL", u32 version, u32 total length in bytes, u32 number of records
 *   record   u16 op, u16 phase, u32 payload length, payload
 *
 * Fields of a payload, in the order of the table below:
 *
 *   u32 u64  integer; bool is a u32 of 0 or 1; i32 is a u32 in two's complement
 *   str      u32 length without the NUL, bytes, NUL
 *   str?     str, or the length 0xffffffff and nothing else for "none"
 *   blob     u32 length, bytes
 *   T[]      u32 count, then that many T
 *
 * The first record is OP_SHIM or OP_LAUNCHER: who the keeper is, the parent of the init. The second is OP_CLONE or OP_JOIN; OP_HEALTH and OP_RUNTIME or OP_RESTORE may follow, in this
 * order. Then come the steps in the order of their execution, phases not decreasing. `src/runtime/plan/steps.ts` says what each step means, `src/runtime/plan/encode.ts` writes
 * it, and a test compares the numbers of both files.
 */
#ifndef ONGGI_PLAN_H
#define ONGGI_PLAN_H

#define PLAN_MAGIC "OGPL"
#define PLAN_VERSION 1
/* 16 MiB: a thousand mounts and a full seccomp filter stay far below; a larger plan is a mistake or an attack. */
#define PLAN_MAX_BYTES (16u << 20)

enum plan_phase {
    PHASE_KEEPER = 0,  /* OP_SHIM or OP_LAUNCHER, OP_CLONE or OP_JOIN */
    PHASE_PREPARE = 1, /* the keeper, before the init exists */
    PHASE_ATTACH = 2,  /* the keeper, while the init waits or mounts; hooks when the init is at OP_RUNTIME_HOOKS */
    PHASE_INIT = 3,    /* the init */
    PHASE_CLEANUP = 4, /* the keeper, after the init has ended */
};

/* The first two in the phase attach, the others in the phase init. */
enum hook_kind {
    HOOK_PRESTART = 0,
    HOOK_CREATE_RUNTIME = 1,
    HOOK_CREATE_CONTAINER = 2, /* before the root is entered for good: its path is the host's */
    HOOK_START_CONTAINER = 3,
};

/* Who opens what is bound or becomes the root, and how ids are mapped. */
enum bind_mapping {
    MAP_NONE = 0,   /* the init, as it is */
    MAP_GIVEN = 1,  /* the keeper, by the given maps */
    MAP_OWN = 2,    /* the keeper, by the container's own user namespace */
    /* the keeper, as it is: a mount in the mount namespace of the process of its path "/proc/PID/root/PATH" */
    MAP_FOREIGN = 3,
    MAP_KEEPER = 4, /* the keeper, as it is: the init has no way to it */
};

enum plan_op {
    /* str id, str socket, the log (u32 enum log_driver, str? path, u64 max size, u32 max files, bool compress, u64 buffer,
     * u32 enum log_transport, str address, u32 port, u32 number, u32 number, blob head, blob fields), str exit file,
     * bool unsynced, str[] reconcile,
     * bool terminal, bool stdin, bool stdin once, bool start required,
     * u32 oom version (0 none, 1, 2), str oom directory,
     * bool stdio handed over, u32 descriptors to preserve,
     * str? event log (of an exec: told of its end), str end of the event's line */
    OP_SHIM = 1,
    /* u32 CLONE_NEW* flags (CLONE_NEWCGROUP is never in it), {u32 CLONE_NEW* type, str path, bool not the
     * keeper's own}[] join,
     * str? unified, str[] legacy, {u32 clock, u64 secs as i64, u32 nanosecs}[] time offsets (clock: CLOCK_MONOTONIC
     * or CLOCK_BOOTTIME), str? session keyring (none: the caller's, "": a new one without a name) */
    OP_CLONE = 2,
    /* u32 pid, u64 start time, u32 CLONE_NEW* flags, str? unified, str[] legacy, str? session keyring */
    OP_JOIN = 3,
    /* After OP_SHIM and OP_CLONE: str directory (health-file.c), str? freezer, u64 interval, u64 timeout,
     * u64 start period, u64 start interval (all ms), u32 retries, u32 enum health_action, str[] command of it */
    OP_HEALTH = 5,
    /* After OP_CLONE and OP_HEALTH, of a container that another OCI runtime makes (runtime.h): str program, str directory of
     * its state, str id, str pid file, str log file, str? socket for the terminal, str? cgroup of the container,
     * u32 seconds that each of its commands may take */
    OP_RUNTIME = 6,
    /* In its place, of a container that criu restores (criu.h), by a shim or a launcher: str? cgroup of the container, blob
     * request for criu */
    OP_RESTORE = 7,
    /* str id, bool terminal, bool console socket, u32 descriptors to preserve, bool stay, str? start fifo */
    OP_LAUNCHER = 4,

    /* prepare */
    OP_CGROUP_CREATE = 16, /* str path, str? mark */
    /* str path, str value, str what, bool optional, str? path written instead where there is no `path`, str its value */
    OP_WRITE = 17,
    OP_CGROUP_DEVICE = 18, /* str path, blob eBPF program, str what */
    /* {bool of datagrams, blob IPv6 address, u32 port, blob IPv4 address in the container, u32 its port, str what}[] (ports.h) */
    OP_PORTS = 19,

    /* attach */
    OP_ID_MAP = 32,  /* {u32 container, u32 host, u32 size}[] uid, the same gid, bool setgroups, str? newuidmap, str? newgidmap */
    OP_NETLINK = 33, /* u32 netlink protocol, {blob bytes, u32[] pid at, str what}[], str what; attach and init */
    OP_INNER_NETLINK = 35, /* as OP_NETLINK, in the network namespace of the init; attach */
    OP_INNER_SYSCTL = 36,  /* str name with slashes, of the network's, str value: there, too; attach */
    /* u32 hook_kind, u32 index, str path, str[] args, str[] env, u32 seconds (0: no limit), str state before the pid,
     * str state after it; attach and init */
    OP_HOOK = 34,

    /* init */
    OP_PROPAGATION = 64, /* str path, u32 flags, bool of the mount that holds the path, which need not be its root */
    OP_OVERLAY = 65,     /* str directory, str[] lower, str? upper, str? work, str target, str[] options, u32 flags,
                          * u32 bind_mapping, not by given maps */
    OP_ROOT_BIND = 66,   /* str source, str target, u32 bind_mapping, not by given maps */
    OP_ENTER_ROOT = 67,  /* str path */
    OP_MOUNT = 68,       /* str fstype, str source, str target, u32 flags, str data, bool optional, bool copy up */
    /* str source, bool recursive, u32 bind_mapping, bool map recursively, {u32 container, u32 host, u32 size}[] uid, the
     * same gid, str target, u64 attr set, u64 attr clear, the same two for the whole tree, u32 propagation flags,
     * bool create source, str path below the source, bool copy up */
    OP_BIND = 69,
    /* str target, bool unified, {str name, str options, str[] links}[] legacy, u32 flags */
    OP_CGROUP_MOUNT = 70,
    OP_MKDIR = 71,             /* str path, u32 mode, u32 uid, u32 gid */
    OP_SYMLINK = 72,           /* str path, str target */
    OP_MKNOD = 73,             /* str path, u32 S_IF* type, u32 major, u32 minor, u32 mode, u32 uid, u32 gid */
    OP_PIVOT_ROOT = 74,        /* nothing */
    OP_ROOT_ATTRIBUTES = 75,   /* u64 attr set, u64 attr clear */
    OP_MASK = 76,              /* str path */
    OP_READONLY = 77,          /* str path */
    OP_SYSCTL = 78,            /* str name, str value */
    OP_HOSTNAME = 79,          /* str name */
    OP_DOMAINNAME = 80,        /* str name */
    OP_UNSHARE_CGROUP = 81,    /* nothing */
    OP_CONSOLE = 82,           /* u32 rows, u32 columns, bool bind /dev/console */
    OP_RLIMIT = 83,            /* u32 resource, str name, u64 soft, u64 hard */
    OP_OOM_SCORE_ADJ = 84,     /* i32 value, bool optional */
    OP_NO_NEW_PRIVILEGES = 85, /* nothing */
    OP_UMASK = 86,             /* u32 mask */
    /* str user, str? group, str[] additional groups, bool primary group too,
     * u64 bounding, effective, permitted, inheritable, ambient */
    OP_IDENTITY = 87,
    /* u32 flags, blob program, str what, str? socket of the agent, str state with U+0001 where the pid belongs */
    OP_SECCOMP = 88,
    OP_WORKING_DIRECTORY = 89, /* str path, bool create */
    OP_FIND_EXECUTABLE = 90,   /* str command */
    OP_WAIT_START = 91,        /* nothing */
    OP_EXEC = 92,              /* str[] argv, str[] env, bool reaper, str? program that reaps */
    /* u32 SCHED_*, u64 SCHED_FLAG_*, i32 nice, u32 priority, u64 runtime, u64 deadline, u64 period, str name */
    OP_SCHEDULER = 96,
    OP_IO_PRIORITY = 97,  /* u32 class, u32 level */
    OP_CPU_AFFINITY = 98, /* blob mask (bit n is CPU n), str list; prepare and init */
    OP_PERSONALITY = 99,  /* u32 persona, str name */
    OP_APPARMOR = 100,    /* str profile */
    OP_SELINUX = 101,     /* str label */
    /* str target, u64 attr set, u64 attr clear, the same two for the whole tree, str data */
    OP_REMOUNT = 102,
    OP_MEMORY_POLICY = 103, /* u32 MPOL_* mode and flags, blob mask (bit n is node n) or nothing, str words */
    /* str path on the host, str user, str? group, str[] additional groups, bool primary group too, str before the user
     * as JSON has it, str after it */
    OP_CONFIG = 104,
    /* u32 number: the network namespace is open at this descriptor of what is executed; nothing in between but the next and OP_EXEC */
    OP_NETWORK_DESCRIPTOR = 105,
    /* u32 number, str directory of the images, str directory of the log: criu's socket is open at this descriptor, the
     * directories at the next two; nothing in between but OP_EXEC */
    OP_CRIU_DESCRIPTORS = 106,
    OP_RUNTIME_HOOKS = 112,    /* nothing */
    OP_MOVE_ROOT = 113,        /* nothing; in place of OP_PIVOT_ROOT */

    /* cleanup */
    OP_CGROUP_REMOVE = 128, /* str path, u32 how many directories above it go, too, where they are empty */
};

#endif
