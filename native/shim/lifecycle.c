/* The life of the init as the shim sees it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "cgroup.h"
#include "event.h"
#include "launch.h"
#include "oom.h"
#include "ports.h"
#include "scoped.h"
#include "shim.h"
#include "syscalls.h"
#include "timestamp.h"

enum { EXIT_ENGINE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127 };

/* How long clients are waited for that are slow, or that never come. */
enum { DRAIN_MS = 10000, MEET_MS = 10000, RECONCILE_MS = 30000, LINGER_MS = 1000 };

void lifecycle_warn(void *keeper, const struct failure *failure) {
    struct shim *shim = keeper;
    server_failure(shim, FRAME_WARN, failure);
    if (shim->warning_count < WARNINGS_MAX) shim->warnings[shim->warning_count++] = *failure;
}

void lifecycle_fail(struct shim *shim, const struct failure *failure) {
    if (shim->ending.failure.error != 0) return; /* the first one is the reason, the others follow from it */
    shim->ending.failure = *failure;
    server_failure(shim, FRAME_FAIL, failure);
}

static void change_state(struct shim *shim, enum shim_state state) {
    shim->state = state;
    server_status(shim);
}

static void begin_running(struct shim *shim) {
    shim->ending.started_at = timestamp_ns();
    change_state(shim, STATE_RUNNING);
    health_begin(shim);
    if (shim->joins) return;
    oom_watch_open(&shim->oom, shim->options.oom_version, shim->options.oom_directory);
    if (shim->oom.counts) lifecycle_oom(shim); /* arms it */
}

void lifecycle_oom(struct shim *shim) {
    if (oom_watch_read(&shim->oom)) event_tell(&shim->options, "oom", "");
}

static void start_foreign(struct shim *shim) {
    struct failure failure = {.phase = PHASE_INIT, .index = shim->exec_index};
    if (runtime_start(&shim->runtime, &failure) == 0) {
        begin_running(shim);
        return;
    }
    lifecycle_fail(shim, &failure);
    lifecycle_kill(shim);
}

void lifecycle_created(struct shim *shim) {
    change_state(shim, STATE_CREATED);
}

void lifecycle_start(struct shim *shim) {
    shim->start_wanted = true;
    if (shim->state != STATE_CREATED || shim->start_sent) return;
    shim->start_sent = true;
    if (shim->restored) {
        begin_running(shim);
        return;
    }
    if (shim->runtime.program != NULL) {
        start_foreign(shim);
        return;
    }
    message_send(shim->report, MESSAGE_START, NULL, -1);
}

static void hooks_failed(struct shim *shim, const struct failure *failure) {
    lifecycle_fail(shim, failure);
    lifecycle_kill(shim);
}

void lifecycle_hooks(struct shim *shim) {
    struct failure failure = {0};
    if (shim->hook_runner < 0 || hooks_take(shim, &failure) == 0) return;
    shim->hooks = false;
    shim_settle(shim);
    if (failure.error != 0) hooks_failed(shim, &failure);
}

static void run_hooks(struct shim *shim) {
    if (!shim->hooks || shim->hook_runner >= 0) return;
    int result = hooks_start(shim);
    if (result == 0) return;
    struct failure failure = {.phase = PHASE_KEEPER};
    fail(&failure, result, "start a process for the hooks");
    hooks_failed(shim, &failure);
}

static void deliver_listener(struct shim *shim, int listener) {
    struct failure failure = {0};
    if (launch_deliver(&shim->plan, shim->filter_index, shim->init, shim->report, listener, &failure) == 0) return;
    lifecycle_fail(shim, &failure);
    lifecycle_kill(shim);
}

