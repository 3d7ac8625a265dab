#include "launcher.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "criu.h"
#include "ending.h"
#include "frame.h"
#include "init.h"
#include "launch.h"
#include "message.h"
#include "plan-reader.h"
#include "relay.h"
#include "scoped.h"
#include "spawn.h"
#include "start-fifo.h"
#include "syscalls.h"
#include "timestamp.h"

enum { PLAN_FD = 3, CHANNEL_FD = 4, CONSOLE_FD = 5, PRESERVED_FD = 6 };

/* OP_LAUNCHER, read. */
struct options {
    bool terminal, console_socket, stay;
    uint32_t preserve;
    const char *start; /* NULL: none */
};

struct launcher {
    struct plan plan;
    struct options options;
    bool waits; /* the plan has OP_WAIT_START */
    bool restores; /* the plan has OP_RESTORE */
    uint32_t filter_index; /* of OP_SECCOMP with an agent */
    int signals, report;
    pid_t init; /* 0 before there is one */
    uint64_t start_time;
    bool created, started, executing, running, ended;
    bool child_changed; /* SIGCHLD has come */
    int status;
    struct failure failure;
    struct relay relay;
};

static void warn(void *keeper, const struct failure *failure) {
    (void)keeper;
    frame_failure(CHANNEL_FD, FRAME_WARN, failure);
}

static bool options_take(struct launcher *launcher) {
    struct record record;
    if (!plan_find(&launcher->plan, OP_LAUNCHER, &record)) return false;
    struct cursor *payload = &record.payload;
    take_string(payload);
    launcher->options.terminal = take_bool(payload);
    launcher->options.console_socket = take_bool(payload);
    launcher->options.preserve = take_u32(payload);
    launcher->options.stay = take_bool(payload);
    launcher->options.start = take_optional(payload);
    struct record filter;
    if (plan_find(&launcher->plan, OP_SECCOMP, &filter)) launcher->filter_index = filter.index;
    launcher->waits = plan_find(&launcher->plan, OP_WAIT_START, &record);
    launcher->restores = plan_find(&launcher->plan, OP_RESTORE, &record);
    return !payload->bad;
}

/*
 * Every signal waits: what is meant for the container comes as a frame, so that it comes once even when the whole
 * process group was signalled, and no way out leaves the terminal raw.
 */
static int open_signals(void) {
    sigset_t all, read;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&read);
    sigaddset(&read, SIGCHLD);
    sigaddset(&read, SIGWINCH);
    return (int)SYS(signalfd(-1, &read, SFD_CLOEXEC | SFD_NONBLOCK));
}

static int set_up(struct launcher *launcher, struct failure *failure) {
    fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(CONSOLE_FD, F_SETFD, FD_CLOEXEC);
    int result = plan_load(PLAN_FD, &launcher->plan, failure);
    close(PLAN_FD);
    if (result < 0) return result;
    if (!options_take(launcher)) return fail(failure, EBADMSG, "read the launcher's options");
    prctl(PR_SET_NAME, "onggi-launcher", 0, 0, 0);
    /* Not without root: the id maps of a child that can't be dumped belong to root (proc(5)). */
    if (geteuid() == 0) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    launcher->signals = open_signals();
    return launcher->signals < 0 ? fail(failure, launcher->signals, "receive signals") : 0;
}

static int spawn(struct launcher *launcher, struct failure *failure) {
    const struct options *options = &launcher->options;
    struct endowment endowment = {
        .preserved = PRESERVED_FD, .preserve = options->preserve, .start = -1, .reply = -1};
    struct spawned spawned;
    int result = 0;
    if (options->start != NULL) result = start_fifos_make(options->start, &endowment.start, &endowment.reply, failure);
    if (result == 0) result = spawn_init(&launcher->plan, &endowment, &spawned, failure);
    drop_fd(&endowment.start);
    drop_fd(&endowment.reply);
    if (result < 0) return result;
    launcher->init = spawned.pid;
    launcher->report = spawned.report;
    launcher->start_time = process_start_time(spawned.pid);
    return 0;
}

static void say_status(const struct launcher *launcher, enum shim_state state) {
    frame_status(CHANNEL_FD, state, launcher->init, launcher->start_time);
}

/* What containerd's and conmon's ends want: the descriptor, and some name as data (runc's SendFile). */
static int hand_over(int master) {
    static char name[] = "/dev/ptmx";
    struct iovec part = {name, sizeof name - 1};
    /* Blocking, as runc's is; who wants it otherwise says so. */
    fcntl(master, F_SETFL, O_RDWR);
    long sent = descriptor_send(CONSOLE_FD, &part, master);
    return sent < 0 ? (int)sent : 0;
}

