#include "netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "scoped.h"
#include "syscalls.h"

enum { REPLY_BYTES = 8192, SECONDS = 10 };

#define ALIGNED(length) (((length) + 3u) & ~3u)

static int open_socket(int protocol) {
    scoped_fd fd = (int)SYS(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
    if (fd < 0) return fd;
    int on = 1;
    struct timeval timeout = {.tv_sec = SECONDS};
    /* Both only make errors better: their absence is none. */
    setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    int result = (int)SYS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout));
    return result < 0 ? result : take_fd(&fd);
}

/*
 * Numbers the messages of one request and asks for an acknowledgement of each; how many to expect. The two that
 * bracket an nf_tables batch are not acknowledged (before Linux 6.10 not even on request).
 */
static uint32_t number_messages(int protocol, struct blob request, uint32_t *sequence) {
    uint32_t expected = 0;
    for (uint32_t at = 0; at + sizeof(struct nlmsghdr) <= request.length;) {
        struct nlmsghdr header;
        memcpy(&header, request.bytes + at, sizeof header);
        header.nlmsg_seq = ++*sequence;
        header.nlmsg_pid = 0;
        /* Of rtnetlink the same numbers are RTM_NEWLINK and RTM_DELLINK. */
        bool bracket = protocol == NETLINK_NETFILTER &&
                       (header.nlmsg_type == NFNL_MSG_BATCH_BEGIN || header.nlmsg_type == NFNL_MSG_BATCH_END);
        if (!bracket) {
            header.nlmsg_flags |= NLM_F_ACK;
            expected++;
        }
        memcpy(request.bytes + at, &header, sizeof header);
        at += ALIGNED(header.nlmsg_len);
    }
    return expected;
}

/* The text that the kernel added to a refusal (NLMSGERR_ATTR_MSG), or "". Attributes follow the capped request. */
static const char *extended_message(const uint8_t *message, uint32_t length, uint16_t flags) {
    uint32_t at = sizeof(struct nlmsghdr) + sizeof(struct nlmsgerr);
    if ((flags & NLM_F_ACK_TLVS) == 0) return "";
    if ((flags & NLM_F_CAPPED) == 0) {
        struct nlmsgerr error;
        memcpy(&error, message + sizeof(struct nlmsghdr), sizeof error);
        if (error.msg.nlmsg_len < sizeof(struct nlmsghdr)) return "";
        at += ALIGNED(error.msg.nlmsg_len) - (uint32_t)sizeof(struct nlmsghdr);
    }
    while (at + sizeof(struct nlattr) <= length) {
        struct nlattr attribute;
        memcpy(&attribute, message + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > length) return "";
        const char *text = (const char *)message + at + sizeof attribute;
        size_t size = attribute.nla_len - sizeof attribute;
        if ((attribute.nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG && size > 0 && text[size - 1] == '\0') return text;
        at += ALIGNED(attribute.nla_len);
    }
    return "";
}

struct request {
    int protocol;
    struct blob bytes;
    const char *what; /* of the message */
    const char *step; /* of the step */
    struct failure *failure;
};

/* One datagram of replies: counts acknowledgements down, stops at the first refusal. */
static int read_replies(const struct request *request, const uint8_t *bytes, uint32_t length, uint32_t *expected) {
    for (uint32_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
        struct nlmsghdr header;
        memcpy(&header, bytes + at, sizeof header);
        if (header.nlmsg_len < sizeof header || at + header.nlmsg_len > length) return -EBADMSG;
        if (header.nlmsg_type == NLMSG_ERROR && header.nlmsg_len >= sizeof header + sizeof(struct nlmsgerr)) {
            struct nlmsgerr error;
            memcpy(&error, bytes + at + sizeof header, sizeof error);
            const char *text = extended_message(bytes + at, header.nlmsg_len, header.nlmsg_flags);
            if (error.error != 0)
                return fail(request->failure, error.error, "%s: %s%s%s", request->step, request->what,
                            *text == '\0' ? "" : ": ", text);
            if (*expected > 0) --*expected;
        }
        at += ALIGNED(header.nlmsg_len);
    }
    return 0;
}

static int transact(int socket, const struct request *request, uint32_t *sequence) {
    uint32_t expected = number_messages(request->protocol, request->bytes, sequence);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    long sent = SYS(sendto(socket, request->bytes.bytes, request->bytes.length, 0, (struct sockaddr *)&kernel, sizeof kernel));
    if (sent < 0) return (int)sent;
    while (expected > 0) {
        uint8_t reply[REPLY_BYTES];
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof sender;
        long length = SYS(recvfrom(socket, reply, sizeof reply, 0, (struct sockaddr *)&sender, &size));
        if (length < 0) return length == -EAGAIN ? -ETIMEDOUT : (int)length;
        if (sender.nl_pid != 0) continue; /* any process may send to this socket; only the kernel is 0 */
        int result = read_replies(request, reply, (uint32_t)length, &expected);
        if (result < 0) return result;
    }
    return 0;
}

static void put_pid(struct blob message, uint32_t place, pid_t init) {
    uint32_t value = (uint32_t)init;
    memcpy(message.bytes + place, &value, sizeof value);
}

int netlink_run(struct cursor *payload, pid_t init, struct failure *failure) {
    int protocol = (int)take_u32(payload);
    /* What the step is called stands after its messages. */
    struct cursor end = *payload;
    for (uint32_t count = take_count(&end); count > 0; count--) {
        take_blob(&end);
        for (uint32_t places = take_count(&end); places > 0; places--) take_u32(&end);
        take_string(&end);
    }
    struct request request = {.protocol = protocol, .step = take_string(&end), .failure = failure};
    scoped_fd socket = open_socket(protocol);
    if (socket < 0) return fail(failure, socket, "%s: open a netlink socket", request.step);
    uint32_t sequence = 0;
    for (uint32_t count = take_count(payload); count > 0; count--) {
        request.bytes = take_blob(payload);
        for (uint32_t places = take_count(payload); places > 0; places--) put_pid(request.bytes, take_u32(payload), init);
        request.what = take_string(payload);
        int result = transact(socket, &request, &sequence);
        if (result < 0) return fail(failure, result, "%s: %s", request.step, request.what);
    }
    return 0;
}