static void take_message(struct shim *shim, const struct message *message, int fd) {
    switch (message->type) {
    case MESSAGE_WARN: lifecycle_warn(shim, &message->failure); break;
    case MESSAGE_FAIL: lifecycle_fail(shim, &message->failure); break;
    case MESSAGE_EXECUTING: shim->executing = true; break;
    case MESSAGE_MOUNTED: run_hooks(shim); break;
    case MESSAGE_CREATED:
        change_state(shim, STATE_CREATED);
        if (shim->start_wanted) lifecycle_start(shim);
        break;
    case MESSAGE_LISTENER: deliver_listener(shim, fd); break;
    case MESSAGE_CONSOLE:
        if (fd >= 0 && shim->output.fd < 0) return terminal_open(shim, fd);
        break;
    default: break;
    }
    if (fd >= 0) close(fd);
}

void lifecycle_report(struct shim *shim) {
    while (shim->report >= 0) {
        struct message message;
        int fd = -1;
        int result = message_receive(shim->report, &message, &fd, MSG_DONTWAIT);
        if (result == -EAGAIN) return;
        /* The init died without reading what it was sent (unix(7)); what it had said itself is still to come. */
        if (result == -ECONNRESET) continue;
        if (result == 1) {
            take_message(shim, &message, fd);
            continue;
        }
        /* End of file: closed by the exec, or by the death of the init. */
        drop_fd(&shim->report);
        if (!shim->executing || shim->ending.failure.error != 0) return;
        begin_running(shim);
    }
}

void lifecycle_signal(struct shim *shim, const struct sender *sender) {
    if (shim->init <= 0 || shim->ended) return;
    /* A resize of the window is news, not a cause of anything. */
    if (sender->signal != SIGWINCH) shim->ending.sender = *sender;
    /* Not reaped yet, so the pid is still the init's. */
    kill(shim->init, (int)sender->signal);
}

void lifecycle_kill(struct shim *shim) {
    if (shim->init <= 0 || shim->ended) return;
    if (!shim->joins && !shim->pid_namespace && shim->kill_group != NULL) cgroup_kill(shim->kill_group);
    kill(shim->init, SIGKILL);
}

void lifecycle_reap(struct shim *shim) {
    int status;
    pid_t pid;
    while ((pid = (pid_t)SYS(waitpid(-1, &status, WNOHANG))) > 0) {
        log_reaped(&shim->log, pid);
        ports_reaped(pid);
        if (pid != shim->init) continue; /* an orphan that fell to the subreaper */
        shim->ended = true;
        drop_fd(&shim->claim);
        drop_fd(&shim->hook_runner); /* nobody waits for them */
        health_end(shim);
        shim->status = status;
        shim->ending.finished_at = timestamp_ns();
    }
}

