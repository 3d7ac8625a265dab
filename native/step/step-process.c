/* Steps that shape the process that will execute the command. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "init.h"
#include "message.h"
#include "path.h"
#include "proc.h"
#include "scoped.h"
#include "syscalls.h"

int step_rlimit(struct init *init, struct cursor *payload) {
    uint32_t resource = take_u32(payload);
    const char *name = take_string(payload);
    uint64_t limits[2];
    limits[0] = take_u64(payload);
    limits[1] = take_u64(payload);
    int result = (int)SYS(syscall(SYS_prlimit64, 0, resource, limits, NULL));
    if (result == 0) return 0;
    return fail(&init->failure, result, "set the limit \"%s\" to %llu:%llu", name, (unsigned long long)limits[0],
                (unsigned long long)limits[1]);
}

int oom_score_adj_open(struct init *init) {
    char path[32];
    /* By number: "self" is a link, and links are not followed there. */
    snprintf(path, sizeof path, "%d/oom_score_adj", (int)getpid());
    return proc_open(init, path);
}

int step_oom_score_adj(struct init *init, struct cursor *payload) {
    int value = (int)take_u32(payload);
    bool optional = take_bool(payload);
    char text[16];
    size_t length = (size_t)snprintf(text, sizeof text, "%d", value);
    scoped_fd file = init->oom_score_adj >= 0 ? take_fd(&init->oom_score_adj) : oom_score_adj_open(init);
    long result = file < 0 ? file : SYS(write(file, text, length));
    if (result >= 0) return 0;
    fail(&init->failure, (int)result, "set oom_score_adj to %d", value);
    return optional ? init_warn(init) : (int)result;
}

int step_no_new_privileges(struct init *init, struct cursor *payload) {
    (void)payload;
    int result = (int)SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    return result < 0 ? fail(&init->failure, result, "set no_new_privs") : 0;
}

int step_umask(struct init *init, struct cursor *payload) {
    /* Kept for the end: until then nodes are made with exactly the modes of the plan. */
    init->umask = take_u32(payload) & 0777;
    return 0;
}

/*
 * After chdir the directory must lie in the root: a descriptor that leaked in from the host would be a way out of the
 * container (CVE-2024-21626). The kernel says "(unreachable)" for such a place, getcwd(2).
 */
static int check_directory(void) {
    char path[PATH_MAX];
    long length = SYS(syscall(SYS_getcwd, path, sizeof path));
    if (length < 0) return (int)length;
    return path[0] == '/' ? 0 : -EXDEV;
}

int step_working_directory(struct init *init, struct cursor *payload) {
    const char *path = take_string(payload);
    bool create = take_bool(payload);
    int root = init->root >= 0 ? init->root : AT_FDCWD;
    scoped_fd directory = create ? root_make(root, path, 0755, false) : root_open(root, path, O_PATH, 0);
    int result = directory < 0 ? directory : (int)SYS(fchdir(directory));
    if (result == 0) result = check_directory();
    return result < 0 ? fail(&init->failure, result, "change to the working directory \"%s\"", path) : 0;
}

/* Whether `path` can be executed by the present identity: 0, -EACCES or what the lookup gave. */
static int check_executable(const char *path) {
    struct stat status;
    int result = (int)SYS(stat(path, &status));
    if (result < 0) return result;
    if (!S_ISREG(status.st_mode)) return -EACCES;
    return (int)SYS(syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS));
}

/* The value of PATH in the environment of OP_EXEC, NULL if there is none. */
static const char *search_path(const struct plan *plan) {
    struct record record;
    if (!plan_find(plan, OP_EXEC, &record)) return NULL;
    for (uint32_t count = take_count(&record.payload); count > 0; count--) take_string(&record.payload);
    const char *found = NULL;
    for (uint32_t count = take_count(&record.payload); count > 0; count--) {
        const char *variable = take_string(&record.payload);
        if (strncmp(variable, "PATH=", 5) == 0) found = variable + 5;
    }
    return found;
}

/* As execvp(3): an entry that exists but can't be executed is remembered, the search goes on. */
static int search(struct init *init, const char *command) {
    const char *path = search_path(init->plan);
    if (path == NULL) path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    int result = -ENOENT;
    while (true) {
        int length = (int)strcspn(path, ":");
        /* An empty entry is the working directory (POSIX, "PATH"). */
        int size = snprintf(init->executable, sizeof init->executable, "%.*s%s%s", length, path, length > 0 ? "/" : "./", command);
        int found = size < (int)sizeof init->executable ? check_executable(init->executable) : -ENAMETOOLONG;
        if (found == 0) return 0;
        if (found != -ENOENT && found != -ENOTDIR) result = found;
        if (path[length] == '\0') return result;
        path += length + 1;
    }
}

int step_find_executable(struct init *init, struct cursor *payload) {
    const char *command = take_string(payload);
    int result;
    if (strchr(command, '/') == NULL) {
        result = *command == '\0' ? -ENOENT : search(init, command);
    } else {
        result = strlen(command) < sizeof init->executable ? check_executable(command) : -ENAMETOOLONG;
        if (result == 0) memcpy(init->executable, command, strlen(command) + 1);
    }
    if (result == 0) return 0;
    init->executable[0] = '\0';
    return fail(&init->failure, result, "find the command \"%s\"", command);
}
