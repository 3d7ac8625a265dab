/* Datagrams to a published port: a socket to the container for each who sends some, by which the answers come back. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "ports.h"
#include "scoped.h"
#include "syscalls.h"

/* Docker's proxy forgets a sender after 90 seconds, too. */
enum { SENDERS_MAX = 1024, SILENT_MS = 90 * 1000, LOOK_MS = 10 * 1000, DATAGRAM_BYTES = 64 << 10 };

struct sender {
    struct source source;
    struct sender *next;
    const struct port *port;
    int fd; /* to the container */
    struct sockaddr_in6 address;
    struct in6_pktinfo asked; /* at which address of this machine, by which link */
    int64_t heard;            /* ms */
};

static struct sender *senders;
static size_t count;
static uint8_t datagram[DATAGRAM_BYTES];

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void forget(struct sender **place) {
    struct sender *gone = *place;
    *place = gone->next;
    close(gone->fd);
    free(gone);
    count--;
}

int ports_forget_senders(void) {
    static int64_t looked;
    if (senders == NULL) return -1;
    int64_t now = now_ms();
    if (now - looked < LOOK_MS) return (int)(LOOK_MS - (now - looked));
    looked = now;
    for (struct sender **place = &senders; *place != NULL;) {
        if (now - (*place)->heard > SILENT_MS) forget(place);
        else place = &(*place)->next;
    }
    return senders == NULL ? -1 : LOOK_MS;
}

/* Room for one more: the one that has been silent for the longest time goes. */
static void make_room(void) {
    if (count < SENDERS_MAX) return;
    struct sender **oldest = &senders;
    for (struct sender **place = &senders; *place != NULL; place = &(*place)->next) {
        if ((*place)->heard < (*oldest)->heard) oldest = place;
    }
    forget(oldest);
}

/* From the container, back to the sender, as from the address that it had asked. */
static void answer(struct source *source, uint32_t events) {
    (void)events;
    struct sender *sender = (struct sender *)source;
    long length = SYS(recv(sender->fd, datagram, sizeof datagram, 0));
    if (length < 0) return; /* the container's refusal (ECONNREFUSED) is dropped, as any datagram may be */
    sender->heard = now_ms();
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo)), .cmsg_level = IPPROTO_IPV6, .cmsg_type = IPV6_PKTINFO}};
    memcpy(CMSG_DATA(&control.header), &sender->asked, sizeof sender->asked);
    struct iovec part = {datagram, (size_t)length};
    struct msghdr message = {.msg_name = &sender->address, .msg_namelen = sizeof sender->address, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    SYS(sendmsg(sender->port->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static bool is_same(const struct sockaddr_in6 *one, const struct sockaddr_in6 *other) {
    return one->sin6_port == other->sin6_port && one->sin6_scope_id == other->sin6_scope_id &&
           memcmp(&one->sin6_addr, &other->sin6_addr, sizeof one->sin6_addr) == 0;
}

static struct sender *sender_of(const struct port *port, const struct sockaddr_in6 *address, const struct in6_pktinfo *asked) {
    for (struct sender *sender = senders; sender != NULL; sender = sender->next) {
        bool here = memcmp(&sender->asked.ipi6_addr, &asked->ipi6_addr, sizeof asked->ipi6_addr) == 0;
        if (sender->port == port && here && is_same(&sender->address, address)) return sender;
    }
    make_room();
    scoped_fd fd = (int)SYS(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (fd < 0 || connect(fd, (const struct sockaddr *)&port->target, sizeof port->target) < 0) return NULL;
    struct sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL) return NULL;
    *sender = (struct sender){.source = {.ready = answer}, .port = port, .fd = fd, .address = *address, .asked = *asked};
    if (ports_await(fd, &sender->source, 0, EPOLLIN) < 0) return free(sender), NULL;
    take_fd(&fd);
    sender->next = senders;
    senders = sender;
    count++;
    return sender;
}

void ports_datagram(struct source *source, uint32_t events) {
    (void)events;
    struct port *port = (struct port *)source;
    struct sockaddr_in6 address;
    char control[CMSG_SPACE(sizeof(struct in6_pktinfo))] __attribute__((aligned(8)));
    struct iovec part = {datagram, sizeof datagram};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    long length = SYS(recvmsg(port->fd, &message, 0));
    if (length < 0) return;
    struct in6_pktinfo asked = {0};
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) memcpy(&asked, CMSG_DATA(header), sizeof asked);
    }
    struct sender *sender = sender_of(port, &address, &asked);
    if (sender == NULL) return;
    sender->heard = now_ms();
    SYS(send(sender->fd, datagram, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL));
}
