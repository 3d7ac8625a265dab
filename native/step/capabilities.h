/* The five capability sets of a process (capabilities(7)); bit n is capability n. */
#ifndef ONGGI_CAPABILITIES_H
#define ONGGI_CAPABILITIES_H

#include <stdint.h>

#include "failure.h"

struct capability_sets {
    uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* Drops from the bounding set; must come before the identity changes, while CAP_SETPCAP is there. */
int capabilities_bound(const struct capability_sets *sets, struct failure *failure);

/* Sets the other four and then reads all five back: anything but exactly what was asked for is a failure. */
int capabilities_apply(const struct capability_sets *sets, struct failure *failure);

#endif
