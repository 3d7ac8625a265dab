#include "log-connection.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "deflate.h"
#include "init.h"
#include "log-format.h"
#include "scoped.h"
#include "syscalls.h"

enum { WAIT_SECONDS = 5, SEND_BUFFER = 256 << 10, WORDS_MAX = 16 };
/* GELF, "Chunking": magic, identity, number and count; at most 128 chunks of what an Ethernet takes. */
enum { CHUNK_HEADER = 12, CHUNK_BYTES = 1420, CHUNKS_MAX = 128 };

static bool is_stream(const struct log_config *config) {
    return config->transport == TRANSPORT_TCP || config->transport == TRANSPORT_STREAM || config->transport == TRANSPORT_TLS;
}

/* The limits hold for connect(2), too. */
static int try_address(int family, int type, const struct sockaddr *address, socklen_t size) {
    scoped_fd fd = (int)SYS(socket(family, type | SOCK_CLOEXEC, 0));
    if (fd < 0) return fd;
    struct timeval limit = {.tv_sec = WAIT_SECONDS};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (type == SOCK_DGRAM) setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
    int result = (int)SYS(connect(fd, address, size));
    return result < 0 ? result : take_fd(&fd);
}

static int connect_local(const struct log_config *config, int type) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(config->address) >= sizeof address.sun_path) return -ENAMETOOLONG;
    memcpy(address.sun_path, config->address, strlen(config->address) + 1);
    return try_address(AF_UNIX, type, (struct sockaddr *)&address, sizeof address);
}

static int connect_remote(const struct log_config *config, int type) {
    char port[12];
    snprintf(port, sizeof port, "%u", config->port);
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    if (getaddrinfo(config->address, port, &hints, &found) != 0) return -EHOSTUNREACH;
    int result = -EHOSTUNREACH;
    for (struct addrinfo *next = found; next != NULL && result < 0; next = next->ai_next)
        result = try_address(next->ai_family, type, next->ai_addr, next->ai_addrlen);
    freeaddrinfo(found);
    return result;
}

/* Its standard input and output are the connection; what it says of failures goes nowhere, as the shim's own words do. */
static _Noreturn void execute(const struct log_config *config, int end) {
    char *words = strdup(config->address), *arguments[WORDS_MAX + 1];
    size_t count = 0;
    for (char *word; words != NULL && count < WORDS_MAX && (word = strsep(&words, "\n")) != NULL;) arguments[count++] = word;
    arguments[count] = NULL;
    signals_reset();
    dup2(end, 0);
    dup2(end, 1);
    if (count > 0) execv(arguments[0], arguments);
    _exit(127);
}

/* A program that speaks TLS. A byte of it says that the server is there and is who it should be. */
static int connect_program(const struct log_config *config) {
    int ends[2];
    int result = (int)SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    if (result < 0) return result;
    scoped_fd ours = ends[0], theirs = ends[1];
    /* Orphaned at once, so that nobody has to wait for its end, which may come later than ours. */
    pid_t between = (pid_t)SYS(fork());
    if (between == 0) {
        if (fork() == 0) execute(config, theirs);
        _exit(0);
    }
    drop_fd(&theirs);
    if (between < 0) return between;
    SYS(waitpid(between, NULL, 0));
    struct timeval limit = {.tv_sec = 2 * WAIT_SECONDS}, sending = {.tv_sec = WAIT_SECONDS};
    setsockopt(ours, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &sending, sizeof sending);
    char ready;
    long got = SYS(read(ours, &ready, 1));
    if (got == 1) return take_fd(&ours);
    return got < 0 ? (int)got : -ECONNREFUSED;
}

int log_connect(struct log_connection *connection) {
    const struct log_config *config = connection->config;
    int type = is_stream(config) ? SOCK_STREAM : SOCK_DGRAM;
    bool local = config->transport == TRANSPORT_STREAM || config->transport == TRANSPORT_DATAGRAM;
    drop_fd(&connection->fd);
    bool program = config->transport == TRANSPORT_TLS;
    connection->fd = program ? connect_program(config) : local ? connect_local(config, type) : connect_remote(config, type);
    int result = connection->fd;
    if (result < 0) connection->fd = -1;
    return result < 0 ? result : 0;
}

int log_send(struct log_connection *connection, const void *bytes, size_t length) {
    const char *next = bytes;
    while (length > 0) {
        long sent = SYS(send(connection->fd, next, length, MSG_NOSIGNAL));
        if (sent < 0) {
            drop_fd(&connection->fd);
            return (int)sent;
        }
        next += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static size_t compress_all(enum gelf_compression kind, const uint8_t *bytes, size_t length, uint8_t *out) {
    struct deflate state;
    deflate_begin(&state);
    size_t used = kind == GELF_GZIP ? gzip_header(out, NULL) : zlib_header(out);
    for (size_t done = 0; done < length;) {
        size_t block = length - done < DEFLATE_BLOCK ? length - done : DEFLATE_BLOCK;
        used += deflate_block(&state, bytes + done, block, done + block == length, out + used);
        done += block;
    }
    return used + (kind == GELF_GZIP ? gzip_trailer(&state, out + used) : zlib_trailer(&state, out + used));
}

static int send_chunks(struct log_connection *connection, const uint8_t *bytes, size_t length) {
    enum { PAYLOAD = CHUNK_BYTES - CHUNK_HEADER };
    uint8_t chunk[CHUNK_BYTES] = {0x1e, 0x0f};
    size_t count = (length + PAYLOAD - 1) / PAYLOAD;
    if (count > CHUNKS_MAX) return 0; /* nobody could put it together */
    if (getrandom(chunk + 2, 8, 0) != 8) return -EIO;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        size_t part = length - i * PAYLOAD < PAYLOAD ? length - i * PAYLOAD : PAYLOAD;
        chunk[10] = (uint8_t)i;
        chunk[11] = (uint8_t)count;
        memcpy(chunk + CHUNK_HEADER, bytes + i * PAYLOAD, part);
        result = log_send(connection, chunk, CHUNK_HEADER + part);
    }
    return result;
}

int log_send_gelf(struct log_connection *connection, const char *bytes, size_t length) {
    static uint8_t compressed[DEFLATE_BOUND(LOG_ENTRY_MAX) + 256];
    if (is_stream(connection->config)) {
        memcpy(compressed, bytes, length);
        compressed[length] = '\0';
        return log_send(connection, compressed, length + 1);
    }
    enum gelf_compression kind = (enum gelf_compression)connection->config->numbers[0];
    if (kind != GELF_PLAIN) length = compress_all(kind, (const uint8_t *)bytes, length, compressed);
    else memcpy(compressed, bytes, length);
    if (length <= CHUNK_BYTES) return log_send(connection, compressed, length);
    return send_chunks(connection, compressed, length);
}
