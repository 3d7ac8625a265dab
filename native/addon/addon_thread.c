/* Threads that wait for the kernel, so that JavaScript's thread need not. */
#include "addon.h"

#include <pthread.h>
#include <signal.h>

/* A thread makes a few system calls and calls one function of the engine. */
#define STACK_SIZE (64 * 1024)

int start_thread(void *(*run)(void *), void *data) {
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_t thread;
    int error = pthread_attr_init(&attributes);
    if (error != 0) return error;
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&thread, &attributes, run, data);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void hang_up(void *data) {
    struct line *line = data;
    pthread_mutex_lock(&line->mutex);
    line->cut = true;
    pthread_mutex_unlock(&line->mutex);
}

bool line_open(napi_env env, struct line *line, napi_threadsafe_function function) {
    line->function = function;
    line->cut = false;
    /* Hooks run in the reverse order of their making, so this one before the function is taken away. */
    return pthread_mutex_init(&line->mutex, NULL) == 0 && napi_add_env_cleanup_hook(env, hang_up, line) == napi_ok;
}

bool line_call(struct line *line, void *data, bool last) {
    pthread_mutex_lock(&line->mutex);
    bool called = !line->cut && napi_call_threadsafe_function(line->function, data, napi_tsfn_nonblocking) == napi_ok;
    if (called && last) napi_release_threadsafe_function(line->function, napi_tsfn_release);
    pthread_mutex_unlock(&line->mutex);
    return called;
}

void line_leave(struct line *line) {
    pthread_mutex_lock(&line->mutex);
    if (!line->cut) napi_release_threadsafe_function(line->function, napi_tsfn_release);
    pthread_mutex_unlock(&line->mutex);
}

bool line_close(napi_env env, struct line *line) {
    pthread_mutex_lock(&line->mutex);
    bool cut = line->cut;
    pthread_mutex_unlock(&line->mutex);
    if (cut) return false;
    napi_remove_env_cleanup_hook(env, hang_up, line);
    pthread_mutex_destroy(&line->mutex);
    return true;
}
