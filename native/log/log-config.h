/* What the plan says of a container's log. The strings and blobs live in the plan. */
#ifndef ONGGI_LOG_CONFIG_H
#define ONGGI_LOG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "plan-reader.h"

/* The numbers stand in src/runtime/plan/numbers.ts, too. */
enum log_driver {
    LOG_NONE = 0,
    LOG_JSON_FILE = 1, /* fields: `,"attrs":{...}` */
    LOG_LOCAL = 2,     /* Docker's: protobuf records between their lengths */
    LOG_K8S_FILE = 3,  /* the format of the Container Runtime Interface */
    LOG_JOURNALD = 4,  /* fields: lines NAME=VALUE */
    LOG_SYSLOG = 5,    /* head: host name; fields: tag; numbers: facility, enum syslog_format */
    LOG_FLUENTD = 6,   /* head: tag; fields: pairs of msgpack strings; numbers: how many, bool fraction of seconds */
    LOG_GELF = 7,      /* head: host name within a JSON string; fields: `,"_name":"value"`; numbers: enum gelf_compression */
};

enum log_transport {
    TRANSPORT_NONE = 0,
    TRANSPORT_UDP = 1,
    TRANSPORT_TCP = 2,
    TRANSPORT_STREAM = 3,   /* unix(7) */
    TRANSPORT_DATAGRAM = 4, /* unix(7) */
    TRANSPORT_TLS = 5,      /* by a program: `address` is its path and arguments, a line each */
};

enum syslog_format { SYSLOG_UNIX = 0, SYSLOG_RFC3164 = 1, SYSLOG_RFC5424 = 2, SYSLOG_RFC5424_MICRO = 3 };
enum gelf_compression { GELF_PLAIN = 0, GELF_GZIP = 1, GELF_ZLIB = 2 };

struct log_config {
    enum log_driver driver;
    const char *path;     /* of a file; NULL: none */
    uint64_t max;         /* a file at least this long is rotated before the next entry; 0: never */
    uint32_t files;
    bool compress;        /* files that are rotated */
    uint64_t buffer;      /* bytes of entries that may wait before more are dropped; 0: the container waits instead */
    enum log_transport transport;
    const char *address;  /* host, path of a socket, or a program */
    uint32_t port;
    uint32_t numbers[2];
    struct blob head, fields;
};

void log_config_take(struct cursor *payload, struct log_config *config);

/* What is wrong, NULL when nothing is. Advances the cursor. */
const char *log_config_problem(struct cursor *payload);

/* Whether a file of this process is written, and no other process is needed. */
bool log_config_direct(const struct log_config *config);

#endif
