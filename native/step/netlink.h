/* Prepared netlink requests, sent and acknowledged one by one (netlink(7)). */
#ifndef ONGGI_NETLINK_H
#define ONGGI_NETLINK_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/*
 * Runs the payload of an OP_NETLINK in the caller's network namespace. The host pid of the init is written into the
 * places that the plan names. 0, or -errno with what was asked and the kernel's extended message in `failure`.
 */
int netlink_run(struct cursor *payload, pid_t init, struct failure *failure);

#endif
