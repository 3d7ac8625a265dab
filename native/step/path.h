/*
 * Paths that an image or a container supplies, resolved below a root directory descriptor and never above it:
 * openat2(2) with RESOLVE_IN_ROOT, no magic links. A lookup by string is done once; what follows works on the
 * descriptor. A kernel without openat2 (before 5.6) is refused by its ENOSYS, there is no unsafe fallback.
 */
#ifndef ONGGI_PATH_H
#define ONGGI_PATH_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* `resolve` are RESOLVE_* bits besides those above. A descriptor or -errno. */
int root_open(int root, const char *path, uint64_t flags, uint64_t resolve);

/*
 * O_PATH descriptor of a directory (or, with `file`, a regular file as its last component) that is made when missing,
 * parents with it. Symbolic links are followed inside the root, dangling ones included.
 */
int root_make(int root, const char *path, mode_t mode, bool file);

/* O_PATH descriptor of the parent of `path`, made when missing; `name` receives the last component. */
int root_parent(int root, const char *path, char name[NAME_MAX + 1]);

/* mkdir -p on the host, for paths that the user or the engine chose. */
int host_make_directory(const char *path, mode_t mode);

#endif