static void take_console(struct launcher *launcher, int master) {
    if (!launcher->options.console_socket) return relay_open(&launcher->relay, master);
    int result = hand_over(master);
    close(master);
    if (result == 0) return;
    launcher->failure.phase = PHASE_KEEPER;
    fail(&launcher->failure, result, "send the terminal to the console socket");
}

static void take_message(struct launcher *launcher, const struct message *message, int fd) {
    switch (message->type) {
    case MESSAGE_WARN: warn(launcher, &message->failure); break;
    case MESSAGE_FAIL: launcher->failure = message->failure; break;
    case MESSAGE_EXECUTING: launcher->executing = true; break;
    case MESSAGE_MOUNTED:
        launch_hooks(&launcher->plan, launcher->init, launcher->report, CHANNEL_FD, &launcher->failure);
        break;
    case MESSAGE_CREATED:
        launcher->created = true;
        if (launcher->failure.error == 0) say_status(launcher, STATE_CREATED);
        break;
    case MESSAGE_LISTENER:
        launch_deliver(&launcher->plan, launcher->filter_index, launcher->init, launcher->report, fd, &launcher->failure);
        break;
    case MESSAGE_CONSOLE:
        if (fd >= 0 && launcher->options.terminal) return take_console(launcher, fd);
        break;
    default: break;
    }
    if (fd >= 0) close(fd);
}

static void reap(struct launcher *launcher, int flags) {
    if (launcher->ended || launcher->init <= 0) return;
    launcher->ended = (pid_t)SYS(waitpid(launcher->init, &launcher->status, flags)) == launcher->init;
}

/* End of file: closed by the exec, or by the death of the init. */
static void report_ended(struct launcher *launcher) {
    drop_fd(&launcher->report);
    if (launcher->failure.error != 0) return;
    if (launcher->executing) {
        launcher->running = true;
        return say_status(launcher, STATE_RUNNING);
    }
    reap(launcher, 0);
    launch_died(&launcher->failure, launcher->status);
}

/* Whether the launcher has done what it is for. */
static bool done(const struct launcher *launcher) {
    if (launcher->failure.error != 0 || launcher->ended) return true;
    return !launcher->options.stay && (launcher->running || (launcher->waits && launcher->created));
}

static void read_report(struct launcher *launcher) {
    /* An init that was left alone closes its end as well. */
    while (launcher->report >= 0 && !done(launcher)) {
        struct message message;
        int fd = -1;
        int result = message_receive(launcher->report, &message, &fd, MSG_DONTWAIT);
        if (result == -EAGAIN) return;
        /* The init died without reading what it was sent (unix(7)); what it had said itself is still to come. */
        if (result == -ECONNRESET) continue;
        if (result == 1) take_message(launcher, &message, fd);
        else report_ended(launcher);
    }
}

/* Not reaped yet, so the pid is still the init's. */
static void signal_init(const struct launcher *launcher, uint32_t number) {
    if (launcher->init > 0 && !launcher->ended && number >= 1 && number <= 64) kill(launcher->init, (int)number);
}

/* False when the starter is gone or says what is not due. */
static bool read_channel(struct launcher *launcher) {
    unsigned char packet[FRAME_HEADER + 4];
    long length = SYS(recv(CHANNEL_FD, packet, sizeof packet, MSG_DONTWAIT));
    if (length == -EAGAIN) return true;
    if (length == FRAME_HEADER && packet[0] == FRAME_START) {
        if (!launcher->created || launcher->started) return false;
        launcher->started = true;
        message_send(launcher->report, MESSAGE_START, NULL, -1);
        return true;
    }
    if (length != (long)sizeof packet || packet[0] != FRAME_SIGNAL) return false;
    signal_init(launcher, frame_u32(packet + FRAME_HEADER));
    return true;
}

static void read_signals(struct launcher *launcher) {
    struct signalfd_siginfo info;
    while (SYS(read(launcher->signals, &info, sizeof info)) == (long)sizeof info) {
        if (info.ssi_signo == SIGWINCH) relay_resize(&launcher->relay);
        if (info.ssi_signo == SIGCHLD) launcher->child_changed = true;
    }
}

/*
 * Only once its last words are read, and only when something has happened. The status of a command that is to go its own
 * way is not ours to take, however short it was: the next subreaper, conmon or a shim of containerd's, waits for it.
 */
