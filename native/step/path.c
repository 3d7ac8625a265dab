#include "path.h"

#include <string.h>

#include "scoped.h"
#include "syscalls.h"

enum { LINKS_MAX = 40 /* as the kernel's own limit, path_resolution(7) */, RACES_MAX = 32 };

int root_open(int root, const char *path, uint64_t flags, uint64_t resolve) {
    int fd = -EAGAIN;
    /* openat2(2): EAGAIN when a rename elsewhere raced with a ".." of this lookup. */
    for (int i = 0; i < RACES_MAX && fd == -EAGAIN; i++)
        fd = sys_openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve);
    return fd;
}

/* A lookup by components that makes what is missing. `resolved` never holds a link or "..". */
struct walk {
    int root;
    mode_t mode;
    bool file;
    int links;
    char resolved[PATH_MAX];
    char todo[PATH_MAX];
};

static int walk_push(struct walk *walk, const char *name) {
    size_t used = strlen(walk->resolved), length = strlen(name);
    if (used + length + 2 > sizeof walk->resolved) return -ENAMETOOLONG;
    walk->resolved[used] = '/';
    memcpy(walk->resolved + used + 1, name, length + 1);
    return 0;
}

static void walk_pop(struct walk *walk) {
    char *slash = strrchr(walk->resolved, '/');
    if (slash != NULL) *slash = '\0';
}

static int walk_open(const struct walk *walk) {
    const char *path = walk->resolved[0] == '\0' ? "/" : walk->resolved;
    return root_open(walk->root, path, O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
}

/* Takes the next component out of `todo`: 1, 0 at the end, or -errno. */
static int walk_next(struct walk *walk, char name[NAME_MAX + 1]) {
    const char *start = walk->todo + strspn(walk->todo, "/");
    size_t length = strcspn(start, "/");
    if (length == 0) return 0;
    if (length > NAME_MAX) return -ENAMETOOLONG;
    memcpy(name, start, length);
    name[length] = '\0';
    memmove(walk->todo, start + length, strlen(start + length) + 1);
    return 1;
}

static bool walk_at_end(const struct walk *walk) {
    return walk->todo[strspn(walk->todo, "/")] == '\0';
}

static int walk_expand(struct walk *walk, int link) {
    char target[PATH_MAX];
    if (++walk->links > LINKS_MAX) return -ELOOP;
    long length = SYS(readlinkat(link, "", target, sizeof target - 1));
    if (length <= 0) return length < 0 ? (int)length : -ENOENT;
    target[length] = '\0';
    size_t rest = strlen(walk->todo);
    if ((size_t)length + 1 + rest >= sizeof walk->todo) return -ENAMETOOLONG;
    memmove(walk->todo + length + 1, walk->todo, rest + 1);
    memcpy(walk->todo, target, (size_t)length);
    walk->todo[length] = '/';
    walk_pop(walk);
    if (target[0] == '/') walk->resolved[0] = '\0';
    return 0;
}

/* Makes the last component of `resolved`; somebody else having made it meanwhile is as good. */
static int walk_create(struct walk *walk, const char *name) {
    walk_pop(walk);
    scoped_fd parent = walk_open(walk);
    if (parent < 0) return parent;
    int result = walk_push(walk, name);
    if (result < 0) return result;
    if (walk->file && walk_at_end(walk)) {
        scoped_fd made = (int)SYS(openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644));
        result = made < 0 ? made : 0;
    } else {
        result = (int)SYS(mkdirat(parent, name, walk->mode));
    }
    return result == -EEXIST ? 0 : result;
}

static int walk_step(struct walk *walk, const char *name) {
    if (strcmp(name, ".") == 0) return 0;
    if (strcmp(name, "..") == 0) {
        walk_pop(walk);
        return 0;
    }
    int result = walk_push(walk, name);
    if (result < 0) return result;
    scoped_fd here = walk_open(walk);
    if (here == -ENOENT) return walk_create(walk, name);
    if (here < 0) return here;
    struct stat status;
    result = (int)SYS(fstat(here, &status));
    if (result < 0) return result;
    return S_ISLNK(status.st_mode) ? walk_expand(walk, here) : 0;
}

int root_make(int root, const char *path, mode_t mode, bool file) {
    int fd = root_open(root, path, O_PATH, 0);
    if (fd != -ENOENT) return fd;
    struct walk walk = {.root = root, .mode = mode, .file = file};
    if (strlen(path) >= sizeof walk.todo) return -ENAMETOOLONG;
    memcpy(walk.todo, path, strlen(path) + 1);
    char name[NAME_MAX + 1];
    int more;
    while ((more = walk_next(&walk, name)) > 0) {
        int result = walk_step(&walk, name);
        if (result < 0) return result;
    }
    return more < 0 ? more : walk_open(&walk);
}

int root_parent(int root, const char *path, char name[NAME_MAX + 1]) {
    char parent[PATH_MAX];
    size_t length = strlen(path);
    while (length > 0 && path[length - 1] == '/') length--;
    size_t start = length;
    while (start > 0 && path[start - 1] != '/') start--;
    size_t size = length - start;
    if (size > NAME_MAX || start + 1 >= sizeof parent) return -ENAMETOOLONG;
    memcpy(name, path + start, size);
    name[size] = '\0';
    if (size == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) return -EINVAL;
    memcpy(parent, path, start);
    parent[start] = '\0';
    return root_make(root, start == 0 ? "/" : parent, 0755, false);
}

int host_make_directory(const char *path, mode_t mode) {
    char prefix[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof prefix) return -ENAMETOOLONG;
    memcpy(prefix, path, length + 1);
    int result = (int)SYS(mkdir(prefix, mode));
    if (result != -ENOENT) return result == -EEXIST ? 0 : result;
    for (size_t i = 1; i <= length; i++) {
        if (prefix[i] != '/' && prefix[i] != '\0') continue;
        char kept = prefix[i];
        prefix[i] = '\0';
        result = (int)SYS(mkdir(prefix, mode));
        if (result < 0 && result != -EEXIST) return result;
        prefix[i] = kept;
    }
    return 0;
}
