/* Which of many containers have ended, asked at once: a look at each from JavaScript takes five times as long. */
#include "addon.h"
#include "alive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Descriptors that are open at a time: the limit may be as low as 1024, and others are open, too. */
#define AT_A_TIME 128

#define ID_LENGTH 64

struct looked {
    char **line; /* "ID PID START" */
    char *ended;
    atomic_size_t count;
};

static pid_t pid_of(const char *line) {
    return (pid_t)strtol(line + ID_LENGTH + 1, NULL, 10);
}

/*
 * Whether nothing more has to be asked: its shim holds the claim of the process (alive.h), and the process has memory,
 * which one that has ended has not, even while its shim has not been told. Two cheap calls, where certainty takes six
 * that open files. Kernels without move_pages(2) let nobody be certain here.
 */
static bool is_claimed(int claims, const char *line) {
    char *rest;
    strtol(line + ID_LENGTH + 1, &rest, 10);
    struct flock byte = alive_byte(F_RDLCK, pid_of(line), strtoull(rest, NULL, 10));
    if (fcntl(claims, F_OFD_GETLK, &byte) == -1 || byte.l_type == F_UNLCK) return false;
    return syscall(SYS_move_pages, pid_of(line), 0UL, NULL, NULL, NULL, 0) == 0;
}

static bool is_locked(int directory, const char *path) {
    SCOPED_FD fd = openat(directory, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1) return false;
    int result;
    RETRY(result, flock(fd, LOCK_SH | LOCK_NB));
    return result == -1 && errno == EWOULDBLOCK;
}

/* Whether its shim has written how it ended, or is gone. */
static bool is_recorded(int directory, const char *line) {
    char path[ID_LENGTH + sizeof "/exit.json"];
    snprintf(path, sizeof path, "%.*s/exit.json", ID_LENGTH, line);
    if (faccessat(directory, path, F_OK, 0) == 0) return true;
    snprintf(path, sizeof path, "%.*s/shim.lock", ID_LENGTH, line);
    return !is_locked(directory, path);
}

/* Looks at up to AT_A_TIME first processes by one poll: a process that has ended makes its pidfd readable. */
static void look_at_processes(struct looked *looked, size_t first, size_t end) {
    struct pollfd processes[AT_A_TIME];
    for (size_t index = first; index < end; index++) {
        int fd = (int)syscall(SYS_pidfd_open, pid_of(looked->line[index]), 0);
        if (fd == -1) looked->ended[index] = 1;
        processes[index - first] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    int ready;
    RETRY(ready, poll(processes, end - first, 0));
    for (size_t index = first; index < end; index++) {
        if (ready > 0 && processes[index - first].revents != 0) looked->ended[index] = 1;
        if (processes[index - first].fd != -1) close(processes[index - first].fd);
    }
}

static bool is_line(const char *line) {
    return strspn(line, "0123456789abcdef") == ID_LENGTH && line[ID_LENGTH] == ' ';
}

static napi_value names_of_ended(napi_env env, const struct looked *looked) {
    napi_value names, name;
    uint32_t count = 0;
    if (napi_create_array(env, &names) != napi_ok) return NULL;
    for (size_t index = 0; index < looked->count; index++) {
        if (!looked->ended[index]) continue;
        if (napi_create_string_utf8(env, looked->line[index], ID_LENGTH, &name) != napi_ok) return NULL;
        if (napi_set_element(env, names, count++, name) != napi_ok) return NULL;
    }
    return names;
}

static size_t count_lines(const char *text) {
    size_t count = 0;
    for (; *text != '\0'; text++) count += *text == '\n';
    return count + 1;
}

/* A look at containers, by the caller itself, or by a thread and then by both. */
struct look {
    struct look *next;
    uint32_t number;
    pthread_t thread;
    bool has_thread; /* without one (a limit of processes) whoever waits does all of it */
    int directory, claims;
    char *text;  /* which the lines are cut out of */
    char **line; /* all of them */
    size_t count;
    atomic_size_t begun;  /* lines that somebody looks at, or has */
    struct looked looked; /* those that more has to be asked of */
};

static struct look *looks;
static uint32_t last_number;

static void forget(struct look *look) {
    if (look->directory != -1) close(look->directory);
    if (look->claims != -1) close(look->claims);
    free(look->text);
    free(look->line);
    free(look->looked.line);
    free(look->looked.ended);
    free(look);
}

/* 0 or an errno. */
static int cut_lines(struct look *look) {
    char *rest = look->text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (*line == '\0') continue;
        if (!is_line(line)) return EINVAL;
        look->line[look->count++] = line;
    }
    return 0;
}

