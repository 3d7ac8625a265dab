/* The CPUs that a process may run on (sched_setaffinity(2)). */
#ifndef ONGGI_AFFINITY_H
#define ONGGI_AFFINITY_H

#include "failure.h"
#include "plan-reader.h"

/* Takes the payload of an OP_CPU_AFFINITY and sets it for this process, whose children inherit it. */
int affinity_set(struct cursor *payload, struct failure *failure);

#endif
