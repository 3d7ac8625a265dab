/* Where mounts go: mount points below the container's root, made when missing, held as descriptors. */
#ifndef ONGGI_TARGET_H
#define ONGGI_TARGET_H

#include <stdbool.h>

#include "init.h"

/*
 * Puts a detached mount on a container path. A missing mount point becomes a directory or, with `file`, an empty file.
 * `strict`: no symbolic link may stand in the path. 0 or -errno; -EPERM for a place in /proc that must stay free.
 */
int target_place(struct init *init, int mount, const char *path, bool file, bool strict);

#endif
