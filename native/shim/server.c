/* The attach socket: who may connect, which frame is due in which state, what everybody is told. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "frame.h"
#include "shim.h"
#include "syscalls.h"

static bool send_status(const struct shim *shim, struct client *client) {
    unsigned char payload[STATUS_BYTES];
    size_t length = status_payload(payload, shim->state, shim->init, shim->start_time);
    return client_send(client, FRAME_STATUS, payload, length);
}

static bool send_failure(struct client *client, uint8_t type, const struct failure *failure) {
    unsigned char payload[FAILURE_BYTES];
    return client_send(client, type, payload, failure_payload(payload, failure));
}

static bool send_exit(const struct shim *shim, struct client *client) {
    unsigned char payload[EXIT_BYTES];
    return client_send(client, FRAME_EXIT, payload, exit_payload(payload, &shim->ending));
}

/* Everything that has happened so far. */
static bool greet(struct shim *shim, struct client *client, uint8_t flags) {
    client->greeted = true;
    client->flags = flags;
    shim->met = true;
    bool sent = true;
    for (uint32_t i = 0; i < shim->warning_count && sent; i++) sent = send_failure(client, FRAME_WARN, &shim->warnings[i]);
    if (sent) sent = send_status(shim, client);
    if (sent && shim->ending.failure.error != 0) sent = send_failure(client, FRAME_FAIL, &shim->ending.failure);
    if (sent && shim->announced) sent = send_exit(shim, client);
    return sent;
}

void server_broadcast(struct shim *shim, uint8_t type, const void *payload, size_t length) {
    for (size_t i = shim->client_count; i > 0; i--) {
        struct client *client = shim->clients[i - 1];
        if (client->greeted && !client_send(client, type, payload, length)) server_drop(shim, client);
    }
}

void server_status(struct shim *shim) {
    for (size_t i = shim->client_count; i > 0; i--) {
        struct client *client = shim->clients[i - 1];
        if (client->greeted && !send_status(shim, client)) server_drop(shim, client);
    }
}

void server_failure(struct shim *shim, uint8_t type, const struct failure *failure) {
    for (size_t i = shim->client_count; i > 0; i--) {
        struct client *client = shim->clients[i - 1];
        if (client->greeted && !send_failure(client, type, failure)) server_drop(shim, client);
    }
}

void server_exit(struct shim *shim) {
    for (size_t i = shim->client_count; i > 0; i--) {
        struct client *client = shim->clients[i - 1];
        if (client->greeted && !send_exit(shim, client)) server_drop(shim, client);
    }
}

static bool feeds(const struct client *client) {
    return client->wrote_stdin || (client->flags & HELLO_STDIN) != 0;
}

void server_drop(struct shim *shim, struct client *client) {
    for (size_t i = 0; i < shim->client_count; i++) {
        if (shim->clients[i] != client) continue;
        shim->clients[i] = shim->clients[--shim->client_count];
        break;
    }
    if (feeds(client) && shim->options.stdin_once) shim->leaver = client->pid;
    client_close(client);
}

void server_end_input(struct shim *shim) {
    if (shim->leaver == 0) return;
    while (server_accept(shim)) {}
    for (size_t i = 0; i < shim->client_count; i++) {
        const struct client *client = shim->clients[i];
        if (client->pid == shim->leaver && (!client->greeted || feeds(client))) return;
    }
    shim->leaver = 0;
    sink_close(shim);
}

