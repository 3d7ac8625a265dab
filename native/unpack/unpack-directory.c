/* The directories of a layer: found inside it only, made when a file comes before its directory, kept open for the next entry. */
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "scoped.h"
#include "syscalls.h"
#include "unpack.h"

int unpack_count(struct unpack *unpack) {
    if (++unpack->entries <= unpack->entries_max) return 0;
    return unpack_refuse(unpack, TOO_MANY, "over %llu entries and directories", (unsigned long long)unpack->entries_max);
}

/* A directory with the group or the set-group-id bit of somebody hands it on. */
static bool is_plain(const struct unpack *unpack, int directory) {
    struct stat status;
    if (!unpack->as_root || fstat(directory, &status) != 0) return false;
    return status.st_gid == 0 && (status.st_mode & S_ISGID) == 0;
}

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6; the same number on every architecture */
#endif

int unpack_chmod(int directory, const char *name, mode_t mode) {
    int result = (int)SYS(syscall(SYS_fchmodat2, directory, name, mode, AT_SYMLINK_NOFOLLOW));
    if (result != -ENOSYS && result != -EPERM) return result;
    scoped_fd fd = (int)SYS(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    /* A device or FIFO, made with its mode but for set-id bits, which mean nothing there. */
    if (fd == -ENOTDIR) return 0;
    return fd < 0 ? fd : (int)SYS(fchmod(fd, mode));
}

static void drop(struct held *held) {
    free(held->path);
    held->path = NULL;
    drop_fd(&held->fd);
}

static struct held *find_open(struct unpack *unpack, const char *path) {
    const size_t length = strlen(path);
    for (int i = 0; i < OPEN_DIRECTORIES; i++) {
        struct held *held = &unpack->open[i];
        if (held->path == NULL || held->length != length || memcmp(held->path, path, length) != 0) continue;
        held->used = ++unpack->clock;
        return held;
    }
    return NULL;
}

/* Takes the descriptor; the one that was not used for longest makes room. */
static int keep(struct unpack *unpack, const char *path, int fd, const struct held **kept) {
    struct held *oldest = &unpack->open[0];
    for (int i = 1; i < OPEN_DIRECTORIES; i++) {
        struct held *held = &unpack->open[i];
        if (held->fd == -1 ? oldest->fd != -1 : oldest->fd != -1 && held->used < oldest->used) oldest = held;
    }
    drop(oldest);
    oldest->path = strdup(path);
    if (oldest->path == NULL) return close(fd), fail(&unpack->failure, ENOMEM, "keep a directory");
    oldest->length = strlen(path);
    oldest->fd = fd;
    oldest->plain = is_plain(unpack, fd);
    oldest->used = ++unpack->clock;
    *kept = oldest;
    return 0;
}

static int open_directory(const struct unpack *unpack, const char *path) {
    return root_open(unpack->root.fd, path, O_RDONLY | O_DIRECTORY, 0);
}

static const char *last_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int make_missing(struct unpack *unpack, char *path, const struct held **held);

/* `path` is changed on the way, and is as before in the end. */
static int find_parent(struct unpack *unpack, char *path, bool make, const struct held **held) {
    char *slash = strrchr(path, '/');
    *held = &unpack->root;
    if (slash == NULL) return 0;
    *slash = '\0';
    *held = find_open(unpack, path);
    int result = 0;
    if (*held == NULL) {
        int fd = open_directory(unpack, path);
        if (fd >= 0) result = keep(unpack, path, fd, held);
        else if (fd == -ENOENT && make) result = make_missing(unpack, path, held);
        else result = fail(&unpack->failure, fd, "open \"%s\"", path);
    }
    *slash = '/';
    return result;
}

static int make_missing(struct unpack *unpack, char *path, const struct held **held) {
    const struct held *parent;
    int result = unpack_count(unpack);
    if (result == 0) result = find_parent(unpack, path, true, &parent);
    if (result < 0) return result;
    const char *name = last_of(path);
    result = (int)SYS(mkdirat(parent->fd, name, 0755));
    if (result < 0) return fail(&unpack->failure, result, "make directory \"%s\"", name);
    if (!parent->plain) result = unpack_chmod(parent->fd, name, 0755);
    if (result < 0) return fail(&unpack->failure, result, "change mode of \"%s\"", name);
    /* It can be one that was described, replaced and is now made again by the way. */
    result = unpack_note(unpack, path, false, (struct timespec){0});
    if (result < 0) return result;
    int fd = open_directory(unpack, path);
    return fd < 0 ? fail(&unpack->failure, fd, "open \"%s\"", path) : keep(unpack, path, fd, held);
}

static void close_replaced(struct unpack *unpack) {
    for (int i = 0; i < OPEN_DIRECTORIES; i++) {
        if (unpack->open[i].path == NULL) drop_fd(&unpack->open[i].fd);
    }
}

int unpack_directory(struct unpack *unpack, const char *path, bool make, const struct held **held) {
    char below[PATH_MAX + 3];
    *held = &unpack->root;
    if (path[0] == '\0') return 0;
    size_t length = strlen(path);
    if (length > PATH_MAX) return fail(&unpack->failure, ENAMETOOLONG, "open a directory");
    memcpy(below, path, length);
    memcpy(below + length, "/x", 3);
    return find_parent(unpack, below, make, held);
}

int unpack_place(struct unpack *unpack, const char *path, bool make, struct place *place) {
    char copy[PATH_MAX + 1];
    close_replaced(unpack);
    *place = (struct place){.name = path};
    if (path[0] == '\0') return 0;
    size_t length = strlen(path);
    if (length > PATH_MAX) return fail(&unpack->failure, ENAMETOOLONG, "open a directory");
    memcpy(copy, path, length + 1);
    place->name = last_of(path);
    return find_parent(unpack, copy, make, &place->parent);
}

void unpack_described(struct unpack *unpack) {
    unpack->root.plain = is_plain(unpack, unpack->root.fd);
    for (int i = 0; i < OPEN_DIRECTORIES; i++) unpack->open[i].plain = false;
}

/* Other paths may lead to the same directory through a link, so all are opened anew. */
void unpack_replaced(struct unpack *unpack) {
    for (int i = 0; i < OPEN_DIRECTORIES; i++) {
        free(unpack->open[i].path);
        unpack->open[i].path = NULL;
    }
}

int unpack_note(struct unpack *unpack, const char *path, bool described, struct timespec modified) {
    if (unpack->noted == unpack->notes_room) {
        uint32_t room = unpack->notes_room == 0 ? 256 : 2 * unpack->notes_room;
        struct note *notes = realloc(unpack->notes, room * sizeof *notes);
        if (notes == NULL) return fail(&unpack->failure, ENOMEM, "keep the times of directories");
        unpack->notes = notes;
        unpack->notes_room = room;
    }
    char *copy = strdup(path);
    if (copy == NULL) return fail(&unpack->failure, ENOMEM, "keep the times of directories");
    unpack->notes[unpack->noted] = (struct note){.path = copy, .modified = modified, .described = described, .order = unpack->noted};
    unpack->noted++;
    return 0;
}

/* By path, what was said last comes first. */
static int by_path(const void *first, const void *second) {
    const struct note *a = first, *b = second;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : a->order < b->order ? 1 : -1;
}

static uint32_t depth_of(const char *path) {
    uint32_t depth = path[0] != '\0';
    for (; *path != '\0'; path++) depth += *path == '/';
    return depth;
}

static int by_depth(const void *first, const void *second) {
    const struct note *a = first, *b = second;
    uint32_t left = depth_of(a->path), right = depth_of(b->path);
    if (left != right) return left < right ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* A directory that was noted may have been replaced since. */
static bool find_again(struct unpack *unpack, const char *path, struct place *place) {
    struct stat status;
    if (unpack_place(unpack, path, false, place) < 0) {
        failure_clear(&unpack->failure);
        return false;
    }
    if (place->parent == NULL) return true;
    return fstatat(place->parent->fd, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

static int set_time(struct unpack *unpack, const struct place *place, struct timespec modified) {
    struct timespec times[] = {modified, modified};
    int result = (int)(place->parent == NULL ? SYS(futimens(unpack->root.fd, times))
                                             : SYS(utimensat(place->parent->fd, place->name, times, AT_SYMLINK_NOFOLLOW)));
    return result < 0 ? fail(&unpack->failure, result, "set times of \"%s\"", place->name) : 0;
}

int unpack_set_times(struct unpack *unpack) {
    uint32_t left = 0;
    int result = 0;
    if (unpack->noted == 0) return 0;
    qsort(unpack->notes, unpack->noted, sizeof *unpack->notes, by_path);
    for (uint32_t i = 0; i < unpack->noted; i++) {
        struct note *note = &unpack->notes[i];
        struct place place;
        bool last = i == 0 || strcmp(unpack->notes[i - 1].path, note->path) != 0;
        if (!last || result < 0 || !find_again(unpack, note->path, &place)) continue;
        if (note->described) result = set_time(unpack, &place, note->modified);
        else note->left = true;
    }
    /* Paths are compared above, so they are freed here only. */
    for (uint32_t i = 0; i < unpack->noted; i++) {
        if (unpack->notes[i].left) unpack->notes[left++] = unpack->notes[i];
        else free(unpack->notes[i].path);
    }
    unpack->noted = left;
    if (left > 0) qsort(unpack->notes, left, sizeof *unpack->notes, by_depth);
    return result;
}

void unpack_free(struct unpack *unpack) {
    for (int i = 0; i < OPEN_DIRECTORIES; i++) drop(&unpack->open[i]);
    for (uint32_t i = 0; i < unpack->noted; i++) free(unpack->notes[i].path);
    free(unpack->notes);
    drop_fd(&unpack->file);
}
