/* Calls that start programs. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct program {
    int executable;
    char *const *words, *const *env;
    const char *directory; /* where it starts; NULL where this process is */
    const int *descriptors; /* become 0 and up */
    size_t count;
};

/* Default signals and an empty mask: JavaScript engines block and ignore some, and both survive exec. */
static int set_attributes(posix_spawnattr_t *attributes) {
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    int error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0) error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0) error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    return error;
}

/*
 * The sources are first duplicated above every target, because dup2 onto a low number could overwrite a source that
 * is still to come. closefrom then closes these duplicates in the child, and everything else.
 */
static int set_descriptors(posix_spawn_file_actions_t *actions, const int *sources, size_t count) {
    int error = 0;
    for (size_t index = 0; index < count && error == 0; index++) {
        error = posix_spawn_file_actions_adddup2(actions, sources[index], (int)index);
    }
    return error == 0 ? posix_spawn_file_actions_addclosefrom_np(actions, (int)count) : error;
}

/*
 * The executable named through the parent's descriptor table: the child has closed its own copy by the time it
 * executes. /proc/self is read, not getpid(2) used: the pid must be the one of this procfs's pid namespace.
 */
static int executable_path(char *path, size_t size, int executable) {
    char self[24];
    ssize_t length = readlink("/proc/self", self, sizeof self - 1);
    if (length == -1) return errno;
    self[length] = '\0';
    snprintf(path, size, "/proc/%s/fd/%d", self, executable);
    return 0;
}

/* 0 and the pid, or an errno. posix_spawn clones with CLONE_VM | CLONE_VFORK: no page table is copied. */
static int spawn(pid_t *pid, const struct program *program, const int *sources) {
    char path[64];
    int error = executable_path(path, sizeof path, program->executable);
    if (error != 0) return error;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    error = posix_spawnattr_init(&attributes);
    if (error != 0) return error;
    error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = set_attributes(&attributes);
        if (error == 0 && program->directory != NULL) {
            error = posix_spawn_file_actions_addchdir_np(&actions, program->directory);
        }
        if (error == 0) error = set_descriptors(&actions, sources, program->count);
        if (error == 0) error = posix_spawn(pid, path, &actions, &attributes, program->words, program->env);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int spawn_duplicated(pid_t *pid, const struct program *program) {
    size_t count = program->count;
    int *sources = calloc(count + 1, sizeof(int));
    if (sources == NULL) return ENOMEM;
    size_t opened = 0;
    int error = 0;
    while (opened < count && error == 0) {
        sources[opened] = fcntl(program->descriptors[opened], F_DUPFD_CLOEXEC, (int)count);
        if (sources[opened] == -1) {
            error = errno;
        } else {
            opened++;
        }
    }
    if (error == 0) error = spawn(pid, program, sources);
    for (size_t index = 0; index < opened; index++) close(sources[index]);
    free(sources);
    return error;
}

static napi_value run_spawn(napi_env env, const struct argument *a) {
    const struct program program = {
        .executable = (int)a[0].number,
        .words = a[1].list,
        .env = a[2].list,
        .descriptors = a[3].descriptors,
        .count = a[3].length,
    };
    pid_t pid;
    int error = spawn_duplicated(&pid, &program);
    return error != 0 ? throw_errno(env, "posix_spawn", error) : check_number(env, "posix_spawn", pid);
}

/*
 * A program that is started in a thread, while its caller works out what to tell it: posix_spawn holds up the thread
 * that calls it until the program is executed.
 */
struct ahead {
    pthread_t thread;
    char *path;
    char *id;
    char *directory;
    int *descriptors;
    size_t count;
    int error;
    pid_t pid;
};

static struct ahead *present;

static void *start_ahead(void *argument) {
    struct ahead *ahead = argument;
    SCOPED_FD executable = sealed_copy(ahead->path);
    if (executable == -1) {
        ahead->error = errno;
        return NULL;
    }
    char name[] = "onggi-shim", option[] = "--launch";
    char *words[] = {name, option, ahead->id, NULL}, *env[] = {NULL};
    const struct program program = {
        .executable = executable,
        .words = words,
        .env = env,
        .directory = ahead->directory[0] == '\0' ? NULL : ahead->directory,
        .descriptors = ahead->descriptors,
        .count = ahead->count,
    };
    ahead->error = spawn_duplicated(&ahead->pid, &program);
    return NULL;
}

static void forget(struct ahead *ahead) {
    free(ahead->path);
    free(ahead->id);
    free(ahead->directory);
    free(ahead->descriptors);
    free(ahead);
}

static napi_value run_launch(napi_env env, const struct argument *a) {
    if (present != NULL) return throw_errno(env, "launch", EBUSY);
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL) return throw_errno(env, "launch", ENOMEM);
    ahead->path = strdup(a[0].text);
    ahead->id = strdup(a[1].text);
    ahead->directory = strdup(a[2].text);
    ahead->count = a[3].length;
    ahead->descriptors = calloc(ahead->count + 1, sizeof(int));
    bool complete = ahead->path != NULL && ahead->id != NULL && ahead->directory != NULL && ahead->descriptors != NULL;
    if (complete) memcpy(ahead->descriptors, a[3].descriptors, ahead->count * sizeof(int));
    int error = complete ? pthread_create(&ahead->thread, NULL, start_ahead, ahead) : ENOMEM;
    if (error != 0) {
        forget(ahead);
        return throw_errno(env, "launch", error);
    }
    present = ahead;
    return NULL;
}

static napi_value run_launched(napi_env env, const struct argument *a) {
    (void)a;
    if (present == NULL) return throw_errno(env, "launched", ESRCH);
    struct ahead *ahead = present;
    present = NULL;
    int error = pthread_join(ahead->thread, NULL);
    if (error == 0) error = ahead->error;
    pid_t pid = ahead->pid;
    forget(ahead);
    return error != 0 ? throw_errno(env, "posix_spawn", error) : check_number(env, "posix_spawn", pid);
}

const struct call spawn_calls[] = {
    {"spawn", "fSSF", run_spawn},
    {"launch", "sssF", run_launch},
    {"launched", "", run_launched},
    {0},
};
