/*
 * The descriptor by which a seccomp agent answers for SCMP_ACT_NOTIFY (seccomp_unotify(2)) on its way from the init to
 * the agent.
 *
 *      init                      courier (fork of the init)        shim                       agent
 *        |-- clone, shares memory and descriptors -->|               |                          |
 *        |== seccomp(NEW_LISTENER), its number ======>|              |                          |
 *        |   (makes no system call)   |-- MESSAGE_LISTENER(fd) ----->|-- connect, state, fd --->|
 *        |                            |<-- MESSAGE_DELIVERED --------|-- close                  |
 *        |<== its end, seen in memory |                                                         |
 *        |-- identity, exec: filtered, answered by the agent ---------------------------------->|
 *
 * Every call of the init after the filter is loaded may already be one that waits for the agent's answer, even the one
 * that would send the descriptor. So a courier that is not under the filter sends it.
 */
#ifndef ONGGI_LISTENER_H
#define ONGGI_LISTENER_H

#include "init.h"

/*
 * In the init: loads a filter with SECCOMP_FILTER_FLAG_NEW_LISTENER, given by `load`, and returns when the agent has
 * the descriptor. 0 or -errno.
 */
int listener_install(struct init *init, int (*load)(void *filter), void *filter);

/*
 * In the shim: sends the container process state of OP_SECCOMP and the descriptor to the agent, one per connection
 * (config-linux.md, "listenerPath"). Waits for at most ten seconds. 0 or -errno; the caller says in `failure` which
 * record of the whole plan this is.
 */
int listener_deliver(const struct plan *plan, pid_t init, int listener, struct failure *failure);

#endif
