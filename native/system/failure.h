/*
 * Why a step failed: where in the plan, the errno, and what was being done (`mount "proc" on "/proc"`). The errno is
 * not part of the text; whoever prints it adds its words.
 */
#ifndef ONGGI_FAILURE_H
#define ONGGI_FAILURE_H

#include <stdint.h>

#define FAILURE_TEXT 480

struct failure {
    uint32_t phase;
    uint32_t index; /* of the record in the whole plan */
    uint32_t error; /* errno; 0 when nothing has failed */
    char text[FAILURE_TEXT];
};

/*
 * Notes a failure and returns -error, so that a step can `return fail(...)`. An earlier text of the same step is
 * kept: the innermost function knows best. `error` may be given as errno or as -errno.
 */
int fail(struct failure *failure, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Forgets what was noted, for a step that goes on after a failure. */
void failure_clear(struct failure *failure);

#endif
