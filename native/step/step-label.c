/* What security modules know the command by, from its exec on: AppArmor's profile, SELinux's label. */
#include <stdio.h>
#include <string.h>

#include "init.h"
#include "label.h"
#include "proc.h"
#include "scoped.h"
#include "syscalls.h"

enum { LABEL_MAX = 4096 };

/* A file of this process's own attributes (proc(5), /proc/PID/attr); by number, since "self" is a link. */
static int write_attribute(struct init *init, const char *file, const char *value) {
    char path[64];
    snprintf(path, sizeof path, "%d/attr/%s", (int)getpid(), file);
    return proc_write(init, path, value);
}

static int apply_profile(struct init *init, const char *profile) {
    char command[LABEL_MAX];
    if ((size_t)snprintf(command, sizeof command, "exec %s", profile) >= sizeof command) return -ENAMETOOLONG;
    /* Where modules are stacked, each has a directory of its own; the plain file belongs to the first of them. */
    int result = write_attribute(init, "apparmor/exec", command);
    return result == -ENOENT ? write_attribute(init, "exec", command) : result;
}

int step_apparmor(struct init *init, struct cursor *payload) {
    const char *profile = take_string(payload);
    int result = apply_profile(init, profile);
    if (result == 0) return 0;
    const char *found = result == -ENOENT ? "no such profile is loaded, or AppArmor is not in use here"
                                          : "AppArmor is not in use here, or does not allow it";
    return fail(&init->failure, result, "apply the AppArmor profile \"%s\": %s", profile, found);
}

int step_selinux(struct init *init, struct cursor *payload) {
    const char *label = take_string(payload);
    int result = write_attribute(init, "exec", label);
    if (result == 0) return 0;
    return fail(&init->failure, result, "apply the SELinux label \"%s\": SELinux is not in use here, or does not allow it",
                label);
}

int label_keyring(struct init *init, bool begin) {
    struct record record;
    if (!plan_find(init->plan, OP_SELINUX, &record)) return 0;
    const char *label = take_string(&record.payload);
    int result = write_attribute(init, "keycreate", begin ? label : "");
    return result < 0 ? fail(&init->failure, result, "label the keyring \"%s\"", label) : 0;
}
