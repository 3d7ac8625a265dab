#include "ports.h"

#include <arpa/inet.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "scoped.h"
#include "syscalls.h"

enum { BACKLOG = 4096 };

/* The process, or 0; a shim has one container. */
static pid_t process;
static int loop = -1;

int ports_await(int fd, struct source *source, uint32_t held, uint32_t wanted) {
    if (held == wanted) return 0;
    struct epoll_event event = {.events = wanted, .data.ptr = source};
    int operation = held == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    return (int)SYS(epoll_ctl(loop, operation, fd, &event));
}

/* IPv6 alone: the same port of IPv4 is published by rules. */
static int listen_at(const struct sockaddr_in6 *address, bool datagrams) {
    int type = datagrams ? SOCK_DGRAM : SOCK_STREAM, on = 1;
    scoped_fd fd = (int)SYS(socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0) return fd;
    int result = (int)SYS(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on));
    if (result == 0 && !datagrams) result = (int)SYS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    /* Answers come from the address that was asked. */
    if (result == 0 && datagrams) result = (int)SYS(setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on));
    if (result == 0) result = (int)SYS(bind(fd, (const struct sockaddr *)address, sizeof *address));
    if (result == 0 && !datagrams) result = (int)SYS(listen(fd, BACKLOG));
    return result < 0 ? result : take_fd(&fd);
}

static int take_port(struct cursor *payload, struct port *port, struct failure *failure) {
    port->datagrams = take_bool(payload);
    struct blob host = take_blob(payload);
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)take_u32(payload))};
    struct blob target = take_blob(payload);
    port->target = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)take_u32(payload))};
    const char *what = take_string(payload);
    if (host.length != sizeof address.sin6_addr || target.length != sizeof port->target.sin_addr) return -EBADMSG;
    memcpy(&address.sin6_addr, host.bytes, host.length);
    memcpy(&port->target.sin_addr, target.bytes, target.length);
    port->source.ready = port->datagrams ? ports_datagram : ports_accept;
    port->fd = listen_at(&address, port->datagrams);
    return port->fd < 0 ? fail(failure, port->fd, "failed to bind host port %s", what) : 0;
}

static int compare(const void *one, const void *other) {
    return ((const struct port *)one)->fd - ((const struct port *)other)->fd;
}

/* All that the shim has but the sockets: its lock above all, which says that it lives. */
static int close_others(struct port *ports, size_t count) {
    qsort(ports, count, sizeof *ports, compare);
    unsigned next = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned fd = (unsigned)ports[i].fd;
        if (fd > next) sys_close_range(next, fd - 1, 0);
        next = fd + 1;
    }
    return sys_close_range(next, ~0u, 0);
}

static int lose_privileges(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    const struct __user_cap_data_struct none[2] = {0};
    int result = (int)SYS(syscall(SYS_capset, &header, none));
    return result < 0 ? result : (int)SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* A connection takes two descriptors. */
static void raise_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static _Noreturn void pass_on(struct port *ports, size_t count, pid_t shim) {
    prctl(PR_SET_NAME, "onggi-ports", 0, 0, 0);
    if (close_others(ports, count) < 0 || lose_privileges() < 0) _exit(1);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != shim) _exit(0);
    raise_limit();
    loop = (int)SYS(epoll_create1(EPOLL_CLOEXEC));
    for (size_t i = 0; i < count; i++) {
        if (loop < 0 || ports_await(ports[i].fd, &ports[i].source, 0, EPOLLIN) < 0) _exit(1);
    }
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(loop, &event, 1, ports_forget_senders()) != 1) continue;
        struct source *source = event.data.ptr;
        source->ready(source, event.events);
    }
}

int ports_open(struct cursor *payload, struct failure *failure) {
    size_t count = take_count(payload), opened = 0;
    struct port *ports = calloc(count == 0 ? 1 : count, sizeof *ports);
    int result = ports == NULL ? -ENOMEM : 0;
    while (result == 0 && opened < count) {
        result = take_port(payload, &ports[opened], failure);
        if (result == 0) opened++;
    }
    pid_t shim = getpid();
    pid_t child = result < 0 ? 0 : (pid_t)SYS(fork());
    if (result == 0 && child == 0) pass_on(ports, opened, shim);
    if (child > 0) process = child;
    if (result == 0 && child < 0) result = child;
    for (size_t i = 0; i < opened; i++) close(ports[i].fd);
    free(ports);
    return result < 0 ? fail(failure, result, "start what passes IPv6 ports on") : 0;
}

void ports_close(void) {
    if (process <= 0) return;
    kill(process, SIGKILL);
    SYS(waitpid(process, NULL, 0));
    process = 0;
}

void ports_reaped(pid_t pid) {
    if (pid == process) process = 0;
}
