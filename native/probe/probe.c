#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void probe_die(const char *what) {
    fprintf(stderr, "onggi-probe: %s: %s\n", what, strerror(errno));
    exit(1);
}

long probe_number(const char *text) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0) {
        fprintf(stderr, "onggi-probe: \"%s\" is not a number\n", text);
        exit(2);
    }
    return value;
}

/* exit N */
static int run_exit(char **arguments) {
    return (int)probe_number(arguments[0]);
}

/* signal-self N: dies of the signal, unless it is ignored (as pid 1 may be). */
static int run_signal_self(char **arguments) {
    int number = (int)probe_number(arguments[0]);
    signal(number, SIG_DFL);
    if (kill(getpid(), number) < 0) probe_die("kill");
    return 1;
}

/* memory BYTES: touches that much memory, says so, and keeps it until it is killed. */
static int run_memory(char **arguments) {
    size_t size = (size_t)probe_number(arguments[0]);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) probe_die("mmap");
    for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
    printf("touched %zu\n", size);
    fflush(stdout);
    pause();
    return 0;
}

/* fork N: that many children that sleep; prints how many there could be. */
static int run_fork(char **arguments) {
    long wanted = probe_number(arguments[0]), made = 0;
    for (; made < wanted; made++) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0) {
            pause();
            _exit(0);
        }
    }
    printf("forked %ld%s%s\n", made, made < wanted ? ": " : "", made < wanted ? strerror(errno) : "");
    return made < wanted;
}

/* sleep: until it is killed. */
static int run_sleep(char **arguments) {
    (void)arguments;
    printf("sleeping\n");
    fflush(stdout);
    pause();
    return 0;
}

static volatile sig_atomic_t trapped;

static void note_signal(int number) {
    trapped = number;
}

/* trap SIG...: prints "got N" on each of these signals. */
static int run_trap(char **arguments) {
    sigset_t mask, old;
    sigfillset(&mask);
    sigprocmask(SIG_BLOCK, &mask, &old);
    for (; *arguments != NULL; arguments++) signal((int)probe_number(*arguments), note_signal);
    printf("ready\n");
    fflush(stdout);
    while (sigsuspend(&old) < 0 && errno == EINTR) {
        printf("got %d\n", (int)trapped);
        fflush(stdout);
    }
    return 1;
}

/* write-exe: tries to open the executables of pid 1 and of itself for writing, as an attacker of the runtime would. */
static int run_write_exe(char **arguments) {
    (void)arguments;
    static const char *const paths[] = {"/proc/1/exe", "/proc/self/exe"};
    for (int i = 0; i < 2; i++) {
        int fd = open(paths[i], O_WRONLY | O_CLOEXEC);
        printf("%s: %s\n", paths[i], fd >= 0 ? "opened" : strerror(errno));
        if (fd >= 0) close(fd);
    }
    return 0;
}

/* orphans N: leaves that many zombies to whoever is pid 1, waits, prints how many are still there. */
static int run_orphans(char **arguments) {
    long count = probe_number(arguments[0]);
    pid_t parent = fork();
    if (parent == 0) {
        for (long i = 0; i < count; i++) {
            if (fork() == 0) {
                usleep(50000);
                _exit(0);
            }
        }
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    usleep(300000);
    long zombies = 0;
    for (pid_t pid = 2; pid < 2 * count + 64; pid++) {
        char path[32], text[256] = "";
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        if (read(fd, text, sizeof text - 1) > 0 && strstr(text, ") Z ") != NULL) zombies++;
        close(fd);
    }
    printf("zombies %ld\n", zombies);
    return 0;
}

/* output LINES BYTES: lines of that many bytes, newline included. */
static int run_output(char **arguments) {
    long lines = probe_number(arguments[0]), bytes = probe_number(arguments[1]);
    for (long line = 0; line < lines; line++) {
        char start[24];
        int length = snprintf(start, sizeof start, "%ld ", line);
        for (long at = 0; at < bytes - 1; at++) putchar(at < length ? start[at] : 'x');
        putchar('\n');
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

/* burn SECONDS: CPU time, for as long as the clock on the wall says; prints how much of it there was, in ms. */
static int run_burn(char **arguments) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    double seconds = strtod(arguments[0], NULL), passed = 0;
    while (passed < seconds) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        passed = (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    printf("burned %ld\n", (long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    return 0;
}

/* lock PATH: an exclusive flock(2), held to the end; "taken" and status 1 where somebody else has it. */
static int run_lock(char **arguments) {
    int fd = open(arguments[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0) {
        printf("%s\n", fd >= 0 && errno == EWOULDBLOCK ? "taken" : strerror(errno));
        return 1;
    }
    return run_sleep(arguments);
}

/* `count` arguments are needed; -1: any number. */
static const struct {
    const char *name;
    int count;
    int (*run)(char **arguments);
} commands[] = {
    {"exit", 1, run_exit},       {"signal-self", 1, run_signal_self}, {"memory", 1, run_memory},
    {"fork", 1, run_fork},       {"sleep", 0, run_sleep},             {"trap", -1, run_trap},
    {"orphans", 1, run_orphans}, {"write-exe", 0, run_write_exe},     {"output", 2, run_output},
    {"burn", 1, run_burn},       {"http", 1, probe_http},             {"connect", 2, probe_connect},
    {"syscall", -1, probe_syscalls}, {"hook", 2, probe_hook},
    {"swap", 2, probe_swap},     {"overwrite-exe", 1, probe_overwrite_exe},
    {"notify", 1, probe_notify}, {"lock", 1, run_lock},             {"orders", -1, probe_orders},
    {"terminal", -1, probe_terminal}, {"console", 1, probe_console},
};

int main(int count, char **arguments) {
    if (count < 2 || strcmp(arguments[1], "report") == 0) {
        probe_report(count, arguments);
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(arguments[1], commands[i].name) != 0) continue;
        if (commands[i].count < 0 || commands[i].count == count - 2) return commands[i].run(arguments + 2);
        fprintf(stderr, "onggi-probe: %s takes %d arguments\n", commands[i].name, commands[i].count);
        return 2;
    }
    fprintf(stderr, "onggi-probe: no command \"%s\"\n", arguments[1]);
    return 2;
}
