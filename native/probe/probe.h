/*
 * onggi-probe: a static command for containers of tests. Without arguments it prints what it sees of itself as JSON;
 * its subcommands do one thing that a test wants to happen.
 */
#ifndef ONGGI_PROBE_H
#define ONGGI_PROBE_H

/* Prints the report on stdout; the arguments are part of it. */
void probe_report(int count, char **arguments);

/*
 * Parts of the report: how the kernel schedules the process; what each `WORD:PATH` of the arguments finds; what each
 * system call named there (ABI:NUMBER...) returns.
 */
void probe_attributes(void);
void probe_paths(char **words);
void probe_calls(char **words);

/* The report's JSON: a key, to be followed by a value; values; a key with its value. */
void probe_key(const char *key);
void probe_string(const char *text);
void probe_strings(const char *key, char **strings);
void probe_field(const char *key, long value);

/* Each takes the arguments after its name, as many as the table in probe.c says, and returns the exit status. */
int probe_http(char **arguments);
int probe_connect(char **arguments);
int probe_syscalls(char **arguments);
int probe_hook(char **arguments);
int probe_swap(char **arguments);
int probe_orders(char **arguments);
int probe_overwrite_exe(char **arguments);
int probe_notify(char **arguments);
int probe_terminal(char **arguments);
int probe_console(char **arguments);

/* A decimal number, or the end of the program with a message. */
long probe_number(const char *text);
/* Prints what failed and ends the program with status 1. */
_Noreturn void probe_die(const char *what);

#endif
