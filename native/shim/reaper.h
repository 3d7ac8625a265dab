/* The command, executed as the init itself or as the child of a pid 1 that reaps orphans (`docker run --init`). */
#ifndef ONGGI_REAPER_H
#define ONGGI_REAPER_H

#include "init.h"

struct command {
    const char *path;
    char **arguments;
    char **environment;
};

/* execve(2) with nothing but stdio left open. Returns only on failure. */
int command_execute(struct init *init, const struct command *command);

/*
 * Stays as this process: forks the command, forwards every signal to it, reaps whatever is orphaned, and ends with
 * the command's exit status (128 + signal if one killed it). Returns only when the command could not be forked.
 * `program`, NULL for none, is this very program as a file of the container: as that it stays, if it can be executed,
 * because criu does not bring back what has been copied from a program outside.
 */
int reaper_run(struct init *init, const struct command *command, const char *program);

/* "--reap PID", executed so: the signals are blocked already. */
_Noreturn void reaper_resume(const char *command);

#endif