bool server_accept(struct shim *shim) {
    int fd = (int)SYS(accept4(shim->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd < 0) return false;
    if (shim->client_count == CLIENTS_MAX) {
        close(fd);
        return true;
    }
    struct client *client = client_open(fd);
    if (client == NULL) return true;
    if (client_trusted(client)) shim->clients[shim->client_count++] = client;
    else client_close(client);
    return true;
}

enum { LINGER_MAX_MS = 60000 };

/* Length that a frame of this type must have; -1: up to FRAME_MAX, -2: no such type. */
static int frame_length(uint8_t type) {
    switch (type) {
    case FRAME_HELLO:
    case FRAME_STDIN_EOF:
    case FRAME_START:
    case FRAME_CHECK:
    case FRAME_KILL_ALL: return 0;
    case FRAME_RESIZE:
    case FRAME_LINGER:
    case FRAME_SIGNAL: return 4;
    case FRAME_STDIN: return -1;
    default: return -2;
    }
}

/* Whether a frame is due: HELLO first and once, START once and only where the plan waits for it. */
static bool frame_due(const struct shim *shim, const struct client *client, uint8_t type) {
    if (type == FRAME_HELLO) return !client->greeted;
    if (type == FRAME_START) return client->greeted && shim->waits && !shim->start_wanted;
    return client->greeted;
}

static bool signal_init(struct shim *shim, const struct client *client, uint32_t number) {
    if (number < 1 || number > 64) return false;
    struct sender sender = {client->pid, client->uid, number};
    lifecycle_signal(shim, &sender);
    return true;
}

/* Acts on a whole frame that is not STDIN. False ends the connection. */
static bool act(struct shim *shim, struct client *client, uint8_t type, uint8_t flags, const char *payload) {
    switch (type) {
    case FRAME_HELLO: return greet(shim, client, flags);
    case FRAME_STDIN_EOF: sink_close(shim); return true;
    case FRAME_RESIZE: terminal_resize(shim, frame_u16(payload), frame_u16(payload + 2)); return true;
    case FRAME_SIGNAL: return signal_init(shim, client, frame_u32(payload));
    case FRAME_START: lifecycle_start(shim); return true;
    case FRAME_CHECK: return health_ask(shim);
    case FRAME_LINGER: {
        uint32_t milliseconds = frame_u32(payload);
        if (milliseconds > LINGER_MAX_MS) return false;
        shim->linger_ms = milliseconds;
        return true;
    }
    case FRAME_KILL_ALL: {
        shim->ending.sender = (struct sender){client->pid, client->uid, SIGKILL};
        lifecycle_kill(shim);
        return true;
    }
    default: return false;
    }
}

enum progress { PROGRESS, WAIT, REFUSE };
enum { READS_PER_TURN = 16 };

static enum progress feed_stdin(struct shim *shim, struct client *client) {
    size_t length = client->stdin_left < client->input_used ? client->stdin_left : client->input_used;
    if (length == 0) return WAIT;
    size_t taken = sink_write(shim, client->input, length);
    client->stalled = taken == 0;
    if (taken == 0) return WAIT;
    client->wrote_stdin = true;
    client->stdin_left -= (uint32_t)taken;
    client_consume(client, taken);
    return PROGRESS;
}

static enum progress take_frame(struct shim *shim, struct client *client) {
    if (client->stdin_left > 0) return feed_stdin(shim, client);
    if (client->input_used < FRAME_HEADER) return WAIT;
    uint8_t type = (uint8_t)client->input[0], flags = (uint8_t)client->input[1];
    uint32_t length = frame_u32(client->input + 4);
    int wanted = frame_length(type);
    if (client->input[2] != 0 || client->input[3] != 0 || length > FRAME_MAX) return REFUSE;
    if (wanted == -2 || (wanted >= 0 && length != (uint32_t)wanted) || !frame_due(shim, client, type)) return REFUSE;
    if (type == FRAME_STDIN) {
        client->stdin_left = length;
        client_consume(client, FRAME_HEADER);
        return PROGRESS;
    }
    if (client->input_used < FRAME_HEADER + length) return WAIT;
    char payload[4] = {0};
    memcpy(payload, client->input + FRAME_HEADER, length);
    client_consume(client, FRAME_HEADER + length);
    return act(shim, client, type, flags, payload) ? PROGRESS : REFUSE;
}

/*
 * Takes what has come, for one turn: a client that never stops writing must leave time for the others.
 * Everything that is read before the end of file still counts.
 */
void server_input(struct shim *shim, struct client *client) {
    for (int turn = 0;; turn++) {
        enum progress progress;
        while ((progress = take_frame(shim, client)) == PROGRESS) {}
        if (progress == REFUSE) return server_drop(shim, client);
        /* Only here may a turn end: poll tells of bytes in the socket, not of those in the buffer. */
        if (client->stalled || turn == READS_PER_TURN) return;
        int result = client_read(client);
        if (result == -EAGAIN) return;
        if (result <= 0) return server_drop(shim, client);
    }
}
