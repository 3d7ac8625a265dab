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
    size_t count; /* of descriptors, which become 0 and up */
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

static void close_all(int *descriptors, size_t count) {
    for (size_t index = 0; index < count; index++) close(descriptors[index]);
    free(descriptors);
}

/* Above every number that they become (set_descriptors); NULL with errno. */
static int *duplicate_all(const int *descriptors, size_t count) {
    int *duplicates = calloc(count + 1, sizeof(int));
    if (duplicates == NULL) return NULL;
    for (size_t index = 0; index < count; index++) {
        duplicates[index] = fcntl(descriptors[index], F_DUPFD_CLOEXEC, (int)count);
        if (duplicates[index] != -1) continue;
        int error = errno;
        close_all(duplicates, index);
        errno = error;
        return NULL;
    }
    return duplicates;
}

static napi_value run_spawn(napi_env env, const struct argument *a) {
    const struct program program = {
        .executable = (int)a[0].number,
        .words = a[1].list,
        .env = a[2].list,
        .count = a[3].length,
    };
    int *sources = duplicate_all(a[3].descriptors, program.count);
    if (sources == NULL) return throw_errno(env, "dup", errno);
    pid_t pid;
    int error = spawn(&pid, &program, sources);
    close_all(sources, program.count);
    return error != 0 ? throw_errno(env, "posix_spawn", error) : check_number(env, "posix_spawn", pid);
}

/*
 * A program that is started in a thread, while its caller works out what to tell it: posix_spawn holds up the thread
 * that calls it until the program is executed.
 */
struct ahead {
    struct ahead *next;
    uint32_t number;
    pthread_t thread;
    char *path;
    bool brief; /* has ended soon */
    char **words, **env;
    char *directory;
    int *sources;
    size_t count;
    int error;
    pid_t pid;
};

static struct ahead *started;
static uint32_t last_number;

static void *start_ahead(void *argument) {
    struct ahead *ahead = argument;
    SCOPED_FD executable = ahead->brief ? sealed_copy(ahead->path) : sealed_clone(ahead->path);
    if (executable == -1) {
        ahead->error = errno;
        return NULL;
    }
    const struct program program = {
        .executable = executable,
        .words = ahead->words,
        .env = ahead->env,
        .directory = ahead->directory[0] == '\0' ? NULL : ahead->directory,
        .count = ahead->count,
    };
    ahead->error = spawn(&ahead->pid, &program, ahead->sources);
    return NULL;
}

static void free_list(char **list) {
    for (size_t index = 0; list != NULL && list[index] != NULL; index++) free(list[index]);
    free(list);
}

static char **copy_list(char *const *list) {
    size_t count = 0;
    while (list[count] != NULL) count++;
    char **copy = calloc(count + 1, sizeof *copy);
    for (size_t index = 0; copy != NULL && index < count; index++) {
        copy[index] = strdup(list[index]);
        if (copy[index] != NULL) continue;
        free_list(copy);
        return NULL;
    }
    return copy;
}

static void forget(struct ahead *ahead) {
    if (ahead->sources != NULL) close_all(ahead->sources, ahead->count);
    free(ahead->path);
    free_list(ahead->words);
    free_list(ahead->env);
    free(ahead->directory);
    free(ahead);
}

static napi_value run_spawn_ahead(napi_env env, const struct argument *a) {
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL) return throw_errno(env, "spawn", ENOMEM);
    *ahead = (struct ahead){
        .path = strdup(a[0].text),
        .brief = a[1].number != 0,
        .words = copy_list(a[2].list),
        .env = copy_list(a[3].list),
        .directory = strdup(a[4].text),
        .sources = duplicate_all(a[5].descriptors, a[5].length),
        .count = a[5].length,
    };
    int error = ahead->sources == NULL ? errno : 0;
    bool complete = ahead->path != NULL && ahead->words != NULL && ahead->env != NULL && ahead->directory != NULL;
    if (error == 0) error = complete ? pthread_create(&ahead->thread, NULL, start_ahead, ahead) : ENOMEM;
    if (error != 0) {
        forget(ahead);
        return throw_errno(env, "spawn", error);
    }
    ahead->number = ++last_number;
    ahead->next = started;
    started = ahead;
    return check_number(env, "spawn", ahead->number);
}

static struct ahead *take_started(uint32_t number) {
    for (struct ahead **place = &started; *place != NULL; place = &(*place)->next) {
        if ((*place)->number != number) continue;
        struct ahead *found = *place;
        *place = found->next;
        return found;
    }
    return NULL;
}

static napi_value run_spawned(napi_env env, const struct argument *a) {
    struct ahead *ahead = take_started((uint32_t)a[0].number);
    if (ahead == NULL) return throw_errno(env, "spawned", ESRCH);
    int error = pthread_join(ahead->thread, NULL);
    if (error == 0) error = ahead->error;
    pid_t pid = ahead->pid;
    forget(ahead);
    return error != 0 ? throw_errno(env, "posix_spawn", error) : check_number(env, "posix_spawn", pid);
}

const struct call spawn_calls[] = {
    {"spawn", "fSSF", run_spawn},
    {"spawnAhead", "sbSSsF", run_spawn_ahead},
    {"spawned", "u", run_spawned},
    {0},
};
