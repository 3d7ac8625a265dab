/* A terminal of a container in the foreground: what is typed goes to its pty, what it writes to stdout. */
#ifndef ONGGI_RELAY_H
#define ONGGI_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum { RELAY_POLLED = 4, RELAY_BYTES = 4096 };

/* Bytes on their way from one descriptor to another. */
struct flow {
    int from, to; /* -1: at its end */
    size_t used;
    char bytes[RELAY_BYTES];
};

struct relay {
    int master; /* -1: none */
    int input, output; /* own open files of stdin and stdout, so that they can be non-blocking */
    bool raw;
    struct termios before;
    struct flow typed, shown;
};

/* Takes the master over; puts stdin, if it is a terminal, into raw mode. */
void relay_open(struct relay *relay, int master);

/* The size of our terminal becomes that of the pty. */
void relay_resize(const struct relay *relay);

/* What to poll for; and what to do after that. */
void relay_fill(const struct relay *relay, struct pollfd polled[RELAY_POLLED]);
void relay_run(struct relay *relay, const struct pollfd polled[RELAY_POLLED]);

/* The last output, for whoever ends the terminal: nobody writes any more, or nobody who counts. */
void relay_finish(struct relay *relay);

/* The terminal as it was. Idempotent. */
void relay_close(struct relay *relay);

#endif
