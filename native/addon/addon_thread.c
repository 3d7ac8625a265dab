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
