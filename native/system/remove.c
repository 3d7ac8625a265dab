#include "remove.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "scoped.h"
#include "syscalls.h"

enum {
    /*
     * A process can nest directories without limit (mkdir, chdir, repeat), but a level costs a descriptor and a frame
     * here. What lies deeper is moved up to the top and removed in the next round.
     */
    DEEPEST = 100,
    /* How often it may be filled again meanwhile, by whoever has it open: a start that was cut off, a dying overlay. */
    FILLINGS = 20,
    FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
};

struct removal {
    int top;
    unsigned moved;
    bool again; /* something was moved to the top */
    struct removal_failure *failure;
};

static int empty(struct removal *removal, int directory, int depth);

/* Without privileges the mode counts: overlayfs leaves its `work/work` with none. Whoever owns it may change that. */
static int open_below(int parent, const char *name) {
    int below = (int)SYS(openat(parent, name, FLAGS));
    if (below != -EACCES) return below;
    scoped_fd entry = (int)SYS(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (entry < 0) return entry;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", entry);
    int changed = (int)SYS(chmod(path, 0700));
    return changed < 0 ? changed : (int)SYS(openat(parent, name, FLAGS));
}

static int move_up(struct removal *removal, int parent, const char *name) {
    removal->again = true;
    for (;;) {
        char fresh[64];
        snprintf(fresh, sizeof fresh, ".onggi-removed-%d-%u", (int)getpid(), removal->moved++);
        int result = (int)SYS(syscall(SYS_renameat2, parent, name, removal->top, fresh, 1 /* RENAME_NOREPLACE */));
        if (result != -EEXIST) return result;
    }
}

static int remove_directory(struct removal *removal, int parent, const char *name, int depth) {
    /* Most directories of a container are empty, mount points above all: one call for these, eight for the others. */
    if (SYS(unlinkat(parent, name, AT_REMOVEDIR)) == 0) return 0;
    if (depth == DEEPEST) return move_up(removal, parent, name);
    int below = open_below(parent, name);
    int result = below < 0 ? below : empty(removal, below, depth + 1);
    if (result == 0) result = (int)SYS(unlinkat(parent, name, AT_REMOVEDIR));
    /* Somebody changed it meanwhile. The directories above it are not empty then, up to the top, which is looked at again. */
    return result == -ENOENT || result == -ENOTEMPTY || result == -ENOTDIR ? 0 : result;
}

static int remove_entry(struct removal *removal, int parent, const struct dirent *entry, int depth) {
    const char *name = entry->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
    /* Not every file system tells the type; then the kernel says so of those that are directories (unlink(2)). */
    int result = entry->d_type == DT_DIR ? -EISDIR : (int)SYS(unlinkat(parent, name, 0));
    if (result == -ENOENT) return 0;
    if (result == -EISDIR) result = remove_directory(removal, parent, name, depth);
    /* The innermost one that failed. */
    if (result < 0 && removal->failure != NULL && removal->failure->name[0] == '\0')
        snprintf(removal->failure->name, sizeof removal->failure->name, "%s", name);
    return result;
}

/* Takes the descriptor. */
static int empty(struct removal *removal, int directory, int depth) {
    DIR *stream = fdopendir(directory);
    if (stream == NULL) return close(directory), -ENOMEM;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(stream)) != NULL;)
        result = remove_entry(removal, directory, entry, depth);
    closedir(stream);
    return result;
}

/* One round. */
static int empty_top(struct removal *removal) {
    int again = (int)SYS(openat(removal->top, ".", FLAGS));
    return again < 0 ? again : empty(removal, again, 0);
}

int remove_at(int directory, const char *path, struct removal_failure *failure) {
    if (failure != NULL) failure->name[0] = '\0';
    int result = (int)SYS(unlinkat(directory, path, 0));
    if (result == -ENOENT) return 0;
    if (result != -EISDIR) return result < 0 ? result : 1;
    struct removal removal = {.top = open_below(directory, path), .failure = failure};
    scoped_fd top = removal.top;
    if (top < 0) return top;
    for (int fillings = 0; fillings <= FILLINGS; fillings += !removal.again) {
        removal.again = false;
        result = empty_top(&removal);
        if (result < 0) return result;
        if (removal.again) continue;
        result = (int)SYS(unlinkat(directory, path, AT_REMOVEDIR));
        if (result != -ENOTEMPTY) return result == 0 || result == -ENOENT ? 1 : result;
    }
    return result;
}

int remove_run(const char *path) {
    struct removal_failure failure;
    int result = remove_at(AT_FDCWD, path, &failure);
    if (result >= 0) return 0;
    const char *entry = failure.name[0] == '\0' ? path : failure.name;
    dprintf(2, "onggi: remove \"%s\": \"%s\": %s\n", path, entry, strerror(-result));
    return 1;
}