static uint32_t failure_code(const struct shim *shim) {
    const struct failure *failure = &shim->ending.failure;
    bool of_command = failure->index == shim->find_index || failure->index == shim->exec_index;
    if (failure->phase != PHASE_INIT || !of_command || failure->error == ECANCELED) return EXIT_ENGINE;
    return failure->error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

/* What the watch has not seen, because it is not told of it or came too late, is told now. */
static void note_oom(struct shim *shim) {
    uint32_t flags = oom_read(shim->options.oom_version, shim->options.oom_directory);
    lifecycle_oom(shim);
    drop_fd(&shim->oom.fd);
    if (flags != 0 && !shim->oom.struck && !shim->joins) event_tell(&shim->options, "oom", "");
    shim->ending.flags |= flags;
}

/* What the wait status and the failure, if there was one, come to. */
static void conclude(struct shim *shim) {
    struct ending *ending = &shim->ending;
    if (ending->finished_at == 0) ending->finished_at = timestamp_ns();
    note_oom(shim);
    launch_conclude(ending, shim->status);
    if (ending->started_at == 0 && ending->failure.error == 0) {
        struct failure failure = {0};
        launch_died(&failure, shim->status);
        lifecycle_fail(shim, &failure);
    }
    if (ending->failure.error == 0) return;
    ending->flags |= EXIT_NEVER_RAN;
    ending->exit_code = failure_code(shim);
}

/* Of an exec: whoever has started it may have left it alone. */
static void tell_end(const struct shim *shim) {
    if (!shim->joins || shim->ending.started_at == 0) return;
    char more[48];
    snprintf(more, sizeof more, "\"more\":{\"exitCode\":\"%u\"},", shim->ending.exit_code);
    event_tell(&shim->options, "exec_die", more);
}

static void record(struct shim *shim) {
    shim->recorded = true;
    /* Who reads that it has ended finds its ports free. */
    ports_close();
    conclude(shim);
    runtime_delete(&shim->runtime);
    if (launch_clean_up(&shim->plan, shim->skipped, lifecycle_warn, shim)) shim->ending.flags |= EXIT_RELEASED;
    tell_end(shim);
    int result = ending_write(shim->options.exit_file, &shim->ending, !shim->options.exit_unsynced);
    shim->record_written = result == 0;
    if (result == 0) return;
    /* The reconcile command still finds out that the container ended, if not how. */
    struct failure failure = {.phase = PHASE_KEEPER, .index = 0};
    fail(&failure, result, "write the exit record \"%s\"", shim->options.exit_file);
    lifecycle_warn(shim, &failure);
}

/* Reads what is left in the pipes; false when a client that is too slow holds it up. */
static bool drain(struct shim *shim) {
    struct stream *streams[] = {&shim->output, &shim->error};
    bool done = true;
    for (size_t i = 0; i < 2; i++) {
        stream_read(shim, streams[i]);
        if (streams[i]->fd >= 0 && streams[i]->blocked) done = false;
    }
    return done;
}

static bool expired(const struct shim *shim) {
    return shim->deadline != 0 && monotonic_ms() >= shim->deadline;
}

/* Ends a container that nobody has started and that nobody is left to start. */
static void give_up_unstarted(struct shim *shim) {
    bool pending = shim->options.start_required && shim->waits && !shim->start_wanted;
    bool abandoned = shim->met ? shim->client_count == 0 : expired(shim);
    /* The deadline was for the first client to come; one that has passed would make the loop spin. */
    if (!pending || shim->met || abandoned) shim->deadline = 0;
    if (!pending || !abandoned) return;
    struct failure failure = {.phase = PHASE_KEEPER, .index = 1};
    fail(&failure, ECANCELED, "nobody started the container");
    lifecycle_fail(shim, &failure);
    lifecycle_kill(shim);
}

/* How long, after EXIT, it is worth waiting for those who are connected now. */
static int64_t patience(const struct shim *shim) {
    for (size_t i = 0; i < shim->client_count; i++) {
        const struct client *client = shim->clients[i];
        if (!client->greeted || (client->flags & HELLO_RECONCILES) != 0 || client->output_used > 0) return RECONCILE_MS;
    }
    return shim->client_count > 0 || shim->met ? LINGER_MS : MEET_MS;
}

/*
 * After EXIT every client is waited for until it closes, even one that has nothing left to do: to close on a client
 * that is just writing would destroy its connection with output unread.
 */
static bool clients_done(struct shim *shim) {
    int64_t latest = monotonic_ms() + patience(shim);
    if (latest < shim->deadline) shim->deadline = latest; /* those who were worth waiting longer for have left */
    if (expired(shim)) return true;
    if (shim->client_count > 0) return false;
    /* Somebody is about to ask why it never ran. */
    return shim->met || !shim->waits || (shim->ending.flags & EXIT_NEVER_RAN) == 0;
}

static void announce(struct shim *shim) {
    stream_finish(shim, &shim->output);
    stream_finish(shim, &shim->error);
    sink_close(shim);
    shim->announced = true;
    shim->state = STATE_EXITED;
    server_exit(shim);
    shim->deadline = monotonic_ms() + patience(shim);
}

bool lifecycle_advance(struct shim *shim) {
    if (!shim->ended) give_up_unstarted(shim);
    if (!shim->ended) return false;
    if (!shim->announced) {
        lifecycle_report(shim);
        bool drained = drain(shim);
        if (!shim->recorded) {
            record(shim);
            shim->deadline = monotonic_ms() + DRAIN_MS;
        }
        if (!drained && !expired(shim)) return false;
        announce(shim);
    }
    return clients_done(shim);
}
