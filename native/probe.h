/*
 * onggi-probe: a static command for containers of tests. Without arguments it prints what it sees of itself as JSON;
 * its subcommands do one thing that a test wants to happen.
 */
#ifndef ONGGI_PROBE_H
#define ONGGI_PROBE_H

/* Prints the report on stdout; the arguments are part of it. */
void probe_report(int count, char **arguments);

/* Each takes the arguments after its name, as many as the table in probe.c says, and returns the exit status. */
int probe_http(char **arguments);
int probe_connect(char **arguments);
int probe_syscalls(char **arguments);

/* A decimal number, or the end of the program with a message. */
long probe_number(const char *text);
/* Prints what failed and ends the program with status 1. */
_Noreturn void probe_die(const char *what);

#endif
