/*
 * The root of a container in a user namespace, made by the keeper: the init, which is root in there only, has neither a
 * way to the store nor privileges over its file system. Where the files have the ids of the container on the disk, each
 * layer is mounted with its ids mapped (mount_setattr(2), MOUNT_ATTR_IDMAP; overlayfs takes such layers since Linux
 * 5.19). Attributes of the overlay are trusted.overlay.*, as everywhere else, since it is no mount of the user namespace's.
 */
#ifndef ONGGI_KEEPER_ROOT_H
#define ONGGI_KEEPER_ROOT_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/* A detached mount as OP_OVERLAY has it, with the ids of the user namespace behind a descriptor, unless that is -1; or -errno. */
int keeper_overlay(struct cursor payload, int namespace, struct failure *failure);

/* The same of OP_ROOT_BIND. */
int keeper_bind(struct cursor payload, int namespace, struct failure *failure);

#endif