static void look_for_end(struct launcher *launcher) {
    if (!launcher->child_changed || launcher->report >= 0 || done(launcher)) return;
    launcher->child_changed = false;
    reap(launcher, WNOHANG);
}

/* Returns when that is so; false when the starter has gone before. */
static bool wait_for_events(struct launcher *launcher) {
    enum { CHANNEL, REPORT, SIGNALS, RELAY, POLLED = RELAY + RELAY_POLLED };
    while (!done(launcher)) {
        struct pollfd polled[POLLED] = {
            {.fd = CHANNEL_FD, .events = POLLIN},
            {.fd = launcher->report, .events = POLLIN},
            {.fd = launcher->signals, .events = POLLIN},
        };
        relay_fill(&launcher->relay, polled + RELAY);
        if (SYS(poll(polled, POLLED, -1)) <= 0) continue;
        if (polled[CHANNEL].revents != 0 && !read_channel(launcher)) return false;
        if (polled[SIGNALS].revents != 0) read_signals(launcher);
        if (polled[REPORT].revents != 0) read_report(launcher);
        relay_run(&launcher->relay, polled + RELAY);
        look_for_end(launcher);
    }
    return true;
}

/* Undoes what was made. */
static void put_down(struct launcher *launcher) {
    relay_close(&launcher->relay);
    signal_init(launcher, SIGKILL);
    reap(launcher, 0);
    if (launcher->options.start != NULL) start_fifos_remove(launcher->options.start);
    launch_clean_up(&launcher->plan, 0, warn, launcher);
}

static _Noreturn void end(struct launcher *launcher) {
    struct ending ending = {.finished_at = timestamp_ns()};
    relay_finish(&launcher->relay);
    relay_close(&launcher->relay);
    launch_conclude(&ending, launcher->status);
    launch_clean_up(&launcher->plan, 0, warn, launcher);
    frame_exit(CHANNEL_FD, &ending);
    _exit(0);
}

/* An init that has failed by itself knows better why than who has failed because of it. */
static void ask_init(struct launcher *launcher, struct failure *failure) {
    signal_init(launcher, SIGKILL);
    reap(launcher, 0);
    struct message message;
    while (message_receive(launcher->report, &message, NULL, MSG_DONTWAIT) == 1) {
        if (message.type == MESSAGE_FAIL) *failure = message.failure;
    }
}

/* Has criu restore the container, which runs then. */
static int restore(struct launcher *launcher) {
    struct failure *failure = &launcher->failure;
    pid_t first = launcher->init;
    launcher->init = 0;
    struct restored restored;
    int result = restore_run(&launcher->plan, first, launcher->report, warn, launcher, &restored, failure);
    drop_fd(&launcher->report);
    if (result < 0) return result;
    launcher->init = restored.init;
    launcher->start_time = process_start_time(restored.init);
    if (restored.console >= 0) take_console(launcher, restored.console);
    if (failure->error != 0) return -(int)failure->error;
    launcher->created = launcher->started = launcher->running = launcher->child_changed = true;
    say_status(launcher, STATE_RUNNING);
    return 0;
}

static int make(struct launcher *launcher) {
    struct failure *failure = &launcher->failure;
    int result = set_up(launcher, failure);
    if (result == 0) result = launch_prepare(&launcher->plan, warn, launcher, failure);
    if (result == 0) result = spawn(launcher, failure);
    if (result < 0) return fail(failure, result, "start the container");
    if (launcher->restores) return restore(launcher);
    result = launch_attach(&launcher->plan, launcher->init, launcher->report, failure);
    if (result < 0) ask_init(launcher, failure);
    return result;
}

void launcher_run(void) {
    static struct launcher launcher;
    launcher.report = launcher.signals = -1;
    launcher.relay.master = launcher.relay.input = launcher.relay.output = -1;
    launcher.relay.typed.from = launcher.relay.typed.to = launcher.relay.shown.from = launcher.relay.shown.to = -1;
    bool kept = make(&launcher) == 0 && wait_for_events(&launcher);
    if (kept && launcher.ended && launcher.running) end(&launcher);
    if (kept && launcher.failure.error == 0) _exit(0); /* it goes its own way */
    if (launcher.running) {
        relay_close(&launcher.relay);
        _exit(0);
    }
    if (launcher.plan.bytes != NULL) put_down(&launcher);
    frame_failure(CHANNEL_FD, FRAME_FAIL, &launcher.failure);
    _exit(1);
}
