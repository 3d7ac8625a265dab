/*
 * A descriptor that takes another namespace, or other ids, to open: by a child that shares our descriptors and ends when it
 * has answered.
 */
#ifndef ONGGI_APART_H
#define ONGGI_APART_H

#include "failure.h"

/* In the child. A descriptor, or -errno, with `failure` or without. */
typedef int apart_function(const void *request, struct failure *failure);

/* What the function answers; `what` it was to do, for the case that it is killed. */
int apart_open(apart_function *function, const void *request, const char *what, struct failure *failure);

#endif
