/*
 * Sources of binds, and roots, whose ids are mapped (mount_setattr(2), MOUNT_ATTR_IDMAP). That takes privileges over the file
 * system's own user namespace, which an init in a user namespace has not: the keeper makes such mounts, detached, and
 * passes their descriptors to the init. So are sources that are mounted in another container only (MAP_FOREIGN).
 */
#ifndef ONGGI_SOURCE_H
#define ONGGI_SOURCE_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/* The first part of OP_BIND. */
struct bind_source {
    const char *path;
    bool recursive;
    uint32_t mapping; /* enum bind_mapping */
    bool mapping_recursive;
    struct cursor maps; /* as those of OP_ID_MAP */
};

/*
 * A process in a user namespace of the given maps, as those of OP_ID_MAP, which does nothing; or -errno with `failure`.
 * The namespace lives as long as a descriptor of it does, too.
 */
pid_t user_namespace_hold(struct cursor maps, struct failure *failure);
void user_namespace_release(pid_t holder);

/* A detached clone of the source's mount, or of what is at `below` in it: no link of that leads out. Or -errno. */
int bind_source_open(const struct bind_source *source, const char *below);

void bind_source_read(struct cursor *payload, struct bind_source *source);

/*
 * Before the init becomes root in there, and can be seen no more: its user namespace, where an ordinary user opens mounts for
 * it; else -1. 0, or -errno with `failure`.
 */
int bind_sources_namespace(const struct plan *plan, pid_t process, int *namespace, struct failure *failure);

/*
 * Makes the mounts that `process`, the init, waits for and sends them to it over `report`, in the order of its steps.
 * 0, or -errno with `failure`; an init that has died meanwhile is no failure.
 */
int bind_sources_send(const struct plan *plan, pid_t process, int namespace, int report, struct failure *failure);

#endif
