/*
 * The fifos by which a container that was left alone is started: PATH takes the frame START, PATH.reply answers with
 * WARN*, STATUS(running), FAIL and, by the exec, end of file. Who has write permission can start, so they are 0600.
 */
#ifndef ONGGI_START_FIFO_H
#define ONGGI_START_FIFO_H

#include "failure.h"

/* Makes both and opens the init's ends: `start` for reading, `reply` for writing. 0 or -errno. */
int start_fifos_make(const char *path, int *start, int *reply, struct failure *failure);

/* What is not there is no failure. */
void start_fifos_remove(const char *path);

#endif
