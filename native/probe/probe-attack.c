/* What a hostile process in a container does to its runtime. It tries in earnest, and changes nothing that it wins. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"
#include "syscalls.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

/* Whatever goes wrong with the test, an attacker does not run for ever. */
enum { LONGEST_ATTACK = 60, HELD_MAX = 64 };

/* swap A B: exchanges two directory entries as fast as it can, until it is killed. */
int probe_swap(char **arguments) {
    alarm(LONGEST_ATTACK);
    if (syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE) < 0) probe_die("swap");
    printf("swapping\n");
    fflush(stdout);
    /* An entry that has just become a mount point is busy: the next round comes at once. */
    while (true) syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1], RENAME_EXCHANGE);
}

/* Whether a file is one of the kernel's: <linux/magic.h>: procfs, sysfs, cgroup, cgroup2. */
static bool is_kernel(int fd) {
    static const unsigned long types[] = {0x9fa0, 0x62656572, 0x27e0eb, 0x63677270};
    struct statfs status;
    if (fstatfs(fd, &status) < 0) return false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if ((unsigned long)status.f_type == types[i]) return true;
    }
    return false;
}

/*
 * orders FILE...: names those of the kernel's files that it can open for writing, and writes nothing. The open file is
 * judged, not its name: somebody may be exchanging directories, and a plain file at such a place is no order to anybody.
 */
int probe_orders(char **arguments) {
    for (; *arguments != NULL; arguments++) {
        int fd = open(*arguments, O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
        if (fd < 0) continue;
        if (is_kernel(fd)) printf("WRITABLE %s\n", *arguments);
        close(fd);
    }
    return 0;
}

/* An executable of a process that the attacker did not start, kept by a descriptor after the process has ended. */
struct held {
    int fd;
    int last; /* what opening it for writing said last */
    char name[256];
};

static struct held held[HELD_MAX];
static size_t held_count;

static bool is_ours(const char *name) {
    return strstr(name, "busybox") != NULL || strstr(name, "onggi-probe") != NULL;
}

static bool is_held(const char *name) {
    for (size_t i = 0; i < held_count; i++) {
        if (strcmp(held[i].name, name) == 0) return true;
    }
    return false;
}

static void hold(const char *pid) {
    char path[64], name[256];
    snprintf(path, sizeof path, "/proc/%.20s/exe", pid);
    ssize_t length = readlink(path, name, sizeof name - 1);
    if (length <= 0 || held_count == HELD_MAX) return;
    name[length] = '\0';
    if (is_ours(name) || is_held(name)) return;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) return;
    held[held_count] = (struct held){.fd = fd, .last = -1};
    memcpy(held[held_count].name, name, sizeof name);
    held_count++;
    printf("holds %s\n", name);
    fflush(stdout);
}

/* Writes a byte that is there already: 0 when it can be written, else the errno. */
static int write_byte(const char *path) {
    char byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return errno;
    int said = pread(fd, &byte, 1, 0) == 1 && pwrite(fd, &byte, 1, 0) == 1 ? 0 : errno;
    close(fd);
    return said;
}

/* While the program runs the answer is ETXTBSY. That is no defence, for it ends: access(2) tells what comes then. */
static void try_to_write(struct held *target) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", target->fd);
    int said = write_byte(path);
    if (said == ETXTBSY && access(path, W_OK) < 0) said = errno;
    if (said == target->last) return;
    target->last = said;
    printf("%s %s\n", said == 0 ? "WRITES" : "refused", said == 0 ? target->name : strerror(said));
    fflush(stdout);
}

/* overwrite-exe FILE: until that file is there, holds the executables of others, as they appear in /proc, and tries to
 * write to them. */
int probe_overwrite_exe(char **arguments) {
    printf("waiting\n");
    fflush(stdout);
    while (access(arguments[0], F_OK) != 0) {
        DIR *processes = opendir("/proc");
        if (processes == NULL) probe_die("/proc");
        const struct dirent *entry;
        while ((entry = readdir(processes)) != NULL) {
            if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') hold(entry->d_name);
        }
        closedir(processes);
        for (size_t i = 0; i < held_count; i++) try_to_write(&held[i]);
    }
    printf("done\n");
    return 0;
}
