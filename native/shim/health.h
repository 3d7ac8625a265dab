/*
 * Health checks: a command that is run inside the container now and then, and what its exit statuses come to.
 *
 *   health.c       when a check is due, what its result means
 *   health-run.c   one check: a launcher (launcher.h) that executes the plan of an exec, with a time limit
 *   health-file.c  what is kept of it, for `inspect`
 *
 * Between two checks nothing happens: the loop of the shim sleeps until the next one is due.
 */
#ifndef ONGGI_HEALTH_H
#define ONGGI_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "plan-reader.h"

struct shim;

/* Bytes of output that are kept of a check, and checks that are kept, as with Docker. */
enum { HEALTH_TEXT = 4096, HEALTH_CHECKS = 5, HEALTH_COMMAND_MAX = 20 };

enum health_status { HEALTH_STARTING = 0, HEALTH_HEALTHY = 1, HEALTH_UNHEALTHY = 2 };

enum health_action { HEALTH_NOTHING = 0, HEALTH_KILL = 1, HEALTH_RUN = 2 };

/* OP_HEALTH, read; the strings live in the plan. */
struct health_options {
    const char *directory;
    const char *freezer; /* file that says whether the container is paused; NULL: none */
    uint64_t interval, timeout, start_period, start_interval; /* milliseconds; timeout 0: none */
    uint32_t retries, action;
    char *command[HEALTH_COMMAND_MAX + 1]; /* of HEALTH_RUN; NULL-terminated */
};

/* A check under way. */
struct check {
    pid_t launcher; /* 0: none */
    int channel, output;
    pid_t pid; /* the command, once it runs */
    uint64_t start_time;
    uint64_t began; /* ns since the epoch */
    int64_t deadline; /* monotonic, 0: none */
    size_t used;
    bool cut; /* there was more output */
    char text[HEALTH_TEXT];
};

/* How a check has ended; the reason stands before what it has printed. */
struct result {
    int32_t code; /* exit status; -1: none */
    const char *reason;
};

struct health {
    bool wanted, begun, asked;
    struct health_options options;
    enum health_status status;
    uint32_t streak; /* failures in a row */
    uint64_t count;  /* checks that have ended */
    int64_t began, due; /* monotonic */
    struct check check;
};

/* Reads OP_HEALTH, if the plan has it. */
void health_read(struct health *health, const struct plan *plan);

/* The container runs from now on. */
void health_begin(struct shim *shim);
/* When something is due next; monotonic, 0: nothing. */
int64_t health_due(const struct shim *shim);
/* Does what is due. */
void health_turn(struct shim *shim);
/* Reads what the check under way has to say. */
void health_listen(struct shim *shim);
/* A check now, on request; false when there is none to make. */
bool health_ask(struct shim *shim);
/* The container has ended. */
void health_end(struct shim *shim);

/* health-run.c */
/* 0 or -errno with nothing left behind. */
int check_start(struct check *check, const struct health_options *options);
/* True when it has ended, with `result` set; `reason` has room for a text of it. */
bool check_listen(struct check *check, struct result *result, char *reason, size_t size);
/* Kills it, whatever it is doing, and forgets it. */
void check_put_down(struct check *check);

/* health-file.c. What can't be written is not: the container goes on. */
void health_keep_check(const struct health *health, const struct result *result);
void health_keep_status(const struct health *health);
const char *health_word(enum health_status status);

#endif
