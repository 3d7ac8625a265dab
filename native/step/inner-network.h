/* What the keeper does in the network namespace of an init that does no steps of its own. */
#ifndef ONGGI_INNER_NETWORK_H
#define ONGGI_INNER_NETWORK_H

#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

bool is_inner_network(uint16_t op);

/* OP_INNER_NETLINK or OP_INNER_SYSCTL; the caller comes back from the namespace. 0, or -errno with `failure`. */
int inner_network_run(struct record *record, pid_t init, struct failure *failure);

#endif
