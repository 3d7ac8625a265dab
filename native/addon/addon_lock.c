/* Advisory locks (flock(2)), tried at once or waited for by a thread. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The LOCK_* operation of a mode word, or -1. */
static int operation_of(const char *mode) {
    if (strcmp(mode, "exclusive") == 0) return LOCK_EX;
    if (strcmp(mode, "shared") == 0) return LOCK_SH;
    if (strcmp(mode, "unlock") == 0) return LOCK_UN;
    return -1;
}

static napi_value run_flock(napi_env env, const struct argument *a) {
    int operation = operation_of(a[1].text);
    if (operation == -1) return throw_errno(env, "flock", EINVAL);
    int result;
    RETRY(result, flock((int)a[0].number, a[2].number ? operation : operation | LOCK_NB));
    if (result == -1 && errno == EWOULDBLOCK) return make_boolean(env, false);
    return result == -1 ? throw_errno(env, "flock", errno) : make_boolean(env, true);
}

/*
 * A waiter owns a duplicate of the descriptor. The lock belongs to the open file description, so it stays when the
 * duplicate is closed and JavaScript's descriptor is still open; and when JavaScript has given up and closed its own,
 * closing the duplicate lets the lock go at once. So nobody has to interrupt the thread.
 */
struct waiter {
    int fd;
    int operation;
    int error;
    struct line done;
};

/* On the JavaScript thread: done(errno). `env` is NULL when the engine is being torn down. */
static void report(napi_env env, napi_value callback, void *context, void *data) {
    (void)context;
    struct waiter *waiter = data;
    napi_value undefined, error;
    if (env != NULL && napi_get_undefined(env, &undefined) == napi_ok &&
        napi_create_int32(env, waiter->error, &error) == napi_ok) {
        napi_call_function(env, undefined, callback, 1, &error, NULL);
    }
    /* This was the thread's last word. */
    line_close(env, &waiter->done);
    free(waiter);
}

static void *wait_for_lock(void *data) {
    struct waiter *waiter = data;
    int result;
    RETRY(result, flock(waiter->fd, waiter->operation));
    waiter->error = result == -1 ? errno : 0;
    close(waiter->fd);
    /* Otherwise the engine is coming to its end: what this thread has goes with the process. */
    line_call(&waiter->done, waiter, true);
    return NULL;
}

static bool make_callback(napi_env env, napi_value function, struct line *line) {
    napi_value name;
    napi_threadsafe_function callback;
    if (napi_create_string_utf8(env, "flockWait", NAPI_AUTO_LENGTH, &name) != napi_ok) return false;
    if (napi_create_threadsafe_function(env, function, NULL, name, 0, 1, NULL, NULL, NULL, report, &callback) != napi_ok) {
        return false;
    }
    /* A wait that was given up must not keep the program from ending; the caller keeps it alive while it waits. */
    if (napi_unref_threadsafe_function(env, callback) == napi_ok && line_open(env, line, callback)) return true;
    napi_release_threadsafe_function(callback, napi_tsfn_abort);
    return false;
}

static napi_value run_flock_wait(napi_env env, const struct argument *a) {
    int operation = operation_of(a[1].text);
    if (operation == -1) return throw_errno(env, "flock", EINVAL);
    struct waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL) return throw_errno(env, "flock", ENOMEM);
    waiter->operation = operation;
    waiter->fd = fcntl((int)a[0].number, F_DUPFD_CLOEXEC, 0);
    if (waiter->fd == -1 || !make_callback(env, a[2].value, &waiter->done)) {
        int error = waiter->fd == -1 ? errno : ENOMEM;
        if (waiter->fd != -1) close(waiter->fd);
        free(waiter);
        return throw_errno(env, "flock", error);
    }
    int error = start_thread(wait_for_lock, waiter);
    if (error == 0) return NULL;
    line_leave(&waiter->done);
    line_close(env, &waiter->done);
    close(waiter->fd);
    free(waiter);
    return throw_errno(env, "flock", error);
}

const struct call lock_calls[] = {
    {"flock", "fsb", run_flock},
    {"flockWait", "fsc", run_flock_wait},
    {0},
};
