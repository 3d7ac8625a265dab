#include "health.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "event.h"
#include "init.h"
#include "scoped.h"
#include "shim.h"
#include "syscalls.h"
#include "timestamp.h"

enum { REASON = 600 };

void health_read(struct health *health, const struct plan *plan) {
    struct record record;
    health->wanted = plan_find(plan, OP_HEALTH, &record);
    if (!health->wanted) return;
    struct cursor *payload = &record.payload;
    struct health_options *options = &health->options;
    options->directory = take_string(payload);
    options->freezer = take_optional(payload);
    options->interval = take_u64(payload);
    options->timeout = take_u64(payload);
    options->start_period = take_u64(payload);
    options->start_interval = take_u64(payload);
    options->retries = take_u32(payload);
    options->action = take_u32(payload);
    uint32_t count = take_count(payload);
    for (uint32_t i = 0; i < count && i < HEALTH_COMMAND_MAX; i++) options->command[i] = (char *)take_string(payload);
}

/* "FROZEN" or "FREEZING" of v1, "1" of v2. */
static bool paused(const struct health_options *options) {
    char first = 0;
    if (options->freezer == NULL) return false;
    scoped_fd fd = (int)SYS(open(options->freezer, O_RDONLY | O_CLOEXEC));
    return fd >= 0 && SYS(read(fd, &first, 1)) == 1 && (first == 'F' || first == '1');
}

static bool in_start_period(const struct health *health) {
    return monotonic_ms() - health->began < (int64_t)health->options.start_period;
}

/* From the end of one check to the beginning of the next. */
static void schedule(struct health *health) {
    bool starting = health->status == HEALTH_STARTING && in_start_period(health);
    health->due = monotonic_ms() + (int64_t)(starting ? health->options.start_interval : health->options.interval);
}

void health_begin(struct shim *shim) {
    struct health *health = &shim->health;
    if (!health->wanted) return;
    health->begun = true;
    health->began = monotonic_ms();
    health_keep_status(health);
    schedule(health);
}

int64_t health_due(const struct shim *shim) {
    const struct health *health = &shim->health;
    if (!health->begun) return 0;
    return health->check.launcher > 0 ? health->check.deadline : health->due;
}

static void tell_clients(struct shim *shim, int32_t code) {
    unsigned char payload[HEALTH_BYTES];
    server_broadcast(shim, FRAME_HEALTH, payload, health_payload(payload, shim->health.status, code));
}

/* Started in a session of its own: it is about to end the container, and this shim with it. */
static void run_command(char *const *command) {
    pid_t pid = (pid_t)SYS(vfork());
    if (pid != 0) return;
    setsid();
    prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    signals_reset();
    execve(command[0], command, environ);
    _exit(127);
}

static void act_on_failure(struct shim *shim) {
    const struct health_options *options = &shim->health.options;
    if (options->action == HEALTH_KILL) lifecycle_kill(shim);
    if (options->action == HEALTH_RUN && options->command[0] != NULL) run_command(options->command);
}

/* As Docker's daemon judges (moby, daemon/health.go). */
static void judge(struct health *health, int32_t code) {
    if (code == 0) {
        health->streak = 0;
        health->status = HEALTH_HEALTHY;
        return;
    }
    if (health->status == HEALTH_STARTING && in_start_period(health)) return;
    if (++health->streak >= health->options.retries) health->status = HEALTH_UNHEALTHY;
}

static void conclude(struct shim *shim, const struct result *result) {
    struct health *health = &shim->health;
    enum health_status before = health->status;
    judge(health, result->code);
    health_keep_check(health, result);
    health->count++;
    health_keep_status(health);
    health->asked = false;
    schedule(health);
    tell_clients(shim, result->code);
    if (health->status == before) return;
    char action[40];
    snprintf(action, sizeof action, "health_status: %s", health_word(health->status));
    event_tell(&shim->options, action, "");
    if (health->status == HEALTH_UNHEALTHY) act_on_failure(shim);
}

static void begin_check(struct shim *shim) {
    struct health *health = &shim->health;
    int error = check_start(&health->check, &health->options);
    if (error == 0) return;
    char reason[REASON];
    snprintf(reason, sizeof reason, "start the check: %s", strerror(-error));
    struct result result = {-1, reason};
    health->check.began = timestamp_ns();
    health->check.used = 0;
    conclude(shim, &result);
}

/* As Go prints a duration: "1h0m0s", "1m30s", "1.5s", "250ms". */
static void duration_text(char *text, size_t size, uint64_t ms) {
    unsigned hours = (unsigned)(ms / 3600000), minutes = (unsigned)(ms / 60000 % 60), seconds = (unsigned)(ms / 1000 % 60);
    unsigned rest = (unsigned)(ms % 1000), digits = 3;
    for (; rest > 0 && rest % 10 == 0; rest /= 10) digits--;
    int used = 0;
    if (ms < 1000) {
        snprintf(text, size, "%ums", (unsigned)ms);
        return;
    }
    if (hours > 0) used = snprintf(text, size, "%uh%um", hours, minutes);
    else if (minutes > 0) used = snprintf(text, size, "%um", minutes);
    if (rest == 0) snprintf(text + used, size - (size_t)used, "%us", seconds);
    else snprintf(text + used, size - (size_t)used, "%u.%0*us", seconds, (int)digits, rest);
}

static void time_out(struct shim *shim) {
    struct health *health = &shim->health;
    char limit[64], reason[REASON];
    duration_text(limit, sizeof limit, health->options.timeout);
    snprintf(reason, sizeof reason, "Health check exceeded timeout (%s)%s", limit, health->check.used > 0 ? ": " : "");
    check_put_down(&health->check);
    struct result result = {-1, reason};
    conclude(shim, &result);
}

void health_turn(struct shim *shim) {
    struct health *health = &shim->health;
    int64_t due = health_due(shim);
    if (!health->begun || shim->ended) return;
    bool checking = health->check.launcher > 0;
    if (!(health->asked && !checking) && (due == 0 || monotonic_ms() < due)) return;
    /* One that stands still can't answer, and is not ill for that. */
    if (paused(&health->options)) {
        if (checking) health->check.deadline = monotonic_ms() + (int64_t)health->options.timeout;
        else schedule(health);
        health->asked = false;
    } else if (checking) {
        time_out(shim);
    } else {
        begin_check(shim);
    }
}

void health_listen(struct shim *shim) {
    struct result result;
    char reason[REASON];
    if (shim->health.check.launcher > 0 && check_listen(&shim->health.check, &result, reason, sizeof reason)) conclude(shim, &result);
}

bool health_ask(struct shim *shim) {
    if (!shim->health.begun || shim->ended) return false;
    shim->health.asked = true;
    return true;
}

void health_end(struct shim *shim) {
    check_put_down(&shim->health.check);
    shim->health.begun = false;
}
