/*
 * Ports of this machine's IPv6 addresses for a container that has none: nf_tables changes addresses within a family only,
 * so a process takes each connection and each datagram and passes it on. It is a child of the shim, without a capability,
 * holds nothing but its sockets and ends with the shim.
 *
 *   ports.c      the sockets, the process, its loop
 *   ports-tcp.c  connections
 *   ports-udp.c  datagrams, by who sends them
 */
#ifndef ONGGI_PORTS_H
#define ONGGI_PORTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#include "failure.h"
#include "plan-reader.h"

/*
 * OP_PORTS: listens on all of the ports and starts the process. -EADDRINUSE when somebody has one of them, and `failure` says
 * which.
 */
int ports_open(struct cursor *payload, struct failure *failure);
/* Their sockets are closed when this returns. Nothing without OP_PORTS, or when it has ended already. */
void ports_close(void);
/* Of whatever child has ended. */
void ports_reaped(pid_t pid);

/* What follows is for the process alone. */

/* One event is taken at a time, so that what it frees can't be among the next ones. */
struct source {
    void (*ready)(struct source *source, uint32_t events);
};

struct port {
    struct source source;
    int fd;
    bool datagrams;
    struct sockaddr_in target; /* in the container */
};

/* Puts a descriptor into the loop, out of it (no events), or changes what is waited for; `held` is what there was before. */
int ports_await(int fd, struct source *source, uint32_t held, uint32_t wanted);

void ports_accept(struct source *source, uint32_t events);

void ports_datagram(struct source *source, uint32_t events);
/* Forgets senders that have been silent for long; milliseconds until it is to be called again, -1: there are none. */
int ports_forget_senders(void);

#endif
