/* The connection to the server of a log, of a process that may wait for it (log-courier.c). */
#ifndef ONGGI_LOG_CONNECTION_H
#define ONGGI_LOG_CONNECTION_H

#include "log-config.h"

struct log_connection {
    const struct log_config *config;
    int fd; /* -1: none */
};

/* Resolves names anew each time. 0 or -errno, after some seconds at most for each address. */
int log_connect(struct log_connection *connection);

/* A message as it is: a datagram, or bytes of a stream. 0 or -errno; then the connection is closed. */
int log_send(struct log_connection *connection, const void *bytes, size_t length);

/* A message of GELF: compressed and in chunks, where it goes by UDP; ended by NUL on a stream. */
int log_send_gelf(struct log_connection *connection, const char *bytes, size_t length);

#endif
