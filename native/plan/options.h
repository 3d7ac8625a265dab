/* What the shim itself is told by OP_SHIM; the strings live in the plan. */
#ifndef ONGGI_OPTIONS_H
#define ONGGI_OPTIONS_H

#include "log-config.h"
#include "plan-reader.h"

#define RECONCILE_MAX 16

struct options {
    const char *id;
    const char *socket;
    struct log_config log;
    const char *exit_file;
    bool exit_unsynced;
    char *reconcile[RECONCILE_MAX + 1]; /* NULL-terminated */
    bool terminal, stdin_open, stdin_once, start_required;
    uint32_t oom_version;
    const char *oom_directory;
    bool stdio; /* the init gets the first three of the descriptors that were handed over */
    uint32_t preserve; /* and the others from 3 up */
    const char *events; /* log that is told what the shim alone knows (event.h), or NULL */
    const char *event_tail;
};

/* -E2BIG when the reconcile command has too many arguments. */
int options_read(const struct plan *plan, struct options *options);

/* How many descriptors are the init's. */
static inline unsigned handed_over(const struct options *options) {
    return (options->stdio ? 3 : 0) + options->preserve;
}

#endif
