/* A program as root of the user namespace that a container has, for work on files of its ids. */
#ifndef ONGGI_ENTER_H
#define ONGGI_ENTER_H

/*
 * onggi-shim --enter PID START-TIME PROGRAM [ARGUMENT...]
 *
 * Enters the user namespace of the process, and no other one of it: nothing of the container is loaded or executed. The
 * program, an absolute path, is executed in the place of this process. @returns the status to end with, 125, 126 or 127, when it could not;
 * why is said on standard error.
 */
int enter_run(int count, char **arguments);

#endif
