/* What a payload must hold beyond its fields: values that make sense, paths that are absolute, lists that agree. */
#ifndef ONGGI_PLAN_PAYLOAD_H
#define ONGGI_PLAN_PAYLOAD_H

#include "plan-reader.h"

/* What is wrong with a record whose fields are whole, or NULL. */
const char *payload_problem(const struct record *record);

#endif
