#include "shim.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <limits.h>
#include <unistd.h>

#include "claim.h"
#include "criu.h"
#include "init.h"
#include "launch.h"
#include "scoped.h"
#include "spawn.h"
#include "syscalls.h"
#include "timestamp.h"

enum { MEET_MS = 10000 };

static int spawn(struct shim *shim, struct failure *failure) {
    struct spawned spawned;
    const struct options *options = &shim->options;
    bool pipes = !options->terminal && !options->stdio;
    int stdio = options->stdio ? HANDED_FD : 0, preserved = HANDED_FD + (options->stdio ? 3 : 0);
    struct endowment endowment = {.output = pipes, .input = pipes && options->stdin_open, .stdio = stdio,
                                  .preserved = preserved, .preserve = options->preserve, .start = -1, .reply = -1};
    int result = spawn_init(&shim->plan, &endowment, &spawned, failure);
    /* The container's alone: who reads from them waits for its end. */
    if (handed_over(options) > 0) sys_close_range(HANDED_FD, HANDED_FD + handed_over(options) - 1, 0);
    if (result < 0) return result;
    shim->init = spawned.pid;
    shim->report = spawned.report;
    shim->output.fd = spawned.output;
    shim->error.fd = spawned.error;
    if (pipes) shim->sink = (struct sink){.fd = spawned.input, .ready = true, .closed = spawned.input < 0};
    shim->start_time = process_start_time(spawned.pid);
    return 0;
}

/* What later questions need to know of the plan. */
static void survey(struct shim *shim) {
    struct record record;
    runtime_read(&shim->runtime, &shim->plan);
    shim->restored = plan_find(&shim->plan, OP_RESTORE, &record);
    shim->waits = shim->runtime.program != NULL || shim->restored || plan_find(&shim->plan, OP_WAIT_START, &record);
    shim->joins = plan_find(&shim->plan, OP_JOIN, &record);
    shim->hooks = plan_find(&shim->plan, OP_RUNTIME_HOOKS, &record);
    health_read(&shim->health, &shim->plan);
    if (plan_find(&shim->plan, OP_FIND_EXECUTABLE, &record)) shim->find_index = record.index;
    if (plan_find(&shim->plan, OP_SECCOMP, &record)) shim->filter_index = record.index;
    if (plan_find(&shim->plan, OP_EXEC, &record)) shim->exec_index = record.index;
}

/* The cgroup that holds the container's processes and nothing else. */
static void find_group(struct shim *shim) {
    struct record record;
    struct restore restore;
    if (shim->runtime.program != NULL) {
        shim->kill_group = shim->runtime.group;
        return;
    }
    if (restore_read(&shim->plan, &restore)) {
        shim->kill_group = restore.group;
        return;
    }
    if (!plan_find(&shim->plan, OP_CLONE, &record)) return;
    shim->pid_namespace = (take_u32(&record.payload) & CLONE_NEWPID) != 0;
    for (uint32_t count = take_count(&record.payload); count > 0; count--) {
        take_u32(&record.payload);
        take_string(&record.payload);
        take_bool(&record.payload);
    }
    shim->kill_group = take_optional(&record.payload);
    if (shim->kill_group == NULL && take_count(&record.payload) > 0) shim->kill_group = take_string(&record.payload);
}

/*
 * Gives the pages of a plan back that has been executed, seccomp filter, environment and all: the shim waits for days
 * with what is left, its own options and the cleanup steps.
 */
static void trim(struct shim *shim) {
    struct plan kept;
    if (plan_keep(&shim->plan, &kept, &shim->skipped) < 0) return;
    plan_free(&shim->plan);
    shim->plan = kept;
    options_read(&shim->plan, &shim->options);
    health_read(&shim->health, &shim->plan);
    runtime_read(&shim->runtime, &shim->plan);
}

void shim_settle(struct shim *shim) {
    trim(shim);
    find_group(shim);
}

/* The init as it is: killed, waited for, its last words read. */
static void put_down(struct shim *shim) {
    if (shim->init <= 0) {
        shim->ended = true;
        return;
    }
    lifecycle_kill(shim);
    SYS(waitpid(shim->init, &shim->status, 0));
    shim->ended = true;
    lifecycle_report(shim);
}

/* What the first process says of its steps, until it has become the runtime, which closes the socket, or has ended. */
static int hear_out(struct shim *shim, struct failure *failure) {
    for (;;) {
        struct message message;
        int result = message_receive(shim->report, &message, NULL, 0);
        /* It died without reading what it was sent (unix(7)); what it had said itself is still to come. */
        if (result == -EINTR || result == -ECONNRESET) continue;
        if (result == 1 && message.type == MESSAGE_WARN) lifecycle_warn(shim, &message.failure);
        if (result == 1 && message.type == MESSAGE_FAIL) *failure = message.failure;
        if (result == 1) continue;
        drop_fd(&shim->report);
        return failure->error == 0 ? 0 : -(int)failure->error;
    }
}

