/*
 * The shim: the parent that outlives every command. One process, one poll(2) loop, fixed memory.
 *
 *   shim.c      from the plan to the last exec: prepare, spawn, attach, serve, end
 *   loop.c      the poll loop: what is waited for, who handles it
 *   server.c    clients: accepting, frames in, frames out
 *   streams.c   stdio of the container: to the log and to the clients
 *   lifecycle.c what the init says, how it ends
 *   health.c    checks of its health
 *   runtime.c   containers that another OCI runtime makes
 *   ports.c     ports of IPv6 addresses
 *   criu.c      containers that criu restores
 *   hook-runner.c hooks that run while all of this goes on
 */
#ifndef ONGGI_SHIM_H
#define ONGGI_SHIM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client.h"
#include "ending.h"
#include "failure.h"
#include "health.h"
#include "log.h"
#include "message.h"
#include "oom.h"
#include "options.h"
#include "plan-reader.h"
#include "protocol.h"
#include "runtime.h"

enum { CLIENTS_MAX = 16, WARNINGS_MAX = 8 };

/* One read of a container that writes a lot; its pipe holds as much. */
enum { STREAM_BYTES = 64 << 10 };

/* Output of the container on its way to the log and the clients. The buffer holds the line that is not finished. */
struct stream {
    int fd; /* -1: at its end, or none */
    bool error; /* it is stderr */
    uint8_t frame;
    uint8_t flag; /* the hello_flag of those who want it */
    bool blocked; /* a client has no room */
    bool closing; /* the init has ended: only `left` more bytes are its own */
    size_t left;
    size_t used;
    char line[STREAM_BYTES];
};

/* Where stdin goes: a pipe, or the master of the pty. */
struct sink {
    int fd;
    bool ready;  /* exists; before that bytes wait, after its end they are dropped */
    bool closed;
};

/* The descriptors that the shim was handed for its init begin here, with stdio, if that is among them. */
enum { HANDED_FD = 5 };

struct shim {
    struct plan plan;
    struct options options;
    uint32_t skipped; /* records dropped from the plan before its cleanup steps */
    uint32_t find_index, exec_index;
    uint32_t filter_index; /* of OP_SECCOMP */
    bool waits; /* the plan has OP_WAIT_START */
    bool hooks; /* the plan has OP_RUNTIME_HOOKS, which is still to come */
    bool joins;
    bool restored; /* the plan has OP_RESTORE; the container runs when there is an init */
    bool pid_namespace;
    const char *kill_group; /* cgroup whose processes are the container's */

    int lock, listener, signals, report;
    int claim; /* that the init lives (claim.h); -1 once it has ended */
    struct oom_watch oom;
    int hook_runner; /* channel of the process that runs the hooks; closing it has them given up; -1 for none */
    struct log log;
    struct stream output, error;
    struct sink sink;
    uint16_t rows, columns; /* asked for before there was a terminal */

    enum shim_state state;
    pid_t init;
    uint64_t start_time;
    bool start_wanted, start_sent, executing, ended, recorded, record_written, announced;
    bool met; /* some client has said HELLO */
    int status;
    struct ending ending;
    uint32_t linger_ms; /* FRAME_LINGER, 0: none */
    int64_t deadline; /* monotonic, 0: none */

    struct health health;
    struct runtime runtime;

    uint32_t leaver; /* process with whose connections stdin ends, 0: none */

    size_t client_count;
    struct client *clients[CLIENTS_MAX];
    struct failure warnings[WARNINGS_MAX];
    uint32_t warning_count;
};

/* Runs to the end; executes the reconcile command or ends the process. */
_Noreturn void shim_run(struct shim *shim);

/* Lets go of what of the plan has been executed: after the last step that is the shim's. */
void shim_settle(struct shim *shim);

/* loop.c */
void loop_run(struct shim *shim);

/* server.c */
/* False when nobody waits to be accepted. */
bool server_accept(struct shim *shim);
/*
 * After the events of a turn: ends stdin when a client that fed it has left, if it is to end with it. A client's input
 * comes over a connection of its own, which may be read later than the other one ends; those bytes count, so the end is
 * that of the last connection of its process that may bring some.
 */
void server_end_input(struct shim *shim);
void server_input(struct shim *shim, struct client *client);
void server_broadcast(struct shim *shim, uint8_t type, const void *payload, size_t length);
void server_status(struct shim *shim);
void server_failure(struct shim *shim, uint8_t type, const struct failure *failure);
void server_exit(struct shim *shim);
void server_drop(struct shim *shim, struct client *client);

/* streams.c */
void stream_read(struct shim *shim, struct stream *stream);
void stream_finish(struct shim *shim, struct stream *stream);
/* Bytes taken; 0 when they must wait. */
size_t sink_write(struct shim *shim, const char *bytes, size_t length);
void sink_close(struct shim *shim);
void terminal_open(struct shim *shim, int master);
void terminal_resize(struct shim *shim, uint16_t rows, uint16_t columns);

/* hook-runner.c */
/* Runs them in a process of its own, which then tells the init. 0 or -errno. */
int hooks_start(struct shim *shim);
/* Reads how they ended: 0 when they have not, 1 when they have, with `failure` set if they failed. */
int hooks_take(struct shim *shim, struct failure *failure);

/* lifecycle.c */
/* The container waits for its start. */
void lifecycle_created(struct shim *shim);
/* Reads from hook_runner. */
void lifecycle_hooks(struct shim *shim);
/* Tells of what the kernel has killed for want of memory. */
void lifecycle_oom(struct shim *shim);
void lifecycle_report(struct shim *shim);
void lifecycle_start(struct shim *shim);
void lifecycle_fail(struct shim *shim, const struct failure *failure);
/* A warn_function of launch.h. */
void lifecycle_warn(void *shim, const struct failure *failure);
void lifecycle_signal(struct shim *shim, const struct sender *sender);
void lifecycle_kill(struct shim *shim);
/* Reaps children; notes the end of the init. */
void lifecycle_reap(struct shim *shim);
/* Goes as far towards the end as is possible now; true when the shim is done. */
bool lifecycle_advance(struct shim *shim);

#endif
