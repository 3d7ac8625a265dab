/* What the probe sees of itself, as JSON. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "probe.h"

extern char **environ;

/* A field of /proc/self/status; numbers in base 16 stay strings. */
static void print_status(const char *key, const char *field) {
    char line[4096];
    FILE *file = fopen("/proc/self/status", "re");
    size_t length = strlen(field);
    probe_key(key);
    int found = 0;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, field, length) != 0 || line[length] != ':') continue;
        line[strcspn(line, "\n")] = '\0';
        probe_string(line + length + 1 + strspn(line + length + 1, "\t "));
        found = 1;
    }
    if (!found) printf("null");
    if (file != NULL) fclose(file);
}

static void print_lines(const char *key, const char *path) {
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    probe_key(key);
    putchar('[');
    for (int first = 1; file != NULL && getline(&line, &size, file) > 0; first = 0) {
        if (!first) putchar(',');
        line[strcspn(line, "\n")] = '\0';
        probe_string(line);
    }
    putchar(']');
    free(line);
    if (file != NULL) fclose(file);
}

static void print_link(int directory, const char *name) {
    char target[PATH_MAX];
    ssize_t length = readlinkat(directory, name, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    probe_string(target);
}

/* The links of a directory as an object; `skip` is the descriptor that reads it. */
static void print_links(const char *key, const char *path) {
    probe_key(key);
    putchar('{');
    DIR *directory = opendir(path);
    const struct dirent *entry;
    int first = 1;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        if (strcmp(path, "/proc/self/fd") == 0 && atoi(entry->d_name) == dirfd(directory)) continue;
        if (!first) putchar(',');
        first = 0;
        probe_string(entry->d_name);
        putchar(':');
        print_link(dirfd(directory), entry->d_name);
    }
    putchar('}');
    if (directory != NULL) closedir(directory);
}

static void print_limits(void) {
    static const struct {
        const char *name;
        int resource;
    } limits[] = {
        {"as", RLIMIT_AS},           {"core", RLIMIT_CORE},       {"cpu", RLIMIT_CPU},
        {"data", RLIMIT_DATA},       {"fsize", RLIMIT_FSIZE},     {"locks", RLIMIT_LOCKS},
        {"memlock", RLIMIT_MEMLOCK}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE},
        {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC},     {"rss", RLIMIT_RSS},
        {"rtprio", RLIMIT_RTPRIO},   {"rttime", RLIMIT_RTTIME},   {"sigpending", RLIMIT_SIGPENDING},
        {"stack", RLIMIT_STACK},
    };
    probe_key("rlimits");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct rlimit limit = {0};
        getrlimit(limits[i].resource, &limit);
        /* Infinity as -1, which is how Docker writes it too. */
        printf("%s\"%s\":[%lld,%lld]", i == 0 ? "{" : ",", limits[i].name, (long long)limit.rlim_cur,
               (long long)limit.rlim_max);
    }
    putchar('}');
}

static void print_ids(void) {
    uid_t users[3];
    gid_t groups[3], more[1024];
    getresuid(&users[0], &users[1], &users[2]);
    getresgid(&groups[0], &groups[1], &groups[2]);
    int count = getgroups(1024, more);
    probe_key("uids");
    printf("[%u,%u,%u]", users[0], users[1], users[2]);
    probe_key("gids");
    printf("[%u,%u,%u]", groups[0], groups[1], groups[2]);
    probe_key("groups");
    putchar('[');
    for (int i = 0; i < count; i++) printf("%s%u", i == 0 ? "" : ",", more[i]);
    putchar(']');
    print_status("inheritable", "CapInh");
    print_status("permitted", "CapPrm");
    print_status("effective", "CapEff");
    print_status("bounding", "CapBnd");
    print_status("ambient", "CapAmb");
    print_status("noNewPrivileges", "NoNewPrivs");
    print_status("seccomp", "Seccomp");
    print_status("seccompFilters", "Seccomp_filters");
    print_status("blockedSignals", "SigBlk");
    print_status("ignoredSignals", "SigIgn");
}

static void print_terminal(void) {
    struct winsize size = {0};
    probe_key("terminal");
    if (!isatty(0)) {
        printf("null");
        return;
    }
    char name[64] = "";
    if (ttyname_r(0, name, sizeof name) != 0) name[0] = '\0';
    ioctl(0, TIOCGWINSZ, &size);
    int controlling = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    printf("{\"name\":");
    probe_string(name);
    printf(",\"rows\":%u,\"columns\":%u,\"controlling\":%s,\"foreground\":%s}", size.ws_row, size.ws_col,
           controlling >= 0 ? "true" : "false", tcgetpgrp(0) == getpgrp() ? "true" : "false");
    if (controlling >= 0) close(controlling);
}

static void print_places(void) {
    char path[PATH_MAX];
    probe_key("cwd");
    probe_string(getcwd(path, sizeof path) == NULL ? "" : path);
    struct utsname system;
    char domain[256] = "";
    uname(&system);
    if (getdomainname(domain, sizeof domain) != 0) domain[0] = '\0';
    probe_key("hostname");
    probe_string(system.nodename);
    probe_key("domainname");
    probe_string(domain);
    mode_t mask = umask(0);
    umask(mask);
    probe_field("umask", mask);
    probe_field("pid", getpid());
    probe_field("ppid", getppid());
    probe_field("sid", getsid(0));
    probe_field("pgrp", getpgrp());
    int death = 0;
    prctl(PR_GET_PDEATHSIG, &death, 0, 0, 0);
    probe_field("parentDeathSignal", death);
    probe_field("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
    print_status("cpus", "Cpus_allowed_list");
}

void probe_report(int count, char **arguments) {
    /* Before anything else opens a file. */
    print_links("descriptors", "/proc/self/fd");
    probe_strings("argv", arguments);
    probe_strings("env", environ);
    print_ids();
    print_places();
    print_limits();
    print_terminal();
    print_lines("mountinfo", "/proc/self/mountinfo");
    print_lines("cgroup", "/proc/self/cgroup");
    print_lines("oomScoreAdj", "/proc/self/oom_score_adj");
    print_lines("timensOffsets", "/proc/self/timens_offsets");
    print_lines("uidMap", "/proc/self/uid_map");
    print_lines("gidMap", "/proc/self/gid_map");
    print_lines("setgroups", "/proc/self/setgroups");
    print_lines("interfaces", "/proc/net/dev");
    print_links("namespaces", "/proc/self/ns");
    probe_attributes();
    probe_paths(arguments + (count < 2 ? count : 2));
    probe_calls(arguments + (count < 2 ? count : 2));
    printf("}\n");
}