static int take_console(struct shim *shim, struct failure *failure) {
    if (shim->runtime.console == NULL) return 0;
    int master = runtime_console(&shim->runtime);
    if (master < 0) return fail(failure, master, "receive the terminal from the runtime");
    terminal_open(shim, master);
    return 0;
}

/* Has the other runtime make the container, whose init then is ours. */
static int launch_foreign(struct shim *shim, struct failure *failure) {
    int result = runtime_listen(&shim->runtime, failure);
    if (result == 0) result = spawn(shim, failure);
    if (result < 0) return result;
    pid_t first = shim->init;
    result = launch_release(&shim->plan, first, shim->report, failure);
    if (result < 0) return result;
    result = hear_out(shim, failure);
    shim->init = 0;
    if (result < 0) {
        SYS(waitpid(first, NULL, 0));
        return result;
    }
    failure->phase = PHASE_INIT;
    failure->index = shim->exec_index;
    result = runtime_adopt(&shim->runtime, first, &shim->init, failure);
    if (result < 0) {
        /* It has said the same there. */
        drop_fd(&shim->output.fd);
        drop_fd(&shim->error.fd);
        return result;
    }
    shim->start_time = process_start_time(shim->init);
    result = take_console(shim, failure);
    if (result == 0) result = launch_attach_steps(&shim->plan, shim->init, failure);
    if (result == 0) lifecycle_created(shim);
    return result;
}

/* The same by criu. */
static int launch_restored(struct shim *shim, struct failure *failure) {
    int result = spawn(shim, failure);
    if (result < 0) return result;
    pid_t first = shim->init;
    shim->init = 0;
    struct restored restored;
    result = restore_run(&shim->plan, first, shim->report, lifecycle_warn, shim, &restored, failure);
    drop_fd(&shim->report);
    if (result < 0) {
        /* Its log says the same. */
        drop_fd(&shim->output.fd);
        drop_fd(&shim->error.fd);
        return result;
    }
    shim->init = restored.init;
    shim->start_time = process_start_time(shim->init);
    if (restored.console >= 0) terminal_open(shim, restored.console);
    lifecycle_created(shim);
    return 0;
}

static int launch_own(struct shim *shim, struct failure *failure) {
    int result = spawn(shim, failure);
    return result < 0 ? result : launch_attach(&shim->plan, shim->init, shim->report, failure);
}

/* Up to the point where the init goes its own way. */
static void launch(struct shim *shim) {
    struct failure failure = {0};
    int result = launch_prepare(&shim->plan, lifecycle_warn, shim, &failure);
    if (result == 0) {
        result = shim->restored                  ? launch_restored(shim, &failure)
                 : shim->runtime.program != NULL ? launch_foreign(shim, &failure)
                                                 : launch_own(shim, &failure);
    }
    if (result == 0) return;
    fail(&failure, result, "start the container");
    put_down(shim);
    lifecycle_fail(shim, &failure);
}

/*
 * Whether somebody has done the work: the directory is gone, or the record that we wrote has been taken over, which its
 * reader says by renaming it.
 */
static bool reconciled(const struct shim *shim) {
    const char *record = shim->options.exit_file;
    if (record[0] == '\0') return true;
    if (shim->record_written) return access(record, F_OK) != 0;
    char directory[PATH_MAX];
    size_t length = (size_t)(strrchr(record, '/') - record);
    if (length >= sizeof directory) return true;
    memcpy(directory, record, length);
    directory[length] = '\0';
    return length > 0 && access(directory, F_OK) != 0;
}

static _Noreturn void end(struct shim *shim) {
    /* First unreachable, then unlocked: who finds the lock free must find no socket either. */
    unlink(shim->options.socket);
    drop_fd(&shim->listener);
    bool done = shim->options.reconcile[0] == NULL || (shim->linger_ms == 0 && reconciled(shim));
    drop_fd(&shim->lock);
    log_close(&shim->log);
    if (done) _exit(0);
    /* Everything is let go of: this is now but an alarm clock of a few pages. */
    poll(NULL, 0, (int)shim->linger_ms);
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    signals_reset();
    execve(shim->options.reconcile[0], shim->options.reconcile, environ);
    _exit(1);
}

void shim_run(struct shim *shim) {
    survey(shim);
    launch(shim);
    if (!shim->joins && !shim->ended) shim->claim = claim_alive(shim->options.socket, shim->init, shim->start_time);
    if (shim->hooks) find_group(shim);
    else shim_settle(shim);
    if (shim->options.start_required) shim->deadline = monotonic_ms() + MEET_MS;
    loop_run(shim);
    end(shim);
}
