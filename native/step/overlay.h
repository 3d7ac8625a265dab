/* The root file system out of layers. */
#ifndef ONGGI_OVERLAY_H
#define ONGGI_OVERLAY_H

#include "failure.h"
#include "plan-reader.h"

/* OP_OVERLAY; the lists stand in the plan. */
struct overlay {
    const char *directory, *upper, *work, *target;
    struct cursor lower, others;
    uint32_t flags;
    uint32_t mapping; /* enum bind_mapping */
};

void overlay_read(struct cursor *payload, struct overlay *overlay);

/* Mounts it on its target; the working directory is another one then. 0, or -errno with `failure`. */
int overlay_mount(const struct overlay *overlay, struct failure *failure);

#endif