/* NULL with errno. */
static struct look *make_look(const struct argument *a) {
    struct look *look = calloc(1, sizeof *look);
    if (look == NULL) return NULL;
    look->directory = open(a[0].text, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = look->directory == -1 ? errno : 0;
    /* There is none before the first container runs; asking -1 answers no question. */
    look->claims = open(a[1].text, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    size_t room = count_lines(a[2].text);
    look->text = strdup(a[2].text);
    look->line = calloc(room, sizeof *look->line);
    look->looked.line = calloc(room, sizeof *look->looked.line);
    look->looked.ended = calloc(room, 1);
    bool has_room = look->text != NULL && look->line != NULL && look->looked.line != NULL && look->looked.ended != NULL;
    if (!has_room) error = ENOMEM;
    if (error == 0) error = cut_lines(look);
    if (error == 0) return look;
    forget(look);
    errno = error;
    return NULL;
}

/* Lines that a thread takes at a time. */
#define A_FEW 8

/* Asks about those that nobody asks about, until there are none; any number of threads may do so at once. */
static void *ask_claims(void *argument) {
    struct look *look = argument;
    struct looked *looked = &look->looked;
    for (size_t first; (first = atomic_fetch_add(&look->begun, A_FEW)) < look->count;) {
        for (size_t index = first; index < look->count && index < first + A_FEW; index++) {
            if (!is_claimed(look->claims, look->line[index])) {
                looked->line[atomic_fetch_add(&looked->count, 1)] = look->line[index];
            }
        }
    }
    return NULL;
}

/* All the rest of it, by one thread. */
static napi_value finish_look(napi_env env, struct look *look) {
    struct looked *looked = &look->looked;
    for (size_t first = 0; first < looked->count; first += AT_A_TIME) {
        size_t end = first + AT_A_TIME < looked->count ? first + AT_A_TIME : looked->count;
        look_at_processes(looked, first, end);
        for (size_t index = first; index < end; index++) {
            if (!looked->ended[index]) looked->ended[index] = is_recorded(look->directory, looked->line[index]);
        }
    }
    napi_value names = names_of_ended(env, looked);
    forget(look);
    return names;
}

static napi_value run_ended(napi_env env, const struct argument *a) {
    struct look *look = make_look(a);
    if (look == NULL) return throw_errno(env, "ended", errno);
    ask_claims(look);
    return finish_look(env, look);
}

/*
 * On a processor that the caller is not on: the kernel often queues a new thread behind the one that makes it, which
 * goes on to read the rows; then it began after 1.4 ms, else after 0.1. Without another one nothing is to be had by it.
 */
static bool begin_elsewhere(pthread_t *thread, void *(*run)(void *), void *data) {
    pthread_attr_t attributes;
    cpu_set_t others;
    int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof others, &others) == -1) return false;
    CPU_CLR(here, &others);
    if (CPU_COUNT(&others) == 0 || pthread_attr_init(&attributes) != 0) return false;
    bool begun = pthread_attr_setaffinity_np(&attributes, sizeof others, &others) == 0 &&
                 pthread_create(thread, &attributes, run, data) == 0;
    pthread_attr_destroy(&attributes);
    return begun;
}

static napi_value run_ended_ahead(napi_env env, const struct argument *a) {
    struct look *look = make_look(a);
    if (look == NULL) return throw_errno(env, "ended", errno);
    look->has_thread = begin_elsewhere(&look->thread, ask_claims, look);
    look->number = ++last_number;
    look->next = looks;
    looks = look;
    return check_number(env, "ended", look->number);
}

static napi_value run_ended_found(napi_env env, const struct argument *a) {
    for (struct look **at = &looks; *at != NULL; at = &(*at)->next) {
        struct look *look = *at;
        if (look->number != a[0].number) continue;
        *at = look->next;
        ask_claims(look);
        if (look->has_thread) pthread_join(look->thread, NULL);
        return finish_look(env, look);
    }
    return throw_errno(env, "ended", EINVAL);
}

const struct call ended_calls[] = {
    {"ended", "sss", run_ended},
    {"endedAhead", "sss", run_ended_ahead},
    {"endedFound", "u", run_ended_found},
    {0},
};
