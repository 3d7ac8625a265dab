/*
 * The init: executes the init steps of a plan inside the new (or joined) namespaces, up to and including exec. It
 * lives in the child of clone3(2), in memory copied from the shim.
 */
#ifndef ONGGI_INIT_H
#define ONGGI_INIT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "message.h"
#include "plan-reader.h"

#define LEGACY_CGROUPS_MAX 32
#define KERNEL_MOUNTS 2

/* What the keeper prepares for the init before the clone; every descriptor is close-on-exec. */
struct init_start {
    const struct plan *plan;
    int report;   /* the init's end of the message socket */
    int stdio[3]; /* become 0, 1, 2; -1 keeps those of the keeper */
    int preserved; /* the first of those that become 3 and up, one after the other */
    uint32_t preserve; /* how many */
    int start, reply; /* fifos by which the start is said and answered; -1 where the keeper does it */
    int channel; /* of the joining process that clones the init; -1 for none. The init only closes it */
    bool arranged; /* the joining process has done it: nothing else is open */
    int cgroups[LEGACY_CGROUPS_MAX]; /* open `tasks` files (or cgroup.procs), joined by writing "0" */
    size_t cgroup_count;
    bool joins;         /* namespaces of a running container: its "/" is the root already */
    bool maps_ids;      /* waits for the id map, then becomes root in the user namespace */
    bool joins_user;    /* the container has a user namespace */
    const char *keyring; /* name of the session keyring, "": a new one, NULL: the keeper's */
    bool left_alone;    /* outlives its keeper, from its start on at the latest */
    bool to_be_seen;    /* its namespaces are for the user to open before its start, who is not root; nobody else sees it */
};

struct init {
    const struct plan *plan;
    int report; /* the message socket; -1 once the keeper has left */
    int start, reply; /* fifos, or -1 */
    uint32_t preserve; /* descriptors from 3 up that are the command's */
    bool left_alone, to_be_seen;
    bool settled; /* init_settle is done */
    int root; /* O_PATH, the root that container paths are resolved below; -1 before OP_ENTER_ROOT */
    int proc; /* a procfs that nobody else can reach; -1 until first used */
    int oom_score_adj; /* opened early where that is the only chance, else -1 */
    int null_device;
    int kernel_mounts[KERNEL_MOUNTS]; /* on /proc and /sys (kernel-mount.h), or -1 */
    int mask_directory; /* the empty tmpfs that masks directories */
    bool attached;      /* MESSAGE_ATTACHED has been received */
    mode_t umask;
    char home[PATH_MAX]; /* set by OP_IDENTITY */
    char executable[PATH_MAX];
    struct failure failure; /* of the present step */
};

/* A step: 0, or -errno after fail() has said what was tried. The payload has been checked by plan_load. */
typedef int step_function(struct init *init, struct cursor *payload);

/* mounts */
step_function step_propagation, step_overlay, step_root_bind, step_mount, step_bind, step_cgroup_mount, step_remount;
/* A detached mount as the future root, on a path of the host. */
int root_place(struct init *init, int tree, const char *target);
/* One that the keeper has made; on `target` for who can reach it. */
int root_receive(struct init *init, const char *target);
/* the root file system */
step_function step_enter_root, step_mkdir, step_symlink, step_mknod, step_pivot_root, step_root_attributes;
step_function step_mask, step_readonly, step_move_root;
/* kernel parameters and namespaces */
step_function step_sysctl, step_hostname, step_domainname, step_unshare_cgroup, step_netlink;
/* the process */
step_function step_console, step_rlimit, step_oom_score_adj, step_no_new_privileges, step_umask, step_seccomp;
step_function step_scheduler, step_io_priority, step_cpu_affinity, step_personality, step_memory_policy,
    step_apparmor, step_selinux;
step_function step_identity, step_working_directory, step_find_executable, step_wait_start, step_exec;
/* for another runtime */
step_function step_config, step_network_descriptor, step_criu_descriptors;
/* hooks */
step_function step_runtime_hooks, step_hook;

/*
 * Puts the descriptors to keep in their places and closes all others. What joins namespaces of others does so before
 * it has a child there, which they could look at.
 */
int init_arrange(struct init_start *start);

/* Joins the cgroups of `start`, and forgets them. 0 or -errno. */
int init_join_cgroups(struct init_start *start);

/* Runs the init steps and executes the command. Reports failures to the shim and ends the process. */
_Noreturn void init_run(const struct init_start *start);

/*
 * Opens the process's own oom_score_adj. In a user namespace this can be done only before the ids change: the files of
 * a process that can't be dumped belong to the machine's root (proc(5)). -1 when it can't be done.
 */
int oom_score_adj_open(struct init *init);

/* Ends the process, whatever filter the container's plan has put on it: by SIGILL where it may not exit. */
_Noreturn void init_leave(void);

/* Waits for a message of the keeper; ends the process when the keeper is gone. */
void init_await(struct init *init, uint32_t type);

/* Says something to whoever waits for the init: its keeper, or who has started it. 0 or -errno. */
int init_say(const struct init *init, enum message_type type, const struct failure *failure);

/*
 * What remains to be done before the command is executed that a filter of system calls might forbid: the umask, which
 * descriptors it gets, that it no longer ends with a keeper that is about to leave. Once.
 */
int init_settle(struct init *init);
/* Waits for a message that carries a descriptor, after MESSAGE_ATTACHED; ends the process when the shim is gone. */
int init_await_descriptor(struct init *init, uint32_t type);

/* Reports what `failure` holds as a warning and forgets it. */
int init_warn(struct init *init);

/* Gives a clean slate to a program about to be executed or to a child: default dispositions, nothing blocked. */
void signals_reset(void);

/*
 * SIGKILL with the parent's death where that is wanted, and no core dumps, ptrace or /proc access by others. The kernel drops both with
 * every change of identity, so they are set again after each.
 */
void process_harden(bool dies_with_parent);

/* Replaces descriptors 0 to 2 that are the host's /dev/null by the container's own. */
void stdio_reopen(const struct init *init);

#endif
