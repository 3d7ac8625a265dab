/* Entering the root where the host's can't be pivoted away, because it is a ramfs (pivot_root(2)). */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init.h"
#include "mount.h"
#include "scoped.h"
#include "syscalls.h"

/* proc(5): space, tab, newline and backslash stand as three octal digits. */
static void unescape(char *text) {
    char *to = text;
    for (; *text != '\0'; text++) {
        if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
            *to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
            text += 3;
        } else {
            *to++ = *text;
        }
    }
    *to = '\0';
}

/* Whether the line of mountinfo is of the whole of a procfs or sysfs; then `target` is where. */
static bool is_whole(const char *line, char target[PATH_MAX]) {
    char root[PATH_MAX], type[32];
    if (sscanf(line, "%*d %*d %*s %4095s %4095s", root, target) != 2) return false;
    const char *rest = strstr(line, " - ");
    if (rest == NULL || sscanf(rest, " - %31s", type) != 1) return false;
    unescape(target);
    return strcmp(root, "/") == 0 && (strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0);
}

/* Takes a mount off; where that is not allowed, covers it. One that has gone with another above it is done with. */
static int hide(const char *target) {
    int result = sys_mount(NULL, target, NULL, MS_SLAVE | MS_REC, NULL);
    if (result == 0) result = sys_umount(target, UMOUNT_DETACH);
    if (result == -EPERM) result = sys_mount("tmpfs", target, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    return result == -ENOENT || result == -EINVAL ? 0 : result;
}

static bool below(const char *path, const char *directory) {
    size_t length = strlen(directory);
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* The kernel lets a container mount a procfs or sysfs without masks when it can see one without masks. */
static int hide_kernel_files(const char *root, struct failure *failure) {
    FILE *list = fopen("/proc/self/mountinfo", "re");
    if (list == NULL) return fail(failure, errno, "open /proc/self/mountinfo");
    char *line = NULL, target[PATH_MAX];
    size_t size = 0;
    int result = 0;
    /* The open list follows the changes by its own place in it (seq_file), whatever becomes of /proc meanwhile. */
    while (result == 0 && getline(&line, &size, list) > 0) {
        if (!is_whole(line, target) || below(target, root)) continue;
        result = hide(target);
        if (result < 0) fail(failure, result, "take the host's \"%s\" off", target);
    }
    free(line);
    fclose(list);
    return result;
}

int step_move_root(struct init *init, struct cursor *payload) {
    (void)payload;
    char link[32], root[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", init->root);
    long length = SYS(readlink(link, root, sizeof root - 1));
    if (length < 0) return fail(&init->failure, (int)length, "find the new root");
    root[length] = '\0';
    int result = hide_kernel_files(root, &init->failure);
    if (result < 0) return result;
    scoped_fd top = (int)SYS(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    result = top < 0 ? top : sys_move_mount(init->root, top);
    if (result == 0) result = (int)SYS(fchdir(init->root));
    if (result == 0) result = (int)SYS(chroot("."));
    if (result == 0) result = (int)SYS(chdir("/"));
    if (result < 0) return fail(&init->failure, result, "move the new root over /");
    stdio_reopen(init);
    return 0;
}
