/*
 * One connection to the attach socket: its two buffers and the framing of protocol.h. Both buffers have a fixed size;
 * a client that does not read fills its own, and then the container's output waits.
 */
#ifndef ONGGI_CLIENT_H
#define ONGGI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "protocol.h"

enum {
    CLIENT_INPUT = 4096,
    CLIENT_OUTPUT = 40 << 10,
    /* Kept free of output, for the frames that tell of states, failures and the exit. */
    CLIENT_RESERVE = 8 << 10,
};

struct client {
    int fd;
    uint32_t pid, uid; /* of the peer, by SO_PEERCRED */
    bool greeted;      /* has said HELLO */
    uint8_t flags;     /* enum hello_flag */
    bool wrote_stdin;
    bool stalled;        /* its stdin bytes wait for the container to read */
    bool hung_up;        /* closed by the peer: takes no more output, but what it has written still counts */
    uint32_t stdin_left; /* bytes of the present STDIN frame that are still to come */
    size_t input_used;
    size_t output_used;
    char input[CLIENT_INPUT];
    char output[CLIENT_OUTPUT];
};

/* A client on an accepted descriptor, which it owns from then on; NULL without memory or credentials. */
struct client *client_open(int fd);
void client_close(struct client *client);

/* Whether the peer may use the socket: root or the shim's own user. */
bool client_trusted(const struct client *client);

/* Queues a frame and sends what the socket takes; false when the buffer is too full. To one that hung up: nothing. */
bool client_send(struct client *client, uint8_t type, const void *payload, size_t length);

/* Sends queued bytes; notes when the peer is gone. */
void client_flush(struct client *client);

/* Notes that the peer is gone. */
void client_hang_up(struct client *client);

/* Bytes of output that one more frame may carry. */
size_t client_room(const struct client *client);

/* Reads into the input buffer: bytes now there, 0 at end of file, -EAGAIN, or another -errno. */
int client_read(struct client *client);

/* Drops the first bytes of the input buffer. */
void client_consume(struct client *client, size_t length);

#endif
