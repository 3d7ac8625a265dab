/* Hooks of a container: programs that are run to their end at set times, and told its state on stdin. */
#ifndef ONGGI_HOOK_H
#define ONGGI_HOOK_H

#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/*
 * Runs the payload of an OP_HOOK. `pid` is that of the init as the hook sees it; `directory` becomes its working
 * directory, -1 keeps ours; `cancel` is a socket whose closing by the peer ends the hook, -1 for none.
 * 0, or -errno with `failure` set: ECANCELED when it failed or was cancelled and ETIMEDOUT when it took too long, then
 * the text says all; else why it could not be executed.
 */
int hook_run(struct cursor *payload, pid_t pid, int directory, int cancel, struct failure *failure);

#endif
