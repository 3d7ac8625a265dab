/* Connections to a published port: one to the container for each, and what either end says for the other. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ports.h"
#include "scoped.h"
#include "syscalls.h"

enum { CLIENT, CONTAINER, ENDS };

/* What one read may bring; a connection keeps a copy only of what the other end does not take at once. */
enum { PIECE_BYTES = 64 << 10, WAIT_NS = 10 * 1000 * 1000 };

struct connection;

struct end {
    struct source source;
    struct connection *connection;
    int fd;
    uint32_t awaited;
    bool ended;    /* it says nothing more */
    bool shut;     /* and has been told that the other does not */
    uint8_t *left; /* what it has still to take, or NULL */
    size_t at, length;
};

struct connection {
    struct end ends[ENDS];
    bool connected;
};

static struct end *other_of(struct end *end) {
    return &end->connection->ends[end == &end->connection->ends[CLIENT] ? CONTAINER : CLIENT];
}

static void drop(struct connection *connection) {
    for (int i = 0; i < ENDS; i++) {
        /* Closed, it leaves the loop by itself. */
        drop_fd(&connection->ends[i].fd);
        free(connection->ends[i].left);
    }
    free(connection);
}

/* As much as it takes now; the rest is kept. False: it is gone. */
static bool give(struct end *end, const uint8_t *bytes, size_t length) {
    long sent = SYS(send(end->fd, bytes, length, MSG_NOSIGNAL));
    if (sent == -EAGAIN) sent = 0;
    if (sent < 0) return false;
    if ((size_t)sent == length) return true;
    end->at = 0;
    end->length = length - (size_t)sent;
    end->left = malloc(end->length);
    if (end->left == NULL) return false;
    memcpy(end->left, bytes + sent, end->length);
    return true;
}

static bool give_rest(struct end *end) {
    long sent = SYS(send(end->fd, end->left + end->at, end->length - end->at, MSG_NOSIGNAL));
    if (sent == -EAGAIN) return true;
    if (sent < 0) return false;
    end->at += (size_t)sent;
    if (end->at < end->length) return true;
    free(end->left);
    end->left = NULL;
    return true;
}

/* From one end to the other. False: the connection is broken. */
static bool carry(struct end *from, struct end *to) {
    static uint8_t piece[PIECE_BYTES];
    long length = SYS(recv(from->fd, piece, sizeof piece, 0));
    if (length == -EAGAIN) return true;
    if (length < 0) return false;
    if (length > 0) return give(to, piece, (size_t)length);
    from->ended = true;
    return true;
}

/* Waits for what can come next, or ends: false when there is nothing more to come. */
static bool settle(struct connection *connection) {
    for (int i = 0; i < ENDS; i++) {
        struct end *end = &connection->ends[i], *other = other_of(end);
        if (other->ended && end->left == NULL && !end->shut) {
            end->shut = true;
            shutdown(end->fd, SHUT_WR);
        }
        bool reads = connection->connected && !end->ended && other->left == NULL;
        bool writes = end->left != NULL || (i == CONTAINER && !connection->connected);
        uint32_t wanted = (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
        if (ports_await(end->fd, &end->source, end->awaited, wanted) < 0) return false;
        end->awaited = wanted;
    }
    return !(connection->ends[CLIENT].shut && connection->ends[CONTAINER].shut);
}

/* Whether the container has taken the connection. */
static bool is_connected(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static bool go_on(struct end *end, uint32_t events) {
    struct connection *connection = end->connection;
    if ((events & EPOLLERR) != 0) return false;
    if (!connection->connected) {
        if (!is_connected(end->fd)) return false;
        connection->connected = true;
        return true;
    }
    if (end->left != NULL && (events & (EPOLLOUT | EPOLLHUP)) != 0 && !give_rest(end)) return false;
    struct end *other = other_of(end);
    if (!end->ended && other->left == NULL && (events & (EPOLLIN | EPOLLHUP)) != 0) return carry(end, other);
    return true;
}

static void end_ready(struct source *source, uint32_t events) {
    struct end *end = (struct end *)source;
    struct connection *connection = end->connection;
    if (!go_on(end, events) || !settle(connection)) drop(connection);
}

/* -errno: there is none, and the client is told by the end of its connection. */
static int connect_to(const struct sockaddr_in *target, bool *connected) {
    scoped_fd fd = (int)SYS(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0) return fd;
    int result = (int)SYS(connect(fd, (const struct sockaddr *)target, sizeof *target));
    *connected = result == 0;
    return result < 0 && result != -EINPROGRESS ? result : take_fd(&fd);
}

void ports_accept(struct source *source, uint32_t events) {
    (void)events;
    struct port *port = (struct port *)source;
    scoped_fd client = (int)SYS(accept4(port->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client < 0) {
        /* Out of descriptors or memory: the queue stays, and there is something to do again when a connection ends. */
        if (client != -EAGAIN && client != -ECONNABORTED) nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
        return;
    }
    bool connected = false;
    scoped_fd container = connect_to(&port->target, &connected);
    struct connection *connection = container < 0 ? NULL : calloc(1, sizeof *connection);
    if (connection == NULL) return;
    connection->connected = connected;
    const int fds[ENDS] = {take_fd(&client), take_fd(&container)};
    for (int i = 0; i < ENDS; i++) {
        connection->ends[i] = (struct end){.source = {.ready = end_ready}, .connection = connection, .fd = fds[i]};
    }
    if (!settle(connection)) drop(connection);
}
