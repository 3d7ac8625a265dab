/* The grammar of plans: which op may stand in which phase, what its payload looks like, what the order must be. */
#ifndef ONGGI_PLAN_CHECK_H
#define ONGGI_PLAN_CHECK_H

#include "plan-reader.h"

/* 0, or -errno with the record and the reason in `failure`. */
int plan_check(const struct plan *plan, struct failure *failure);

#endif
