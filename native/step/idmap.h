/* Id maps of a user namespace, written from its parent (user_namespaces(7)). */
#ifndef ONGGI_IDMAP_H
#define ONGGI_IDMAP_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/* Takes the payload of an OP_ID_MAP. */
int idmap_write(struct cursor *payload, pid_t process, struct failure *failure);

/* Takes the two maps alone: of a namespace that nothing will run in, so that setgroups does not matter. */
int idmap_write_maps(struct cursor *payload, pid_t process, struct failure *failure);

/*
 * One map as words, "INSIDE OUTSIDE SIZE ...", which are taken apart: by a program, newuidmap or newgidmap, or by a
 * write(2) of this process when `helper` is "-"; then it is a single line. `name` is "uid_map" or "gid_map".
 */
int idmap_write_words(const char *helper, char *words, pid_t process, const char *name, struct failure *failure);

/* Forbids setgroups(2) for good; without privileges the condition for a map of groups (user_namespaces(7)). */
int idmap_deny_groups(pid_t process, struct failure *failure);

#endif
