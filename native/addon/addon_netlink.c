/* Sockets: netlink(7), whose messages are built and read in TypeScript and here only carried; and one bind(2). */
#include "addon.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* The kernel never makes a dump datagram larger than 32 KiB (af_netlink.c, netlink_dump). */
#define RECEIVE_SIZE 65536
/* A batch of thousands of rules and its acknowledgements; the default of 208 KiB ends at some 250. */
#define SOCKET_BUFFER (4 << 20)
/* Requests are processed inside sendto(2), so replies are there already; a dump may take the kernel a moment. */
#define TIMEOUT_MS 5000

/* What is still owed to a request. */
struct expectation {
    size_t pending; /* acknowledgements and ends of dumps */
    bool refused;   /* a negative acknowledgement came: a failed batch acknowledges only what failed */
};

static napi_value run_netlink_open(napi_env env, const struct argument *a) {
    SCOPED_FD fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)a[0].number);
    if (fd == -1) return throw_errno(env, "socket", errno);
    int on = 1;
    int size = SOCKET_BUFFER;
    /* Acknowledgements without a copy of the request, with the kernel's own words. Old kernels lack both: fine. */
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    /* Dumps filtered by the kernel as asked, instead of everything when a field is not understood. */
    setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1) return throw_errno(env, "bind", errno);
    int opened = fd;
    fd = -1;
    return check_number(env, "socket", opened);
}

/* The header at `offset`, or false at the end or when the length leaves the buffer. */
static bool header_at(const uint8_t *bytes, size_t length, size_t offset, struct nlmsghdr *header) {
    if (offset > length || length - offset < sizeof *header) return false;
    memcpy(header, bytes + offset, sizeof *header);
    return header->nlmsg_len >= sizeof *header && header->nlmsg_len <= length - offset;
}

static size_t next_message(size_t offset, const struct nlmsghdr *header) {
    return offset + NLMSG_ALIGN((size_t)header->nlmsg_len);
}

/* Counts what the request asks for. False when it is not a whole number of messages. */
static bool expect(const uint8_t *bytes, size_t length, struct expectation *expectation) {
    struct nlmsghdr header;
    size_t offset = 0;
    while (header_at(bytes, length, offset, &header)) {
        bool dump = (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
        if ((header.nlmsg_flags & NLM_F_ACK) != 0 || dump) expectation->pending++;
        offset = next_message(offset, &header);
    }
    return length > 0 && offset >= length;
}

static void settle(const uint8_t *bytes, size_t length, struct expectation *expectation) {
    struct nlmsghdr header;
    for (size_t offset = 0; header_at(bytes, length, offset, &header); offset = next_message(offset, &header)) {
        if (header.nlmsg_type != NLMSG_ERROR && header.nlmsg_type != NLMSG_DONE) continue;
        if (expectation->pending > 0) expectation->pending--;
        if (header.nlmsg_type != NLMSG_ERROR || header.nlmsg_len < sizeof header + sizeof(int)) continue;
        int error;
        memcpy(&error, bytes + offset + sizeof header, sizeof error);
        if (error != 0) expectation->refused = true;
    }
}

/* 1 when there is something to read, 0 when all is said, -1 with errno. */
static int more(int fd, const struct expectation *expectation) {
    bool finished = expectation->pending == 0 || expectation->refused;
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    int ready;
    RETRY(ready, poll(&poller, 1, finished ? 0 : TIMEOUT_MS));
    if (ready != 0) return ready;
    if (finished) return 0;
    errno = ETIMEDOUT;
    return -1;
}

/* Receives one datagram: its length, 0 for one that is not from the kernel (nl_pid 0), -1 with errno. */
static ssize_t receive(int fd, uint8_t *buffer) {
    struct sockaddr_nl from = {0};
    socklen_t from_length = sizeof from;
    ssize_t length;
    RETRY(length, recvfrom(fd, buffer, RECEIVE_SIZE, MSG_TRUNC, (struct sockaddr *)&from, &from_length));
    if (length == -1) return -1;
    if (from.nl_pid != 0) return 0;
    if (length <= RECEIVE_SIZE) return length;
    errno = EMSGSIZE;
    return -1;
}

static napi_value collect(napi_env env, int fd, uint8_t *buffer, struct expectation *expectation) {
    napi_value replies;
    if (napi_create_array(env, &replies) != napi_ok) return NULL;
    uint32_t count = 0;
    for (;;) {
        int ready = more(fd, expectation);
        if (ready == -1) return throw_errno(env, "netlink", errno);
        if (ready == 0) return replies;
        ssize_t length = receive(fd, buffer);
        if (length == -1) return throw_errno(env, "recvfrom", errno);
        if (length == 0) continue;
        settle(buffer, (size_t)length, expectation);
        napi_value reply = make_bytes(env, buffer, (size_t)length);
        if (reply == NULL || napi_set_element(env, replies, count++, reply) != napi_ok) return NULL;
    }
}

static napi_value run_netlink_transact(napi_env env, const struct argument *a) {
    int fd = (int)a[0].number;
    struct expectation expectation = {0};
    if (!expect(a[1].bytes, a[1].length, &expectation)) return throw_errno(env, "netlink", EINVAL);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    ssize_t sent;
    RETRY(sent, sendto(fd, a[1].bytes, a[1].length, 0, (struct sockaddr *)&kernel, sizeof kernel));
    if (sent == -1) return throw_errno(env, "sendto", errno);
    uint8_t *buffer = malloc(RECEIVE_SIZE);
    if (buffer == NULL) return throw_errno(env, "netlink", ENOMEM);
    napi_value replies = collect(env, fd, buffer, &expectation);
    free(buffer);
    return replies;
}

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* Whether a server could listen there now. SO_REUSEADDR as servers set it: connections of old ones don't count. */
static int try_bind(int type, const union address *address) {
    SCOPED_FD fd = socket(address->any.sa_family, type | SOCK_CLOEXEC, 0);
    if (fd == -1) return -1;
    int on = 1;
    bool six = address->any.sa_family == AF_INET6;
    if (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == -1) return -1;
    if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1) return -1;
    if (bind(fd, &address->any, six ? sizeof address->six : sizeof address->four) == -1) return -1;
    /* Two sockets that both reuse the address may be bound to it, but only one may listen. */
    return type == SOCK_STREAM ? listen(fd, 1) : 0;
}

static napi_value run_try_bind(napi_env env, const struct argument *a) {
    union address address = {.six = {.sin6_family = AF_INET6}};
    bool six = inet_pton(AF_INET6, a[1].text, &address.six.sin6_addr) == 1;
    if (!six) address = (union address){.four = {.sin_family = AF_INET}};
    if (a[2].number > UINT16_MAX || (!six && inet_pton(AF_INET, a[1].text, &address.four.sin_addr) != 1)) {
        return throw_errno(env, "bind", EINVAL);
    }
    if (six) address.six.sin6_port = htons((uint16_t)a[2].number);
    else address.four.sin_port = htons((uint16_t)a[2].number);
    return check(env, "bind", try_bind(a[0].number ? SOCK_DGRAM : SOCK_STREAM, &address));
}

const struct call netlink_calls[] = {
    {"netlinkOpen", "i", run_netlink_open},
    {"netlinkTransact", "fy", run_netlink_transact},
    {"tryBind", "bsu", run_try_bind},
    {0},
};
