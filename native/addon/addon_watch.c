/*
 * Files and directories that are watched (inotify(7)) by a thread. Bun's fs.watch drops what follows within a
 * millisecond, so that the last change of several would never be told.
 */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#define CHANGES (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF)

struct watch {
    int notify;
    /* The reading end of a pipe whose other end is JavaScript's: when that is closed, the watch ends. */
    int end;
    /* A call of `changed` is on its way; what happens until it begins is told by it too. */
    atomic_bool told;
    struct line changed;
};

static void release(struct watch *watch) {
    if (watch->notify != -1) close(watch->notify);
    if (watch->end != -1) close(watch->end);
    watch->notify = watch->end = -1;
}

/* When the last call has been made or dropped. At the end of the engine the thread goes on until that of the process. */
static void finalize(napi_env env, void *data, void *hint) {
    struct watch *watch = data;
    (void)hint;
    if (!line_close(env, &watch->changed)) return;
    release(watch);
    free(watch);
}

/* On the JavaScript thread. `env` is NULL when the engine is being torn down. */
static void report(napi_env env, napi_value callback, void *context, void *data) {
    struct watch *watch = context;
    napi_value undefined;
    (void)data;
    atomic_store(&watch->told, false);
    if (env == NULL || napi_get_undefined(env, &undefined) != napi_ok) return;
    napi_call_function(env, undefined, callback, 0, NULL, NULL);
}

/* Empties the queue: what has changed is for the caller to look at. False when the descriptor is of no more use. */
static bool drain(int notify) {
    char events[4096];
    ssize_t length;
    do {
        RETRY(length, read(notify, events, sizeof events));
    } while (length > 0);
    return length == -1 && errno == EAGAIN;
}

static void *wait_for_changes(void *data) {
    struct watch *watch = data;
    struct pollfd polled[] = {{.fd = watch->notify, .events = POLLIN}, {.fd = watch->end}};
    for (;;) {
        int ready;
        RETRY(ready, poll(polled, 2, -1));
        if (ready == -1 || polled[1].revents != 0) break;
        if (!drain(watch->notify)) break;
        if (atomic_exchange(&watch->told, true)) continue;
        if (!line_call(&watch->changed, NULL, false)) break;
    }
    release(watch);
    /* The last: from now on the finalizer may free it. */
    line_leave(&watch->changed);
    return NULL;
}

/* The descriptor that ends the watch when it is closed. */
static napi_value run_watch(napi_env env, const struct argument *a) {
    int ends[2];
    napi_value name;
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) return throw_errno(env, "watch", ENOMEM);
    watch->end = -1;
    watch->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    int error = watch->notify == -1 ? errno : 0;
    for (char **path = a[0].list; error == 0 && *path != NULL; path++) {
        if (inotify_add_watch(watch->notify, *path, CHANGES) == -1) error = errno;
    }
    if (error == 0 && pipe2(ends, O_CLOEXEC) == -1) error = errno;
    if (error != 0) {
        release(watch);
        free(watch);
        return throw_errno(env, "watch", error);
    }
    watch->end = ends[0];
    napi_threadsafe_function changed;
    if (napi_create_string_utf8(env, "watch", NAPI_AUTO_LENGTH, &name) != napi_ok ||
        napi_create_threadsafe_function(env, a[1].value, NULL, name, 0, 1, watch, finalize, watch, report, &changed) !=
            napi_ok) {
        close(ends[1]);
        release(watch);
        free(watch);
        return throw_errno(env, "watch", ENOMEM);
    }
    error = line_open(env, &watch->changed, changed) ? start_thread(wait_for_changes, watch) : ENOMEM;
    if (error == 0) return check_number(env, "watch", ends[1]);
    close(ends[1]);
    /* The finalizer frees the rest. */
    napi_release_threadsafe_function(changed, napi_tsfn_abort);
    return throw_errno(env, "watch", error);
}

const struct call watch_calls[] = {
    {"watch", "Sc", run_watch},
    {0},
};
