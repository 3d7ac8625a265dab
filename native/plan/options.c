#include "options.h"

#include <errno.h>

int options_read(const struct plan *plan, struct options *options) {
    struct record record;
    if (!plan_find(plan, OP_SHIM, &record)) return -EBADMSG;
    struct cursor *payload = &record.payload;
    options->id = take_string(payload);
    options->socket = take_string(payload);
    log_config_take(payload, &options->log);
    options->exit_file = take_string(payload);
    options->exit_unsynced = take_bool(payload);
    uint32_t arguments = take_count(payload);
    if (arguments > RECONCILE_MAX) return -E2BIG;
    for (uint32_t i = 0; i < arguments; i++) options->reconcile[i] = (char *)take_string(payload);
    options->reconcile[arguments] = NULL;
    options->terminal = take_bool(payload);
    options->stdin_open = take_bool(payload);
    options->stdin_once = take_bool(payload);
    options->start_required = take_bool(payload);
    options->oom_version = take_u32(payload);
    options->oom_directory = take_string(payload);
    options->stdio = take_bool(payload);
    options->preserve = take_u32(payload);
    options->events = take_optional(payload);
    options->event_tail = take_string(payload);
    return payload->bad ? -EBADMSG : 0;
}
