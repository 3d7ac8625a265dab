/*
 * What the keeper (shim or launcher) and the init say to each other while the container is being made, over a SOCK_SEQPACKET pair: one
 * message, one packet. The init's end is close-on-exec, so end of file after MESSAGE_EXECUTING says that the command
 * runs; end of file before it says that the init died. To the init, end of file says that the keeper died.
 */
#ifndef ONGGI_MESSAGE_H
#define ONGGI_MESSAGE_H

#include <stdint.h>
#include <sys/uio.h>

#include "failure.h"

enum message_type {
    /* keeper to init, the first three in this order */
    MESSAGE_ATTACHED = 1,  /* the attach steps are done */
    MESSAGE_HOOKED = 4,    /* the hooks of the attach phase are done */
    MESSAGE_START = 2,
    MESSAGE_DELIVERED = 3, /* the agent has the listener; the answer to MESSAGE_LISTENER */

    MESSAGE_MOUNT = 5, /* carries a mount that the init could not make itself (source.h); after MESSAGE_ATTACHED */

    /* init to keeper */
    MESSAGE_WARN = 16,
    MESSAGE_CONSOLE = 17, /* carries the master of the pty */
    MESSAGE_MOUNTED = 22, /* waiting for MESSAGE_HOOKED */
    MESSAGE_CREATED = 18, /* waiting for MESSAGE_START */
    MESSAGE_EXECUTING = 19,
    MESSAGE_FAIL = 20,
    MESSAGE_LISTENER = 21, /* carries the listener of the seccomp filter (listener.h) */
    MESSAGE_CRIU = 23, /* carries the keeper's end of the socket of the criu that the init becomes (criu.h) */
};

struct message {
    uint32_t type;
    struct failure failure; /* of WARN and FAIL */
};

/* Sends bytes and a descriptor along with them (SCM_RIGHTS). What was sent of the bytes, or -errno. */
long descriptor_send(int socket, const struct iovec *part, int fd);

/* Sends a message; `fd` is passed along unless it is -1. 0 or -errno. */
int message_send(int socket, uint32_t type, const struct failure *failure, int fd);

/*
 * Receives one: 1, 0 at end of file, -errno (-EAGAIN with nothing there). `fd` may be NULL; else it receives the
 * descriptor that came along, or -1.
 */
int message_receive(int socket, struct message *message, int *fd, int flags);

#endif
