#include "message.h"

#include <string.h>
#include <sys/socket.h>

#include "syscalls.h"

/* Room for one descriptor, aligned as the kernel wants it. */
union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

long descriptor_send(int socket, const struct iovec *part, int fd) {
    union control control = {0};
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    struct msghdr header = {
        .msg_iov = (struct iovec *)part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    return SYS(sendmsg(socket, &header, MSG_NOSIGNAL));
}

int message_send(int socket, uint32_t type, const struct failure *failure, int fd) {
    struct message message = {.type = type};
    struct iovec part = {&message, sizeof message.type};
    if (failure != NULL) {
        message.failure = *failure;
        part.iov_len = offsetof(struct message, failure) + offsetof(struct failure, text) + strlen(failure->text) + 1;
    }
    /* Plain calls where they do: the sender may be under a filter. SIGPIPE is no worse than nobody to talk to. */
    long sent = fd >= 0 ? descriptor_send(socket, &part, fd) : SYS(write(socket, &message, part.iov_len));
    return sent < 0 ? (int)sent : 0;
}

static int check(struct message *message, long length) {
    if (length < (long)sizeof message->type) return -EBADMSG;
    message->failure.text[FAILURE_TEXT - 1] = '\0';
    return 1;
}

/* Descriptors that come along are dropped by the kernel. */
static int receive_plain(int socket, struct message *message) {
    long length = SYS(read(socket, message, sizeof *message));
    return length <= 0 ? (int)length : check(message, length);
}

int message_receive(int socket, struct message *message, int *fd, int flags) {
    memset(message, 0, sizeof *message);
    if (fd == NULL && flags == 0) return receive_plain(socket, message);
    struct iovec part = {message, sizeof *message};
    union control control = {0};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.bytes};
    long length = SYS(recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC));
    if (length <= 0) return (int)length;
    int passed = -1;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&header);
    if (first != NULL && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS)
        memcpy(&passed, CMSG_DATA(first), sizeof passed);
    if (fd != NULL) *fd = passed;
    else if (passed >= 0) close(passed);
    return check(message, length);
}
