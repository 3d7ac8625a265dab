/* Makes one entry of a layer, by its parent's descriptor and one name. Nothing is opened here but directories and new files. */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "remove.h"
#include "syscalls.h"
#include "unpack.h"

/* Bytes of a file that are worth a call. */
enum { WRITEBACK = 1 << 18 };

typedef int (*maker)(struct unpack *unpack, const struct place *place);

static struct failure *failure_of(struct unpack *unpack) {
    return &unpack->failure;
}

static bool stat_entry(const struct place *place, struct stat *status) {
    return fstatat(place->parent->fd, place->name, status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* lsetxattr(2) has no form with a directory, so it is made the working directory: a name alone leads nowhere else. */
static int set_attribute(struct unpack *unpack, const struct place *place, const char *name, struct blob value) {
    int result;
    if (place->parent == NULL) result = (int)SYS(fsetxattr(unpack->root.fd, name, value.bytes, value.length, 0));
    else {
        result = (int)SYS(fchdir(place->parent->fd));
        if (result == 0) result = (int)SYS(lsetxattr(place->name, name, value.bytes, value.length, 0));
    }
    return result;
}

static int mark_opaque(struct unpack *unpack, const struct place *place) {
    const char *name = unpack->trusted ? "trusted.overlay.opaque" : "user.overlay.opaque";
    uint8_t yes[] = {'y'};
    int result = set_attribute(unpack, place, name, (struct blob){yes, 1});
    return result < 0 ? fail(failure_of(unpack), result, "set attribute \"%s\" of \"%s\"", name, place->name) : 0;
}

/* Makes an entry; one of the same name that came earlier in this archive gives way, as with every tar. */
static int make(struct unpack *unpack, const struct place *place, maker create, const char *tried) {
    int result = create(unpack, place);
    struct stat found = {0};
    if (result != -EEXIST || !stat_entry(place, &found))
        return result < 0 ? fail(failure_of(unpack), result, "%s \"%s\"", tried, place->name) : result;
    result = remove_at(place->parent->fd, place->name, NULL);
    if (result < 0) return fail(failure_of(unpack), result, "remove \"%s\"", place->name);
    int made = create(unpack, place);
    if (made < 0) return fail(failure_of(unpack), made, "%s \"%s\"", tried, place->name);
    if (S_ISDIR(found.st_mode)) unpack_replaced(unpack);
    /* What the lower layers have there stays hidden. */
    bool was_whiteout = S_ISSOCK(found.st_mode) || (S_ISCHR(found.st_mode) && found.st_rdev == 0);
    if (was_whiteout && unpack->entry.kind == DIRECTORY) result = mark_opaque(unpack, place);
    return result < 0 ? result : made;
}

static int make_file(struct unpack *unpack, const struct place *place) {
    const mode_t mode = unpack->entry.mode & 0777;
    return (int)SYS(openat(place->parent->fd, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
}

static int make_directory(struct unpack *unpack, const struct place *place) {
    return (int)SYS(mkdirat(place->parent->fd, place->name, unpack->entry.mode & 0777));
}

static int make_symlink(struct unpack *unpack, const struct place *place) {
    return (int)SYS(symlinkat(unpack->entry.link, place->parent->fd, place->name));
}

static int make_node(struct unpack *unpack, const struct place *place) {
    static const mode_t types[KINDS] = {[CHARACTER] = S_IFCHR, [BLOCK] = S_IFBLK, [FIFO] = S_IFIFO};
    const struct entry *entry = &unpack->entry;
    return (int)SYS(mknodat(place->parent->fd, place->name, types[entry->kind] | (entry->mode & 0777), entry->device));
}

static int owner_failure(struct unpack *unpack, int result, const char *tried) {
    const struct entry *entry = &unpack->entry;
    /* chown(2) has no other use of it: the user namespace does not know the id. */
    if (result == -EINVAL) return unpack_refuse(unpack, FOREIGN_OWNER, "%u:%u", entry->uid, entry->gid);
    return fail(failure_of(unpack), result, "%s", tried);
}

static bool is_given(const struct entry *entry, bool plain) {
    return plain && entry->uid == 0 && entry->gid == 0;
}

static bool is_moded(const struct unpack *unpack, bool plain) {
    return plain && !unpack->inherits && (unpack->entry.mode & 07000) == 0;
}

/* Owner first: to change it takes set-id bits and capabilities away. */
static int give(struct unpack *unpack, const struct place *place, bool fresh) {
    const struct entry *entry = &unpack->entry;
    const bool plain = fresh && place->parent != NULL && place->parent->plain;
    const bool is_root = place->parent == NULL;
    const int root = unpack->root.fd;
    int result = 0;
    if (is_root) result = (int)SYS(fchown(root, entry->uid, entry->gid));
    else if (!is_given(entry, plain))
        result = (int)SYS(fchownat(place->parent->fd, place->name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW));
    if (result < 0) return owner_failure(unpack, result, "change owner of an entry");
    if (entry->kind == SYMLINK || is_moded(unpack, plain)) return 0;
    result = is_root ? (int)SYS(fchmod(root, entry->mode)) : unpack_chmod(place->parent->fd, place->name, entry->mode);
    return result < 0 ? fail(failure_of(unpack), result, "change mode of \"%s\"", place->name) : 0;
}

/* What the directory handed on is not what the archive says. */
static void drop_inherited(const struct unpack *unpack, const struct place *place) {
    if (!unpack->inherits || place->parent == NULL || fchdir(place->parent->fd) != 0) return;
    lremovexattr(place->name, "system.posix_acl_access");
    lremovexattr(place->name, "system.posix_acl_default");
}

static int set_attributes(struct unpack *unpack, const struct place *place, int file) {
    struct cursor *rest = &unpack->entry.rest;
    for (uint32_t i = 0; i < unpack->entry.attributes; i++) {
        const char *name = take_string(rest);
        struct blob value = take_blob(rest);
        if (rest->bad) return fail(failure_of(unpack), EBADMSG, "read the attributes of an entry");
        int result = file >= 0 ? (int)SYS(fsetxattr(file, name, value.bytes, value.length, 0))
                               : set_attribute(unpack, place, name, value);
        /* The file system has no such attributes: all but capabilities are hints, and Docker goes on too. */
        if (result == -EOPNOTSUPP && strcmp(name, "security.capability") != 0) continue;
        if (result < 0) return fail(failure_of(unpack), result, "set attribute \"%s\"", name);
        if (strcmp(name, "system.posix_acl_default") == 0) unpack->inherits = true;
    }
    return 0;
}

static bool is_directory(const struct place *place) {
    struct stat status;
    return place->parent == NULL || (stat_entry(place, &status) && S_ISDIR(status.st_mode));
}

/* Makes a directory, or describes one again. */
static int describe(struct unpack *unpack, const struct place *place) {
    bool fresh = place->parent != NULL;
    int result = fresh ? make_directory(unpack, place) : 0;
    if (result == -EEXIST) {
        fresh = !is_directory(place);
        result = fresh ? make(unpack, place, make_directory, "make directory") : 0;
    } else if (result < 0) fail(failure_of(unpack), result, "make directory \"%s\"", place->name);
    if (result < 0) return result;
    if (fresh) drop_inherited(unpack, place);
    result = give(unpack, place, fresh);
    if (result == 0) result = set_attributes(unpack, place, -1);
    if (!fresh) unpack_described(unpack);
    return result < 0 ? result : unpack_note(unpack, unpack->path, true, unpack->entry.modified);
}

/* Symbolic links, devices and FIFOs: made by name, never opened. */
static int make_special(struct unpack *unpack, const struct place *place) {
    const struct entry *entry = &unpack->entry;
    const struct timespec times[] = {entry->modified, entry->modified};
    const bool is_link = entry->kind == SYMLINK;
    /* Nobody could make it, and a container has a /dev of its own; Docker and Podman do without it too. */
    if ((entry->kind == CHARACTER || entry->kind == BLOCK) && !unpack->trusted) return 0;
    int result = make(unpack, place, is_link ? make_symlink : make_node, is_link ? "link" : "make node");
    if (result < 0) return result;
    drop_inherited(unpack, place);
    result = give(unpack, place, true);
    if (result == 0) result = set_attributes(unpack, place, -1);
    if (result < 0) return result;
    result = (int)SYS(utimensat(place->parent->fd, place->name, times, AT_SYMLINK_NOFOLLOW));
    return result < 0 ? fail(failure_of(unpack), result, "set times of \"%s\"", place->name) : 0;
}

static int make_link(struct unpack *unpack, const struct place *place) {
    return (int)SYS(linkat(unpack->link_directory, unpack->link_name, place->parent->fd, place->name, 0));
}

/* The target is a path inside this layer; links on its way stay inside, the last is not followed. */
static int make_hardlink(struct unpack *unpack, const struct place *place) {
    const char *path = unpack->entry.link;
    const struct held *parent;
    struct stat status;
    if (path[0] == '\0' || strcmp(path, unpack->path) == 0)
        return unpack_refuse(unpack, CORRUPT, "hard link to \"%s\"", path);
    const char *slash = strrchr(path, '/');
    char above[PATH_MAX + 1] = "";
    if (slash != NULL) memcpy(above, path, (size_t)(slash - path));
    int result = unpack_directory(unpack, above, false, &parent);
    if (result < 0) failure_clear(failure_of(unpack));
    const struct place found = {.parent = parent, .name = slash == NULL ? path : slash + 1};
    if (result < 0 || !stat_entry(&found, &status))
        return unpack_refuse(unpack, CORRUPT, "hard link to \"%s\", which is not in this layer", path);
    if (S_ISDIR(status.st_mode)) return unpack_refuse(unpack, CORRUPT, "hard link to directory \"%s\"", path);
    unpack->link_directory = parent->fd;
    unpack->link_name = found.name;
    return make(unpack, place, make_link, "link");
}

static int begin_file(struct unpack *unpack, const struct place *place) {
    int result = make(unpack, place, make_file, "create");
    if (result < 0) return result;
    unpack->file = result;
    unpack->file_plain = place->parent->plain;
    unpack->holes = false;
    drop_inherited(unpack, place);
    return 0;
}

int unpack_file_end(struct unpack *unpack) {
    const struct entry *entry = &unpack->entry;
    const struct timespec times[] = {entry->modified, entry->modified};
    if (unpack->file < 0) return 0;
    const int file = unpack->file;
    int result = unpack->holes ? (int)SYS(ftruncate(file, (off_t)entry->size)) : 0;
    if (result < 0) return fail(failure_of(unpack), result, "set the length of a file");
    if (!is_given(entry, unpack->file_plain)) result = (int)SYS(fchown(file, entry->uid, entry->gid));
    if (result < 0) return owner_failure(unpack, result, "change owner of a file");
    if (!is_moded(unpack, unpack->file_plain)) result = (int)SYS(fchmod(file, entry->mode));
    if (result < 0) return fail(failure_of(unpack), result, "change mode of a file");
    result = set_attributes(unpack, NULL, file);
    /* Last: a write changes the times. */
    if (result == 0) {
        result = (int)SYS(futimens(file, times));
        if (result < 0) return fail(failure_of(unpack), result, "set times of a file");
    }
    /* The disk begins now: whoever publishes the layer syncs it, and would wait for all of it at once. */
    if (entry->size >= WRITEBACK) SYS(sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE));
    unpack->file = -1;
    close(file);
    return result;
}

int unpack_entry(struct unpack *unpack) {
    struct place place;
    int result = unpack_place(unpack, unpack->path, true, &place);
    if (result < 0) return result;
    const uint32_t kind = unpack->entry.kind;
    if (kind == DIRECTORY) return describe(unpack, &place);
    if (place.parent == NULL) return fail(failure_of(unpack), EBADMSG, "make the root of the layer");
    if (kind == HARDLINK) return make_hardlink(unpack, &place);
    return kind == FILE_ENTRY ? begin_file(unpack, &place) : make_special(unpack, &place);
}

/*
 * As overlayfs has it; or where the file system refuses that device, overlayfs itself above all, what no layer has: a
 * socket, of a mode that nobody else gives one (whiteout.ts knows it).
 */
static int make_whiteout(const struct place *place) {
    enum { STRANGE_MODE = 05001 };
    int result = (int)SYS(mknodat(place->parent->fd, place->name, S_IFCHR, makedev(0, 0)));
    if (result != -EPERM) return result;
    return (int)SYS(mknodat(place->parent->fd, place->name, S_IFSOCK | STRANGE_MODE, 0));
}

/* It hides what is below, never what this layer itself brings. */
int unpack_whiteout(struct unpack *unpack) {
    struct place place;
    struct stat status;
    int result = unpack_place(unpack, unpack->path, true, &place);
    if (result < 0) return result;
    if (stat_entry(&place, &status)) return S_ISDIR(status.st_mode) ? mark_opaque(unpack, &place) : 0;
    result = make_whiteout(&place);
    return result < 0 ? fail(failure_of(unpack), result, "make character node \"%s\"", place.name) : 0;
}

int unpack_opaque(struct unpack *unpack) {
    struct place place;
    const struct held *held;
    int result = unpack_place(unpack, unpack->path, true, &place);
    if (result == 0) result = unpack_directory(unpack, unpack->path, true, &held);
    /* The directory may have made its parent give way in the list of what is open. */
    if (result == 0) result = unpack_place(unpack, unpack->path, false, &place);
    return result < 0 ? result : mark_opaque(unpack, &place);
}
