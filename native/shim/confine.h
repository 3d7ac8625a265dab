/*
 * Walls around a process that works on foreign data: a directory as its root, the capabilities to give files away and
 * nothing else, and a filter of system calls without those that start, watch or talk to anything (THREATS, class F).
 */
#ifndef ONGGI_CONFINE_H
#define ONGGI_CONFINE_H

#include <stdbool.h>

#include "failure.h"

/* @trusted: attributes of overlayfs in the name space of root are to be set, which takes CAP_SYS_ADMIN. 0 or -errno. */
int confine(int root, bool trusted, struct failure *failure);

#endif
