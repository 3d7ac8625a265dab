/*
 * The N-API addon: thin system calls for the TypeScript side. `src/kernel/addon-surface.ts` is its whole surface.
 *
 * Each call is a row of a table: name, argument kinds, function. The dispatcher in addon.c checks count, type and
 * range of every argument before the function runs, so a function sees only values of the kinds it has named:
 *
 *   f  open descriptor, 0 or more          d  the same, or AT_FDCWD
 *   i  int32                               u  uint32
 *   t  integer that a double holds exactly, may be negative (seconds)
 *   o  permission bits, at most 07777, or a mode with S_IFMT bits
 *   s  string without NUL, or its bytes    n  the same, one component of a path unless the directory is AT_FDCWD
 *   y  Uint8Array                          b  boolean
 *   S  array of strings                    F  array of open descriptors
 *   c  function
 */
#ifndef ONGGI_ADDON_H
#define ONGGI_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ARGUMENTS 8

struct argument {
    int64_t number;       /* f d i u t o b */
    char *text;           /* s n: NUL-terminated, freed by the dispatcher */
    char **list;          /* S: NULL-terminated, freed by the dispatcher */
    int *descriptors;     /* F: freed by the dispatcher */
    const uint8_t *bytes; /* y: owned by JavaScript, valid during the call */
    size_t length;        /* y, S, F */
    napi_value value;     /* as it was passed */
};

struct call {
    const char *name;
    const char *kinds;
    napi_value (*run)(napi_env env, const struct argument *argument);
};

/* Tables of the other files, ended by a row without name. */
extern const struct call file_calls[];
extern const struct call entry_calls[];
extern const struct call process_calls[];
extern const struct call spawn_calls[];
extern const struct call netlink_calls[];
extern const struct call lock_calls[];
extern const struct call terminal_calls[];
extern const struct call channel_calls[];
extern const struct call datagram_calls[];
extern const struct call snapshot_calls[];
extern const struct call spread_calls[];
extern const struct call mount_calls[];
extern const struct call log_calls[];
extern const struct call watch_calls[];
extern const struct call ended_calls[];
extern const struct call path_calls[];
extern const struct call table_calls[];
extern const struct call remove_calls[];

/* Repeats a call that a signal has interrupted; the kernel's restart rules differ by call (signal(7)). */
#define RETRY(result, expression)                      \
    do {                                               \
        (result) = (expression);                       \
    } while ((result) == -1 && errno == EINTR)

/* Closes a descriptor at the end of its scope; errno survives. */
#define SCOPED_FD __attribute__((cleanup(close_scoped))) int
void close_scoped(int *fd);

/* Throws the error of `errnum` for `syscall` and returns NULL, what a call returns after a throw. */
napi_value throw_errno(napi_env env, const char *syscall, int errnum);
/* undefined, or the thrown errno if `result` is -1. */
napi_value check(napi_env env, const char *syscall, long result);
/* The number `result`, or the thrown errno if it is -1. */
napi_value check_number(napi_env env, const char *syscall, long result);
napi_value make_boolean(napi_env env, bool value);
/* A new Uint8Array with a copy of the bytes. */
napi_value make_bytes(napi_env env, const void *bytes, size_t length);

/* Runs a detached thread with all signals blocked: they are the engine's. 0 or an errno. */
int start_thread(void *(*run)(void *), void *data);

/*
 * How such a thread calls a function of JavaScript's. The engine may come to its end at any time, and takes the function
 * away then, whoever is about to call it: from there on nothing is called, which the thread is told.
 */
struct line {
    pthread_mutex_t mutex;
    napi_threadsafe_function function;
    bool cut; /* the engine is coming to its end */
};

/* On the JavaScript thread, before the thread starts: for a function that was made by the caller. */
bool line_open(napi_env env, struct line *line, napi_threadsafe_function function);
/*
 * On the thread: has the function called with `data`, and lets go of it if that was the `last` time. False: never will
 * it be called again. After the last call nothing that JavaScript's thread may free by then is to be touched.
 */
bool line_call(struct line *line, void *data, bool last);
/* On the thread, for one that has made no last call: the same without one. */
void line_leave(struct line *line);
/*
 * On the JavaScript thread, when the last call has come or the function is taken away: waits for the thread to have left
 * the line, if only it is in the middle of a call. False: the thread may still be using what it has.
 */
bool line_close(napi_env env, struct line *line);

/* An executable that nobody can change, for one that stays, or one that has ended soon; or -1 with errno. */
int sealed_clone(const char *path);
int sealed_copy(const char *path);

/* write(2) until all is written. 0, or -1 with errno. */
int write_fully(int fd, const void *bytes, size_t length);

#endif
