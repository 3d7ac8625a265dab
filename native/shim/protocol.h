/*
 * The protocol on the shim's attach socket (SOCK_STREAM, path below a directory of mode 0700, peer must be root or
 * the shim's own user by SO_PEERCRED).
 *
 *   frame    u8 type, u8 flags, u16 zero, u32 payload length (at most FRAME_MAX), payload; little-endian
 *
 *      client                         shim                            init
 *        |                              |-- clone, plan on a pipe ------>| mounts, pivot, identity ...
 *        |-- HELLO(flags) ------------->|                                |
 *        |<-- WARN* --------------------|<-- warnings -------------------|
 *        |<-- STATUS(created, pid) -----|<-- created --------------------| (wait-start)
 *        |-- START -------------------->|-- start ---------------------->| exec
 *        |<-- STATUS(running) ----------|<-- end of file (close-on-exec)-|
 *        |-- STDIN, RESIZE, SIGNAL ---->|===== stdio or pty =============|
 *        |<-- STDOUT, STDERR -----------|                                |
 *        |<-- EXIT ---------------------|<-- SIGCHLD, output at its end -|
 *        |-- close -------------------->| exit record is durable since before EXIT;
 *        |                              | reconcile runs unless the exit record has been taken over
 *
 * Instead of STATUS(created) or STATUS(running) there may be one FAIL: the step that failed; then EXIT with
 * EXIT_NEVER_RAN follows and the shim ends. A client may say HELLO at any time in any state: it is told the present
 * status (and FAIL or EXIT, if that has been) at once. A second START, or one without wait-start, is refused by
 * closing the connection, as is any frame before HELLO, of an unknown type, or too long.
 *
 * When a client that said HELLO_RECONCILES is connected at exit, the shim waits for it to close before it looks
 * whether there is anything to reconcile: whoever has taken the record over has renamed it, or removed its directory.
 */
#ifndef ONGGI_PROTOCOL_H
#define ONGGI_PROTOCOL_H

/* Output is sent in frames of what one read(2) of a pipe gave; input may be as large as this. */
#define FRAME_MAX 65536u

enum hello_flag {
    HELLO_STDIN = 1,
    HELLO_STDOUT = 2,
    HELLO_STDERR = 4,
    /* This client will reconcile after EXIT; the shim waits for its close, then checks. */
    HELLO_RECONCILES = 8,
};

enum frame_type {
    /* client to shim */
    FRAME_HELLO = 1,     /* flags: hello_flag; no payload */
    FRAME_STDIN = 2,     /* bytes */
    FRAME_STDIN_EOF = 3, /* no payload */
    FRAME_RESIZE = 4,    /* u16 rows, u16 columns */
    FRAME_SIGNAL = 5,    /* u32 signal; to the init; recorded with the peer's pid and uid as the sender */
    FRAME_START = 6,     /* no payload */
    /* Signals every process of the container (cgroup.kill or the pid namespace's init). */
    FRAME_KILL_ALL = 7,  /* no payload */
    /* u32 milliseconds: run the reconcile command that long after the last client has left, whatever there is to do. */
    FRAME_LINGER = 8,
    /* Check the health now; refused where there is no check. No payload; the answer is FRAME_HEALTH. */
    FRAME_CHECK = 9,

    /* shim to client */
    FRAME_STATUS = 32, /* u32 state, u32 host pid of the init, u64 its start time in clock ticks (proc(5), field 22) */
    FRAME_STDOUT = 33, /* bytes */
    FRAME_STDERR = 34, /* bytes */
    /* u32 exit code, u32 signal (0 none), u32 exit_flag, u32 sender pid, u32 sender uid, u32 sender signal,
     * u64 finished at (ns since the epoch) */
    FRAME_EXIT = 35,
    /* u32 phase, u32 index of the step in the whole plan (0 is OP_SHIM), u32 errno, text without NUL */
    FRAME_FAIL = 36,
    FRAME_WARN = 37, /* as FRAME_FAIL */
    /* u32 enum health_status, u32 exit status of the check in two's complement, -1 for none; after each check */
    FRAME_HEALTH = 38,
};

enum shim_state {
    STATE_CREATING = 0,
    STATE_CREATED = 1,
    STATE_RUNNING = 2,
    STATE_EXITED = 3,
};

enum exit_flag {
    EXIT_OOM_CGROUP = 1, /* killed at the container's own limit */
    EXIT_OOM_HOST = 2,   /* killed because an ancestor or the machine ran out */
    EXIT_CORE_DUMPED = 4,
    EXIT_NEVER_RAN = 8, /* the init ended before exec: see FAIL */
    EXIT_RELEASED = 16, /* all cleanup steps succeeded: nothing of it is left in the kernel but its shim */
};

#endif
