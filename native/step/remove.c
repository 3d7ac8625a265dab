#include "remove.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "scoped.h"
#include "syscalls.h"

/* What lies deeper is moved up to the top and removed in the next round: a level costs a descriptor and a frame. */
enum { DEEPEST = 100, FLAGS = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

struct removal {
    int top;
    unsigned moved;
    bool again; /* something was moved to the top */
};

static int empty(struct removal *removal, int directory, int depth);

static int remove_directory(struct removal *removal, int parent, const char *name, int depth) {
    if (depth == DEEPEST) {
        char fresh[64];
        snprintf(fresh, sizeof fresh, ".onggi-removed-%d-%u", (int)getpid(), removal->moved++);
        removal->again = true;
        return (int)SYS(renameat(parent, name, removal->top, fresh));
    }
    int below = (int)SYS(openat(parent, name, FLAGS));
    int result = below < 0 ? below : empty(removal, below, depth + 1);
    return result < 0 ? result : (int)SYS(unlinkat(parent, name, AT_REMOVEDIR));
}

static int remove_entry(struct removal *removal, int parent, const char *name, int depth) {
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return 0;
    /* Asks nothing before: most entries are no directories, and the kernel says so of those that are (unlink(2)). */
    int result = (int)SYS(unlinkat(parent, name, 0));
    return result == -EISDIR ? remove_directory(removal, parent, name, depth) : result == -ENOENT ? 0 : result;
}

/* Takes the descriptor. */
static int empty(struct removal *removal, int directory, int depth) {
    DIR *stream = fdopendir(directory);
    if (stream == NULL) return close(directory), -ENOMEM;
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(stream)) != NULL;)
        result = remove_entry(removal, directory, entry->d_name, depth);
    closedir(stream);
    return result;
}

int remove_at(int directory, const char *path) {
    int result = (int)SYS(unlinkat(directory, path, 0));
    if (result == -ENOENT) return 0;
    if (result != -EISDIR) return result;
    struct removal removal = {.top = (int)SYS(openat(directory, path, FLAGS)), .again = true};
    scoped_fd top = removal.top;
    if (top < 0) return top;
    for (result = 0; removal.again && result == 0;) {
        removal.again = false;
        int again = (int)SYS(openat(top, ".", FLAGS));
        result = again < 0 ? again : empty(&removal, again, 0);
    }
    return result < 0 ? result : (int)SYS(unlinkat(directory, path, AT_REMOVEDIR));
}

int remove_run(const char *path) {
    int result = remove_at(AT_FDCWD, path);
    if (result == 0) return 0;
    dprintf(2, "onggi: remove \"%s\": %s\n", path, strerror(-result));
    return 1;
}
