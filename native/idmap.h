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

#endif
