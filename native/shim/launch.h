/* What both keepers do, shim and launcher: the steps of the plan that are not the init's. */
#ifndef ONGGI_LAUNCH_H
#define ONGGI_LAUNCH_H

#include <sys/types.h>

#include "ending.h"
#include "failure.h"
#include "plan-reader.h"

/* Is told of a step that was gone without. */
typedef void warn_function(void *keeper, const struct failure *failure);

/* The steps of the phase prepare. 0, or -errno with `failure`. */
int launch_prepare(const struct plan *plan, warn_function *warn, void *keeper, struct failure *failure);

/* The steps of the phase attach less the hooks. 0, or -errno with `failure`. */
int launch_attach_steps(const struct plan *plan, pid_t init, struct failure *failure);

/* Tells the init at the other end of `report` that they are done, and gives it what it can't open itself. */
int launch_release(const struct plan *plan, pid_t init, int report, struct failure *failure);

/* The steps of the phase attach less the hooks; then the init at the other end of `report` is told. */
int launch_attach(const struct plan *plan, pid_t init, int report, struct failure *failure);

/* The hooks of the phase attach, when the init has sent MESSAGE_MOUNTED; then it is told. `cancel` as in hook_run. */
int launch_hooks(const struct plan *plan, pid_t init, int report, int cancel, struct failure *failure);

/*
 * Brings the descriptor of MESSAGE_LISTENER to the agent of the filter, record `index` of the whole plan; then the init
 * is told. Without the agent its calls would wait for ever.
 */
int launch_deliver(const struct plan *plan, uint32_t index, pid_t init, int report, int listener,
                   struct failure *failure);

/* The steps of the phase cleanup; `skipped` records before them are no longer in the plan. Whether all succeeded. */
bool launch_clean_up(const struct plan *plan, uint32_t skipped, warn_function *warn, void *keeper);

/* Exit code, signal and core dump of a wait status. */
void launch_conclude(struct ending *ending, int status);

/* The reason why an init has died that has not given any. */
void launch_died(struct failure *failure, int status);

#endif
